"""What the decoder minimises on crops of a scene's views (phases 2 and 3).

Content and style of its output, agreement between neighbouring views through
the scene's geometry (method: section 6), and, in phase 3, closeness to what
the style field renders (section 8).
"""

import dataclasses
import functools
from typing import Any

import flax
import jax
import jax.numpy as jnp

from stylized_nerf_jax.losses import consistency, mutual, stylization
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import warping
from stylized_nerf_jax.stylizer import adain, decoder, vgg

MARGIN = 16  # pixels


@dataclasses.dataclass(frozen=True)
class Weights:
  """Weights of the decoder's losses; 0 switches one off."""

  content: float
  style: float
  consistency: float
  mimic: float = 0.0


@flax.struct.dataclass
class Constants:
  """What the decoder's losses hold constant.

  Attributes:
    encoder: parameters of E.
    statistics: layer name to (mean, standard deviation) of E(style), [S, C].
    tolerance: [], occlusion tolerance, file units.
  """

  encoder: Any
  statistics: dict[str, tuple[jax.Array, jax.Array]]
  tolerance: jax.Array


@flax.struct.dataclass
class Batch:
  """G groups of N crops that see the same part of the scene in one style.

  Attributes:
    style: [G], int32.
    features: [G, N, C / 8, C / 8, 512], of E, normalised.
    depth: [G, N, C, C], file units.
    cameras: arrays of leading dimensions [G, N], of the crops, file frame.
    pixels: [G, P, 2] row and column in the first crop, or None.
    rendered: [G, P, 3], the style field's colours there, or None.
  """

  style: jax.Array
  features: jax.Array
  depth: jax.Array
  cameras: rays_lib.CameraArrays
  pixels: jax.Array | None = None
  rendered: jax.Array | None = None


def decoder_loss(
  params, constants: Constants, batch: Batch, key, *, layout: str, weights
) -> tuple[jax.Array, dict[str, jax.Array]]:
  """Mean over groups of the weighted losses.

  Args:
    params: of the decoder.
    constants: see `Constants`.
    batch: see `Batch`.
    key: unused: nothing is random.
    layout: of the encoder.
    weights: `Weights`.

  Returns:
    (loss [], the single losses by name).
  """
  del key
  groups = batch.style.shape[0]
  total = None
  for g in range(groups):
    group = jax.tree.map(lambda values, g=g: values[g], batch)
    losses = _group_losses(params, constants, group, layout, weights)
    total = losses if total is None else jax.tree.map(jnp.add, total, losses)
  mean = jax.tree.map(lambda value: value / groups, total)
  loss = sum(getattr(weights, name) * value for name, value in mean.items())
  return loss, {"loss": loss, **mean}


def _group_losses(params, constants, group: Batch, layout, weights):
  statistics = jax.tree.map(lambda s: s[group.style], constants.statistics)
  mean, std = statistics["relu4_1"]
  encoder = {"params": constants.encoder}
  encode = functools.partial(vgg.VggEncoder(layout).apply, encoder)
  target = adain.restyle(group.features, mean, std)
  images = decoder.Decoder().apply({"params": params}, target)
  encoded = encode(images)
  losses = {
    "content": stylization.content_loss(encoded["relu4_1"], target),
    "style": stylization.style_loss(
      encoded, jax.tree.map(lambda s: s[None], statistics)
    ),
  }
  if weights.consistency:
    losses["consistency"] = _consistency(images, constants.tolerance, group)
  if weights.mimic:
    rows, columns = group.pixels[:, 0], group.pixels[:, 1]
    losses["mimic"] = mutual.mimic_3d_to_2d(
      images[0, rows, columns], group.rendered
    )
  return losses


def _consistency(images, tolerance, group: Batch):
  """Agreement of the other crops with the first, warped into them."""

  depths = _inner(group.depth)

  def warp(depth, camera):
    return warping.backward_warp(
      images[0],
      depths[0],
      first,
      depth,
      camera,
      tolerance=tolerance,
    )

  first = jax.tree.map(lambda values: values[0], group.cameras)
  others = jax.tree.map(lambda values: values[1:], group.cameras)
  warped, masks = jax.vmap(warp)(depths[1:], others)
  return consistency.consistency_loss(images, warped, masks)


def margin(size: int) -> int:
  """Width of a crop's rim, where D sees its reflection instead of the view."""
  return min(MARGIN, size // 4)


def _inner(depth: jax.Array) -> jax.Array:
  """Set depth [N, C, C] to 0, which is none, in the crops' rims."""
  rim = margin(depth.shape[-1])
  inside = depth[:, rim:-rim, rim:-rim]
  return jnp.pad(inside, ((0, 0), (rim, rim), (rim, rim)))
