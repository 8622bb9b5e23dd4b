"""General training of the decoder and of the statistics VAE (method, 4 and 5).

No scene is involved: photos and paintings in, weights out. The decoder goes
through the stages of the config, the VAE follows. Everything is a function
of the seed and the step, so that a resumed run draws what an uninterrupted
one would have drawn. The work folder holds

```
DIR/
  config.json     the effective config        metrics.jsonl   losses
  decoder.npz     the newest running mean of D, float16, at every evaluation
  statistics_vae.npz
  samples/        held-out photos, paintings and outputs, at every evaluation
  decoder/        checkpoints                 generated/      painted styles
  vae/            checkpoints                 lock            who trains now
```
"""

import contextlib
import dataclasses
import functools
import pathlib
import zlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import pretraining_defaults, user_error
from stylized_nerf_jax.host import disk, interruption, progress
from stylized_nerf_jax.pretraining import (
  corpus,
  decoder_stages,
  pair_scores,
  vae_training,
)
from stylized_nerf_jax.rows import devices, prng
from stylized_nerf_jax.runs import loop_keeper, run_folder, run_lock
from stylized_nerf_jax.stylizer import pretrained, weights_file
from stylized_nerf_jax.training import checkpoints, metric_log
from stylized_nerf_jax.training import state as state_lib

_PHASE = "train-stylizer"
_LOG_EVERY = 25  # steps
DECODER_FILE = "decoder.npz"
VAE_FILE = "statistics_vae.npz"


def train_and_evaluate(config: Any, workdir: str | pathlib.Path) -> None:
  """Train decoder and VAE, resuming what is in the folder.

  SIGTERM and SIGINT end it after the step at hand, with everything saved.

  Args:
    config: as `pretraining_defaults.get_config` makes it.
    workdir: of the run; made where it is missing.

  Raises:
    ValueError: a picture, weight or field cannot be used, another process
      trains in the folder, or losses are not finite.
    interruption.Interrupted: a signal came.
    disk.DiskFullError: training can be resumed when there is space.
  """
  workdir = pathlib.Path(workdir)
  config_lib.check_values(config, pretraining_defaults.FIELDS)
  sources = corpus.find_pictures(config)
  encoder = pretrained.load_encoder(config.encoder)
  start = None
  if config.start and config.stages:
    start = pretrained.load_decoder(config.start, encoder=encoder)
  # All that a user can get wrong has been checked but for damaged pictures.
  try:
    workdir.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise user_error.UserError(
      f"--workdir {workdir} cannot be written ({error.strerror}): choose "
      "another folder or change its permissions"
    ) from None
  with interruption.listening(), run_lock.hold(workdir):
    _train(config, workdir, encoder, sources, start)


def _train(config, workdir: pathlib.Path, encoder, sources, start) -> None:
  progress.say(_plan(config, workdir, sources))
  pictures, held_out = corpus.open_pictures(config, workdir, sources)
  config_lib.save(config, workdir / "config.json")
  log = metric_log.MetricLog(workdir / "metrics.jsonl")
  if config.training.tensorboard:
    log.mirror_to_tensorboard()
  if config.stages:
    train_decoder(config, workdir, encoder, pictures, held_out, log, start)
  if config.vae.steps:
    store = checkpoints.Checkpoints(
      workdir / "vae" / "checkpoints", **run_folder.kept(config.training)
    )
    with contextlib.closing(store):
      tree, scores = vae_training.train_vae(
        config, encoder, pictures, log, store
      )
    metadata = {"encoder_sha256": encoder.sha256, **scores}
    save_weights(workdir / VAE_FILE, {"vae": tree}, metadata)
  progress.say(f"{workdir}: finished")


def _plan(config, workdir: pathlib.Path, sources: corpus.Sources) -> str:
  """Says in a line what is about to be done."""
  stages = [f"{name} {config.stage[name].steps}" for name in config.stages]
  if config.vae.steps:
    stages.append(f"the VAE {config.vae.steps}")
  return (
    f"{workdir}: {len(sources.photos)} photos, {len(sources.paintings)} "
    f"paintings; steps on {devices.in_words()}: {', '.join(stages)}"
  )


def weight_fields(config, workdir: str | pathlib.Path) -> tuple[str, ...]:
  """Returns the config fields by which a run takes what was trained.

  Args:
    config, workdir: as of `train_and_evaluate`.
  """
  files = {"decoder": DECODER_FILE} if config.stages else {}
  if config.vae.steps:
    files["vae"] = VAE_FILE
  return tuple(
    f"--config.weights.{name}={pathlib.Path(workdir) / file}"
    for name, file in files.items()
  )


@dataclasses.dataclass(frozen=True, eq=False)
class _Run:
  """What all stages of a run share."""

  config: Any
  workdir: pathlib.Path
  encoder: pretrained.Encoder
  pictures: corpus.TrainingPictures
  scores: pair_scores.PairScores
  log: metric_log.MetricLog
  store: checkpoints.Checkpoints
  position: "Position"


def train_decoder(
  config: Any,
  workdir: pathlib.Path,
  encoder: pretrained.Encoder,
  pictures: corpus.TrainingPictures,
  held_out: corpus.ScoredPairs,
  log: metric_log.MetricLog,
  start: Any = None,
) -> None:
  """Run the stages, from the newest checkpoint on, or from `start`."""
  store = checkpoints.Checkpoints(
    workdir / "decoder", **run_folder.kept(config.training)
  )
  store.repair()
  position = find_position(config, store)
  run = _Run(
    config,
    workdir,
    encoder,
    pictures,
    pair_scores.PairScores(encoder, held_out),
    log,
    store,
    position,
  )
  params = start
  if params is None:
    photos = _batch(config, config.stages[0], pictures, 0)["photos"]
    key = prng.stream_key(config.seed, _PHASE)
    params = decoder_stages.initialise(key, encoder, photos)
  with contextlib.closing(store):
    for index in range(position.stage_index, len(config.stages)):
      params = _train_stage(run, index, params)


