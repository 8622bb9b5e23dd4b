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
  decoder,
  pretrained,
  vgg,
  weights_file,
)
from stylized_nerf_jax.training import checkpoints, metric_log, prng, progress

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
  params, position = _restore_params(config, store)
  for index, name in enumerate(config.stages):
    if index < position["stage_index"]:
      continue
    stage = config.stage[name]
    first = position["stage_step"] if index == position["stage_index"] else 0
    optimizer = make_optimizer(stage)
    state = {"params": params, "average": params}
    opt_state = optimizer.init(params)
    if first:
      items, _ = store.restore({"params": state, "optimizer": opt_state})
      state, opt_state = items["params"], items["optimizer"]
    step_fn = make_step(encoder.layout, stage, optimizer, config.average)
    make_batch = functools.partial(_batch, config, name, pictures)
    batches = stylizer_data.prefetch(make_batch, first, stage.steps)
    with progress.progress(stage.steps, name, initial=first) as bar:
      for step, batch in enumerate(batches, start=first + 1):
        state, opt_state, metrics = step_fn(
          state, opt_state, encoder.params, batch
        )
        done = position["before"][index] + step
        last = step == stage.steps
        bar.advance(loss=metrics["loss"])
        if step % 25 == 0 or last:
          _check_finite(metrics, name, step)
          log.write(phase=name, step=done, **metrics)
        if step % config.checkpoint_every == 0 or last:
          meta = {"stage": name, "stage_step": step}
          store.save(done, {"params": state, "optimizer": opt_state}, meta)
        if step % config.evaluate_every == 0 or last:
          scores = evaluation.run(state["average"], workdir, done)
          log.write(phase=f"{name}/held_out", step=done, **scores)
          metadata = {
            "encoder_sha256": encoder.sha256,
            "stage": name,
            "stage_step": step,
            "step": done,
            "seed": config.seed,
            **scores,
          }
          save_weights(
            workdir / DECODER_FILE, {"decoder": state["average"]}, metadata
          )
    params = state["average"]
  store.close()


def save_weights(
  path: pathlib.Path, tree: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
  """Write weights as they are shipped: float16."""
  tree = jax.tree.map(np.asarray, dict(tree))
  weights_file.save_weights(path, tree, metadata, dtype="float16")


def make_optimizer(stage: Any) -> optax.GradientTransformation:
  """Make Adam with a short warm-up and an exponential decay."""
  ratio = stage.learning_rate_final / stage.learning_rate
  schedule = optax.warmup_exponential_decay_schedule(
    init_value=0.0,
    peak_value=stage.learning_rate,
    warmup_steps=stage.warmup,
    transition_steps=max(stage.steps - stage.warmup, 1),
    decay_rate=ratio,
  )
  return optax.adam(schedule)


def make_step(
  layout: str,
  stage: Any,
  optimizer: optax.GradientTransformation,
  average: float,
):
  """Compile one optimizer step.

  Returns:
    step(state, opt_state, encoder_params, batch) -> (state, opt_state,
    metrics); state has "params" and their running mean, "average".
  """
  loss_fn = functools.partial(_LOSSES[stage.loss], layout, stage)

  @jax.jit
  def step(state, opt_state, encoder_params, batch):
    params = state["params"]
    images = {
      name: pixels.astype(jnp.float32) / 255.0 for name, pixels in batch.items()
    }
    grads, metrics = jax.grad(loss_fn, has_aux=True)(
      params, encoder_params, images
    )
    updates, opt_state = optimizer.update(grads, opt_state, params)
    params = optax.apply_updates(params, updates)
    mean = optax.incremental_update(params, state["average"], 1.0 - average)
    return {"params": params, "average": mean}, opt_state, metrics

  return step


def _reconstruction(layout, stage, params, encoder_params, images):
  """Loss of D on pictures from their own features; E gets no gradient."""
  both = jnp.concatenate([images["photos"], images["paintings"]])
  features = vgg.VggEncoder(layout).apply({"params": encoder_params}, both)
  output = decoder.Decoder().apply({"params": params}, features["relu4_1"])
  loss = stylization.reconstruction_loss(
    output, both, chroma_weight=stage.chroma_weight
  )
  return loss, {"loss": loss}


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


_LOSSES = {"reconstruction": _reconstruction, "adain": _adain}


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
    self._encoder = encoder
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
        params, self._encoder.params, photo[None], self._statistics[name]
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


def _restore_params(config: Any, store: checkpoints.Checkpoints):
  """Take parameters and position from the newest checkpoint, or the start."""
  init = jax.jit(decoder.Decoder().init)
  key = prng.stream_key(config.seed, _PHASE)
  params = init(key, jnp.zeros((1, 2, 2, 512)))["params"]
  steps = [config.stage[name].steps for name in config.stages]
  position = {
    "stage_index": 0,
    "stage_step": 0,
    "before": [int(sum(steps[:i])) for i in range(len(steps))],
  }
  if store.latest_step() is None:
    return params, position
  items, meta = store.restore({"params": {"params": params, "average": params}})
  if meta["stage"] not in config.stages:
    raise ValueError(
      f"the checkpoint is of the stage {meta['stage']!r}, which config field"
      f" stages ({', '.join(config.stages)}) lacks; add it or use another"
      " --workdir"
    )
  position["stage_index"] = config.stages.index(meta["stage"])
  position["stage_step"] = meta["stage_step"]
  if meta["stage_step"] >= config.stage[meta["stage"]].steps:
    position["stage_index"] += 1
    position["stage_step"] = 0
  return items["params"]["average"], position


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
