"""The few samples of a ray that carry its weight, in a few bytes.

Densities are frozen once the radiance field is trained, so what a ray hits is
found once: K of its samples, each a position and a weight of 16 bits. Positions
are fractions of the ray from near to far, in the spacing that it was sampled
with (`spacing.py`). What the others weighed goes to those beside them
(`thinning.py`), so that what is left out makes a ray no more transparent and,
in its spacing, hardly nearer or farther.
"""

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from stylized_nerf_jax.rendering import (
  compositing,
  contraction,
  renderer,
  spacing,
  thinning,
)
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import samples as samples_lib
from stylized_nerf_jax.scenes import normalization

BYTES_PER_SAMPLE = 4
_LARGEST = 2**16 - 1


@flax.struct.dataclass
class Loss:
  """What is lost by keeping K samples of a ray.

  Attributes:
    color: [...], mean absolute difference of the channels, in [0, 1].
    depth: [...], relative difference of the depths; 0 where there is none.
    weight: [...], share of the opacity that moved to other samples, in [0, 1].
  """

  color: jax.Array
  depth: jax.Array
  weight: jax.Array


def pack(
  samples: samples_lib.Samples,
  rays: rays_lib.Rays,
  space: normalization.RaySpace,
  count: int,
) -> tuple[jax.Array, jax.Array]:
  """Keeps K samples of rays and puts them into 16 bits each.

  Args:
    samples: of the rays, at least `count` each.
    rays: [...].
    space: that the rays live in.
    count: samples to keep, K.

  Returns:
    (packed [..., 2, K] uint16: fractions, not decreasing, then weights; which
    samples they are, int32 [..., K]).
  """
  fractions = spacing.fraction(
    samples.t, rays.near, rays.far, spacing.of_space(space)
  )
  weights, index = thinning.thin(fractions, samples.weights, count)
  fractions = jnp.take_along_axis(fractions, index, axis=-1)
  packed = jnp.stack([_to_16_bits(fractions), _to_16_bits(weights)], axis=-2)
  return packed, index


def unpack(
  packed: jax.Array, rays: rays_lib.Rays, space: normalization.RaySpace
) -> samples_lib.Samples:
  """Restores samples, without features.

  Args:
    packed: [..., 2, K] uint16, from `pack`.
    rays: [...], the same rays.
    space: that they live in.

  Returns:
    `Samples` in order along the ray, whose features are None.
  """
  fractions = packed[..., 0, :].astype(jnp.float32) / _LARGEST
  t = spacing.place(fractions, rays.near, rays.far, spacing.of_space(space))
  points = (
    rays.origins[..., None, :] + t[..., None] * rays.directions[..., None, :]
  )
  if space.kind == "contracted":
    points = contraction.contract(points)
  return samples_lib.Samples(points, t, unpack_weights(packed), None)


def unpack_weights(packed: jax.Array) -> jax.Array:
  """Restores the weights [..., K] of samples packed as [..., 2, K]."""
  return packed[..., 1, :].astype(jnp.float32) / _LARGEST


def render_and_pack(
  field: nn.Module,
  params,
  rays: rays_lib.Rays,
  setting: rays_lib.RaySetting,
  count: int,
  *,
  measure: bool = True,
) -> tuple[renderer.Rendered, jax.Array, Loss | None]:
  """Renders rays from all samples, packs K of them, compares both.

  Args:
    field: a radiance field.
    params: its parameters.
    rays: [...].
    setting: of the scene.
    count: samples to keep, K; fewer where the field has fewer.
    measure: whether to compare.

  Returns:
    (rendered from all samples [...], packed [..., 2, K] uint16, what packing
    loses [...], or None).
  """
  bound = {"params": params}
  samples, _ = field.apply(bound, rays, method="sample")
  count = min(count, samples.weights.shape[-1])
  colors = field.apply(bound, samples, rays.viewdirs, method="color")
  packed, index = pack(samples, rays, setting.space, count)
  full = _render(rays, samples, colors, setting)
  if not measure:
    return full, packed, None
  few = _render(
    rays,
    unpack(packed, rays, setting.space),
    jnp.take_along_axis(colors, index[..., None], axis=-2),
    setting,
  )
  loss = Loss(
    color=jnp.abs(few.rgb - full.rgb).mean(axis=-1),
    depth=jnp.abs(few.depth - full.depth) / jnp.maximum(full.depth, 1e-9),
    weight=_left_out(samples.weights, index),
  )
  # Rounding may carry an opacity over the half at which depth ends.
  both = (few.depth > 0.0) & (full.depth > 0.0)
  loss = loss.replace(depth=jnp.where(both, loss.depth, 0.0))
  return full, packed, loss


def _render(rays, samples, colors, setting: rays_lib.RaySetting):
  rgb = renderer.composite_colors(samples.weights, colors, setting.background)
  return renderer.rendered(rays, samples, rgb, setting)


def _left_out(weights, index):
  """Share of the opacity that is of samples which are not in `index`."""
  total = compositing.opacity(weights)
  kept = compositing.opacity(jnp.take_along_axis(weights, index, axis=-1))
  return jnp.maximum(total - kept, 0.0) / jnp.maximum(total, 1e-9)


def _to_16_bits(values):
  scaled = jnp.round(jnp.clip(values, 0.0, 1.0) * _LARGEST)
  return scaled.astype(jnp.uint16)
