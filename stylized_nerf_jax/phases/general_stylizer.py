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
```
"""

import dataclasses
import functools
import pathlib
import zlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from PIL import Image

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.phases import stylizer_data, vae_training
from stylized_nerf_jax.stylizer import (
  adain,
  convolution,
  decoder,
  pretrained,
  vgg,
  weights_file,
)
from stylized_nerf_jax.training import (
  checkpoints,
  metric_log,
  parallel,
  prng,
  progress,
)
from stylized_nerf_jax.training import state as state_lib

_PHASE = "train-stylizer"
DECODER_FILE = "decoder.npz"
VAE_FILE = "statistics_vae.npz"


def train_and_evaluate(config: Any, workdir: str | pathlib.Path) -> None:
  """Train decoder and VAE, resuming what is in the folder.

  Args:
    config: as `stylizer_defaults.get_config` makes it.
    workdir: of the run; made where it is missing.

  Raises:
    ValueError: a picture, weight or field cannot be used, or the loss is no
      longer finite.
  """
  workdir = pathlib.Path(workdir)
  check_config(config)
  workdir.mkdir(parents=True, exist_ok=True)
  encoder = pretrained.load_encoder(config.encoder)
  pictures, held_out = stylizer_data.open_pictures(config, workdir)
  config_lib.save(config, workdir / "config.json")
  log = metric_log.MetricLog(workdir / "metrics.jsonl")
  if config.stages:
    train_decoder(config, workdir, encoder, pictures, held_out, log)
  if config.vae.steps:
    tree, scores = vae_training.train_vae(config, encoder, pictures, log)
    metadata = {"encoder_sha256": encoder.sha256, **scores}
    save_weights(workdir / VAE_FILE, {"vae": tree}, metadata)


def check_config(config: Any) -> None:
  """Check what a type check cannot.

  Raises:
    ValueError: an unknown stage or loss, or a crop that E cannot take.
  """
  for name in config.stages:
    if name not in config.stage:
      raise ValueError(
        f"config field stages names {name!r}; known: {sorted(config.stage)}"
      )
    stage = config.stage[name]
    if stage.loss not in _LOSSES:
      raise ValueError(
        f"config field stage.{name}.loss is {stage.loss!r}; expected one of"
        f" {sorted(_LOSSES)}"
      )
    if stage.crop < 16 or stage.crop % 8:
      raise ValueError(
        f"config field stage.{name}.crop is {stage.crop}; expected a multiple"
        " of 8, at least 16"
      )


def train_decoder(
  config: Any,
  workdir: pathlib.Path,
  encoder: pretrained.Encoder,
  pictures: stylizer_data.TrainingPictures,
  held_out: stylizer_data.HeldOut,
  log: metric_log.MetricLog,
) -> None:
  """Run the stages, from the newest checkpoint on."""
  store = checkpoints.Checkpoints(workdir / "decoder")
  evaluation = Evaluation(encoder, held_out)
  position = find_position(config, store)
  params = None
  for index, name in enumerate(config.stages):
    if index < position.stage_index:
      continue
    stage = config.stage[name]
    optimizer = make_optimizer(stage)
    make_batch = functools.partial(_batch, config, name, pictures)
    if params is None:
      params = initialise(config, encoder, make_batch(0))
    state = state_lib.create(params, optimizer)
    first = 0
    if index == position.stage_index:
      state, first = _restore(store, state, position)
    run = _make_steps(encoder, stage, optimizer)
    key = prng.stream_key(config.seed, name)
    batches = stylizer_data.prefetch(make_batch, first, stage.steps)
    with progress.progress(stage.steps, name, initial=first) as bar:
      for step, batch in enumerate(batches, start=first + 1):
        state, metrics = run(state, encoder.params, key, batch)
        total = position.before[index] + step
        bar.advance(loss=metrics["loss"])
        last = step == stage.steps
        if step % 25 == 0 or last:
          _check_finite(metrics, name, step)
          log.write(phase=name, step=total, **metrics)
        if step % config.checkpoint_every == 0 or last:
          items = {"params": state.params, "optimizer": state.opt_state}
          store.save(total, items, {"stage": name, "stage_step": step})
        if step % config.evaluate_every == 0 or last:
          facts = {"stage": name, "stage_step": step, "step": total}
          _evaluate(evaluation, running_mean(state), workdir, log, facts)
    params = running_mean(state)
  store.close()


def _evaluate(evaluation, params, workdir, log, facts) -> None:
  """Score the running mean of D and write it."""
  scores = evaluation.run(params, workdir, facts["step"])
  log.write(phase=f"{facts['stage']}/held_out", step=facts["step"], **scores)
  metadata = {"encoder_sha256": evaluation.encoder.sha256, **facts, **scores}
  save_weights(workdir / DECODER_FILE, {"decoder": params}, metadata)


def save_weights(
  path: pathlib.Path, tree: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
  """Write weights as they are shipped: float16."""
  tree = jax.tree.map(np.asarray, dict(tree))
  weights_file.save_weights(path, tree, metadata, dtype="float16")


def make_optimizer(stage: Any) -> optax.GradientTransformation:
  """Make Adam with a short warm-up, a decay, and a running mean of D."""
  ratio = stage.learning_rate_final / stage.learning_rate
  schedule = optax.warmup_exponential_decay_schedule(
    init_value=0.0,
    peak_value=stage.learning_rate,
    warmup_steps=stage.warmup,
    transition_steps=max(stage.steps - stage.warmup, 1),
    decay_rate=ratio,
  )
  return optax.chain(optax.adam(schedule), keep_running_mean(stage.average))


def keep_running_mean(decay: float) -> optax.GradientTransformation:
  """Follow the parameters with an exponential mean; updates pass unchanged.

  Early on the mean is over all steps so far, so that the start is forgotten.
  """

  def init(params):
    return {"count": jnp.zeros((), jnp.int32), "mean": params}

  def update(updates, state, params):
    count = state["count"] + 1
    rate = jnp.maximum(1.0 - decay, 1.0 / (1.0 + 0.1 * count))
    mean = jax.tree.map(
      lambda m, p, u: m + rate * (p + u - m), state["mean"], params, updates
    )
    return updates, {"count": count, "mean": mean}

  return optax.GradientTransformation(init, update)


def running_mean(state: state_lib.TrainState) -> Any:
  """Take the mean that `make_optimizer` keeps, as numpy arrays."""
  return jax.tree.map(np.asarray, state.opt_state[-1]["mean"])


def _make_steps(encoder, stage, optimizer):
  """Compile one optimizer step over all devices.

  Returns:
    run(state, encoder_params, key, batch) -> (state, metrics).
  """

  def loss_fn(params, encoder_params, batch, key):
    del key  # all randomness is in the batch
    images = {
      name: pixels.astype(jnp.float32) / 255.0 for name, pixels in batch.items()
    }
    loss = _LOSSES[stage.loss]
    return loss(encoder.layout, stage, params, encoder_params, images)

  parallel.share(stage.batch_size, "batch_size of a stage")
  run = parallel.make_train_steps(loss_fn, optimizer, num_steps=1)

  def one_step(state, encoder_params, key, batch):
    batch = {name: pixels[None] for name, pixels in batch.items()}
    return run(state, encoder_params, key, batch)

  return one_step


def initialise(
  config: Any, encoder: pretrained.Encoder, batch: Mapping[str, np.ndarray]
) -> Any:
  """Make the first parameters of D, scaled by what a batch does to them.

  Every channel starts with mean 0 and deviation 1 over the batch (Salimans
  and Kingma, 2016). Without that the mean of E's features, none of which is
  negative, drives a third of the channels of D below zero for good.
  """
  init = jax.jit(decoder.Decoder().init)
  key = prng.stream_key(config.seed, _PHASE)
  params = init(key, jnp.zeros((1, 2, 2, 512)))["params"]

  @jax.jit
  def scale(params, encoder_params, pixels):
    images = pixels.astype(jnp.float32) / 255.0
    module = vgg.VggEncoder(encoder.layout)
    x = module.apply({"params": encoder_params}, images)["relu4_1"]
    scaled = {}
    for name, width, upsample in decoder.LAYERS:
      layer = convolution.ReflectConv(width, upsample=upsample)
      y = layer.apply({"params": params[name]}, x)
      mean, std = y.mean((0, 1, 2)), y.std((0, 1, 2)) + 1e-6
      target_mean, target_std = (0.45, 0.1) if width == 3 else (0.0, 1.0)
      gain = target_std / std
      scaled[name] = {
        "kernel": params[name]["kernel"] * gain,
        "bias": params[name]["bias"] * gain - mean * gain + target_mean,
      }
      x = jax.nn.relu((y - mean) * gain)
    return scaled

  return scale(params, encoder.params, batch["photos"])


def _reconstruction(layout, stage, params, encoder_params, images):
  """Loss of D on pictures from their own features; E gets no gradient."""
  both = jnp.concatenate([images["photos"], images["paintings"]])
  features = vgg.VggEncoder(layout).apply({"params": encoder_params}, both)
  output = decoder.Decoder().apply({"params": params}, features["relu4_1"])
  loss = stylization.reconstruction_loss(
    output, both, chroma_weight=stage.chroma_weight
  )
  return loss, {"loss": loss}


def _blocks(layout, stage, params, encoder_params, images):
  """Loss of the blocks of D, each from true features to true features.

  Short ways for the gradient: D learns in hundreds of steps what the loss of
  the whole takes thousands for.
  """
  both = jnp.concatenate([images["photos"], images["paintings"]])
  features = vgg.VggEncoder(layout).apply({"params": encoder_params}, both)
  outputs = decoder.Decoder().apply(
    {"params": params}, features, method="decode_blocks"
  )
  image = outputs.pop("image")
  metrics = {
    name: stylization.block_loss(output, features[name])
    for name, output in outputs.items()
  }
  metrics["image"] = stylization.reconstruction_loss(
    image, both, chroma_weight=stage.chroma_weight
  )
  return sum(metrics.values()), {"loss": sum(metrics.values()), **metrics}


def _adain(layout, stage, params, encoder_params, images):
  """Content and style loss of D on AdaIN targets."""
  encode = functools.partial(
    vgg.VggEncoder(layout).apply, {"params": encoder_params}
  )
  content = encode(images["photos"])["relu4_1"]
  statistics = stylization.layer_statistics(encode(images["paintings"]))
  target = adain.adain(content, *statistics["relu4_1"])
  output = encode(decoder.Decoder().apply({"params": params}, target))
  content_loss = stylization.content_loss(output["relu4_1"], target)
  style_loss = stylization.style_loss(output, statistics)
  loss = stage.content_weight * content_loss + stage.style_weight * style_loss
  metrics = {
    "loss": loss,
    "content_loss": content_loss,
    "style_loss": style_loss,
  }
  return loss, metrics


_LOSSES = {
  "blocks": _blocks,
  "reconstruction": _reconstruction,
  "adain": _adain,
}


class Evaluation:
  """Scores a decoder on the held-out pairs and saves what it makes of them.

  Args:
    encoder: E.
    held_out: photos and paintings.
  """

  def __init__(
    self, encoder: pretrained.Encoder, held_out: stylizer_data.HeldOut
  ):
    self._held_out = held_out
    self.encoder = encoder
    self._statistics = {}
    module = vgg.VggEncoder(encoder.layout)
    statistics = jax.jit(
      lambda params, image: stylization.layer_statistics(
        module.apply({"params": params}, image.astype(jnp.float32) / 255.0)
      )
    )
    for name, painting in zip(held_out.painting_names, held_out.paintings):
      if name not in self._statistics:
        self._statistics[name] = statistics(encoder.params, painting[None])

    @jax.jit
    def score(params, encoder_params, photo, statistics):
      encode = functools.partial(module.apply, {"params": encoder_params})
      content = encode(photo.astype(jnp.float32) / 255.0)["relu4_1"]
      target = adain.adain(content, *statistics["relu4_1"])
      image = decoder.Decoder().apply({"params": params}, target)
      # What is seen and stored is clipped, so that is what is scored.
      image = jnp.clip(image, 0.0, 1.0)
      features = encode(image)
      return {
        "content_loss": stylization.content_loss(features["relu4_1"], target),
        "style_loss": stylization.style_loss(features, statistics),
      }, image

    self._score = score

  def run(
    self, params: Mapping[str, Any], workdir: pathlib.Path, step: int
  ) -> dict[str, float]:
    """Score D and write samples/STEP.png.

    Returns:
      Mean content and style loss over the pairs.
    """
    scores, columns = [], []
    held_out = self._held_out
    for photo, painting, name in zip(
      held_out.photos, held_out.paintings, held_out.painting_names
    ):
      losses, image = self._score(
        params, self.encoder.params, photo[None], self._statistics[name]
      )
      scores.append(jax.device_get(losses))
      pixels = np.asarray(image[0] * 255.0 + 0.5).astype(np.uint8)
      thumbnail = Image.fromarray(painting).resize(photo.shape[1::-1])
      columns.append(np.concatenate([photo, np.array(thumbnail), pixels]))
    folder = workdir / "samples"
    folder.mkdir(exist_ok=True)
    sheet = np.concatenate(columns, axis=1)
    Image.fromarray(sheet).save(folder / f"{step:06d}.png")
    return {
      name: float(np.mean([row[name] for row in scores])) for name in scores[0]
    }


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
    raise ValueError(
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
  """Take a stage's state from the newest checkpoint, where there is one."""
  if position.stage_step is None:
    return state, 0
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


def _check_finite(metrics: Mapping[str, Any], stage: str, step: int) -> None:
  if not np.isfinite(metrics["loss"]):
    raise ValueError(
      f"the loss is no longer finite at step {step} of {stage}: lower config"
      f" field stage.{stage}.learning_rate and start again; the last"
      " checkpoint is kept"
    )
