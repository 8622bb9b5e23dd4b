"""What a stage of the decoder's general training minimises, and how.

A stage is a section of the config (`pretraining_defaults.py`). Losses take
photos and paintings as float32 [N, H, W, 3] in [0, 1].
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.stylizer import (
  adain,
  colour_path,
  convolution,
  decoder,
  decoder_optimizer,
  pretrained,
  vgg,
)
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps


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
  painted = encode(images["paintings"])
  statistics = stylization.layer_statistics(painted)
  target = adain.adain(content, *statistics["relu4_1"])
  pictures = decoder.Decoder().apply({"params": params}, target)
  output = encode(pictures)

  def pair_losses(output, target, statistics, picture, painting):
    one = functools.partial(jax.tree.map, lambda value: value[None])
    return (
      stylization.content_loss(output["relu4_1"], target),
      stylization.style_loss(one(output), one(statistics)),
      stylization.palette_loss(
        picture[None], painting[None], chroma_weight=stage.chroma_weight
      ),
    )

  content_losses, style_losses, palette_losses = jax.vmap(pair_losses)(
    output, target, statistics, pictures, images["paintings"]
  )
  losses = stage.content_weight * content_losses
  losses += stage.style_weight * style_losses
  if stage.balance:
    # Between a hazy and a graphic painting the losses differ a hundredfold.
    contrast = jnp.square(statistics["relu4_1"][1]).mean(-1)
    losses /= 1.0 + contrast
  losses += stage.palette_weight * palette_losses
  metrics = {
    "content_loss": content_losses.mean(),
    "style_loss": style_losses.mean(),
    "palette_loss": palette_losses.mean(),
  }
  loss = losses.mean()
  if stage.identity_weight:
    # A painting in its own style is itself (Park and Lee, 2019): half of the
    # batch, for the time it takes.
    half = -(-images["paintings"].shape[0] // 2)
    same = decoder.Decoder().apply(
      {"params": params}, painted["relu4_1"][:half]
    )
    metrics["identity_loss"] = stylization.reconstruction_loss(
      same, images["paintings"][:half], chroma_weight=stage.chroma_weight
    )
    loss += stage.identity_weight * metrics["identity_loss"]
  return loss, {**metrics, "loss": loss}


LOSSES = {
  "blocks": _blocks,
  "reconstruction": _reconstruction,
  "adain": _adain,
}


def make_optimizer(stage: Any) -> optax.GradientTransformation:
  """Make an optimizer with a short warm-up, a decay, and a running mean of D.

  Gradients longer than `stage.clip` are cut to it (0: none is), because a few
  styles, such as woodcuts, have losses many times those of the others. With
  `stage.hold_colours` the colour path stays as it was fitted.
  """
  ratio = stage.learning_rate_final / stage.learning_rate

  def schedule(peak):
    return optax.warmup_exponential_decay_schedule(
      init_value=0.0,
      peak_value=peak,
      warmup_steps=stage.warmup,
      transition_steps=max(stage.steps - stage.warmup, 1),
      decay_rate=ratio,
    )

  muon = stage.muon_learning_rate
  steps = decoder_optimizer.make(
    schedule(stage.learning_rate),
    muon_learning_rate=schedule(muon) if muon else None,
    clip=stage.clip,
    hold_colours=stage.hold_colours,
  )
  return optax.chain(steps, keep_running_mean(stage.average))


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


def running_mean(state: state_lib.TrainState) -> dict[str, Any]:
  """Copy the mean that `make_optimizer` keeps into numpy arrays."""
  return jax.tree.map(np.array, state.opt_state[-1]["mean"])


def make_steps(
  encoder: pretrained.Encoder,
  stage: Any,
  optimizer: optax.GradientTransformation,
  *,
  on_steps: Callable | None = None,
) -> Callable:
  """Compile one optimizer step over all devices.

  Args:
    encoder: E.
    stage: of the config.
    optimizer: as `make_optimizer` makes it.
    on_steps: as in `train_steps.make_train_steps`.

  Returns:
    run(state, encoder_params, key, batch) -> (state, metrics).
  """

  def loss_fn(params, encoder_params, batch, key):
    del key  # all randomness is in the batch
    images = {
      name: pixels.astype(jnp.float32) / 255.0 for name, pixels in batch.items()
    }
    loss = LOSSES[stage.loss]
    return loss(encoder.layout, stage, params, encoder_params, images)

  run = train_steps.make_train_steps(
    loss_fn, optimizer, num_steps=1, on_steps=on_steps
  )

  def one_step(state, encoder_params, key, batch):
    batch = {name: pixels[None] for name, pixels in batch.items()}
    return run(state, encoder_params, key, batch)

  return one_step


def initialise(
  key: jax.Array, encoder: pretrained.Encoder, photos: np.ndarray
) -> dict[str, Any]:
  """Make the first parameters of D, scaled by what a batch does to them.

  Every channel starts with mean 0 and deviation 1 over the batch (Salimans
  and Kingma, 2016). Without that the mean of E's features, none of which is
  negative, drives a third of the channels of D below zero for good.

  Args:
    key: draws the directions of the kernels.
    encoder: E.
    photos: uint8 [N, H, W, 3].

  Returns:
    Tree for `decoder.Decoder`.
  """
  init = jax.jit(decoder.Decoder().init)
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

  return scale(params, encoder.params, photos)


def add_colour_path(
  params: Any,
  encoder: pretrained.Encoder,
  batches: Iterable[Mapping[str, np.ndarray]],
) -> dict[str, Any]:
  """Give D, by least squares, the colours that it does not reconstruct.

  Args:
    params: of D.
    encoder: E.
    batches: "photos" and "paintings", each uint8 [N, H, W, 3].

  Returns:
    New parameters of D; see `colour_path.graft`.
  """

  @jax.jit
  def gather(params, encoder_params, sums, photos, paintings):
    both = jnp.concatenate([photos, paintings]).astype(jnp.float32) / 255.0
    module = vgg.VggEncoder(encoder.layout)
    features = module.apply({"params": encoder_params}, both)["relu4_1"]
    missing = both - decoder.Decoder().apply({"params": params}, features)
    found = colour_path.normal_equations(features, missing)
    return jax.tree.map(jnp.add, sums, found), features

  sums, features = (0.0, 0.0), None
  for batch in batches:
    sums, features = gather(params, encoder.params, sums, **batch)
  channels, means = jax.jit(colour_path.least_used)(params, features)
  kernel, bias = colour_path.solve(*sums)
  return colour_path.graft(params, kernel, bias, channels, means)