def _train_stage(run: _Run, index: int, params: Any) -> Any:
  """Run one stage; returns the running mean of the parameters."""
  name = run.config.stages[index]
  stage = run.config.stage[name]
  optimizer = decoder_stages.make_optimizer(stage)
  resumed = index == run.position.stage_index and run.position.stage_step
  if stage.colour_batches and not resumed:
    params = _add_colour_path(run, name, params)
  state, first = state_lib.create(params, optimizer), 0
  if resumed:
    state, first = _restore(run.store, state, run.position)
  keeper = loop_keeper.LoopKeeper(
    name, run.store, run.config.training, every=run.config.checkpoint_every
  )
  step_fn = decoder_stages.make_steps(
    run.encoder, stage, optimizer, on_steps=keeper.guard
  )
  key = prng.stream_key(run.config.seed, name)
  make_batch = functools.partial(_batch, run.config, name, run.pictures)
  batches = corpus.prefetch(make_batch, first, stage.steps)
  with progress.progress(stage.steps, name, initial=first) as bar:
    for step, batch in enumerate(batches, start=first + 1):
      state, metrics = step_fn(state, run.encoder.params, key, batch)
      bar.advance(loss=metrics["loss"])
      _record(run, index, step, state, metrics, keeper)
  keeper.settle()
  return decoder_stages.running_mean(state)


def _add_colour_path(run: _Run, name: str, params: Any) -> Any:
  """Fit the colours of a stage's first pictures, before its first step."""
  batches = run.config.stage[name].colour_batches
  make_batch = functools.partial(_batch, run.config, name, run.pictures)
  with progress.progress(batches, f"{name}: colours") as bar:

    def counted():
      for batch in corpus.prefetch(make_batch, 0, batches):
        yield batch
        bar.advance()

    return decoder_stages.add_colour_path(params, run.encoder, counted())


def _record(
  run: _Run,
  index: int,
  step: int,
  state: state_lib.TrainState,
  metrics: Any,
  keeper: loop_keeper.LoopKeeper,
) -> None:
  """Log, score and save where it is time to."""
  name = run.config.stages[index]
  total = run.position.before[index] + step
  last = step == run.config.stage[name].steps
  if step % _LOG_EVERY == 0 or last:
    run.log.write(phase=name, step=total, **metrics, **keeper.figures(step))
  # Before the checkpoint: what goes on behind it does not score again.
  if step % run.config.evaluate_every == 0 or last:
    params = decoder_stages.running_mean(state)
    scores = run.scores.run(params, run.workdir, total)
    run.log.write(phase=f"{name}/held_out", step=total, **scores)
    metadata = {
      "encoder_sha256": run.encoder.sha256,
      "seed": run.config.seed,
      "stage": name,
      "stage_step": step,
      "step": total,
      **scores,
    }
    save_weights(run.workdir / DECODER_FILE, {"decoder": params}, metadata)

  def save():
    items = {"params": state.params, "optimizer": state.opt_state}
    run.store.save(total, items, {"stage": name, "stage_step": step})

  if last:
    save()
  keeper.after(step - 1, step, save)


def save_weights(
  path: pathlib.Path, tree: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
  """Write weights as they are shipped: float16."""
  tree = jax.tree.map(np.asarray, dict(tree))
  with disk.writing(path):
    weights_file.save_weights(path, tree, metadata, dtype="float16")


@dataclasses.dataclass(frozen=True)
class Position:
  """Where training goes on.

  Attributes:
    stage_index: the stage of the newest checkpoint, or 0.
    stage_step: steps of it taken; None without a checkpoint.
    before: for each stage, the steps of the stages before.
  """

  stage_index: int
  stage_step: int | None
  before: tuple[int, ...]


def find_position(config: Any, store: checkpoints.Checkpoints) -> Position:
  """Read from the newest checkpoint where training goes on.

  Raises:
    ValueError: its stage is not in the config.
  """
  steps = [config.stage[name].steps for name in config.stages]
  before = tuple(int(sum(steps[:i])) for i in range(len(steps)))
  if store.latest_step() is None:
    return Position(0, None, before)
  _, meta = store.restore({})
  if meta["stage"] not in config.stages:
    raise user_error.UserError(
      f"the checkpoint is of the stage {meta['stage']!r}, which config field"
      f" stages ({', '.join(config.stages)}) lacks; add it or use another"
      " --workdir"
    )
  index = config.stages.index(meta["stage"])
  return Position(index, meta["stage_step"], before)


def _restore(
  store: checkpoints.Checkpoints,
  state: state_lib.TrainState,
  position: Position,
) -> tuple[state_lib.TrainState, int]:
  """Take a stage's state from the newest checkpoint."""
  items, _ = store.restore(
    {"params": state.params, "optimizer": state.opt_state}
  )
  step = np.asarray(position.stage_step, np.int32)
  return (
    state_lib.TrainState(step, items["params"], items["optimizer"]),
    position.stage_step,
  )


def _batch(config: Any, stage_name: str, pictures, step: int):
  """Draw the batch of a step from seed, stage and step alone."""
  stage = config.stage[stage_name]
  stream = zlib.crc32(stage_name.encode())
  generator = np.random.default_rng([config.seed, stream, step])
  return pictures.batch(generator, count=stage.batch_size, size=stage.crop)
