"""What a radiance field has at single points: how dense it is, and its colour.

Fields are asked along rays and in no other way (`fields.field.Field`). A point
is the middle of a ray as short as a voxel: what passes through says how thick
the field is there, and the mean of its samples what colour.
"""

import flax.linen as nn
import jax.numpy as jnp

from stylized_nerf_jax.rendering import compositing
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import normalization as normalization_lib

# Of a ray's weight: thicker than what lets through less cannot be told apart.
_LEAST_THROUGH = 1e-6
# Where nothing weighs, all samples count alike.
_TINY = 1e-8
# Where space is contracted: points are held this far from infinity.
_LEAST_GAP = 1e-3


def rays_through(
  points, directions, lengths, space: normalization_lib.RaySpace
) -> rays_lib.Rays:
  """Casts short rays.

  Args:
    points: [..., 3], model frame, the rays' middles.
    directions: [..., 3], unit, model axes.
    lengths: [...], model units.
    space: where rays live.
  """
  half = 0.5 * lengths[..., None] * directions
  first, last = points - half, points + half
  if space.kind == "ndc":
    first, last = (rays_lib.to_field(end, space) for end in (first, last))
  length = jnp.linalg.norm(last - first, axis=-1, keepdims=True)
  return rays_lib.Rays(
    origins=first,
    directions=(last - first) / jnp.maximum(length, 1e-12),
    viewdirs=directions,
    centers=points - half,
    near=jnp.zeros_like(length),
    far=length,
  )


def model_points(points, space: normalization_lib.RaySpace):
  """Maps field coordinates [..., 3] to the model frame: undoes `to_field`."""
  if space.kind != "contracted":
    return rays_lib.to_model(points, space)
  norm = jnp.linalg.norm(points, axis=-1, keepdims=True)
  gap = jnp.maximum(2.0 - jnp.maximum(norm, 1.0), _LEAST_GAP)
  return jnp.where(norm <= 1.0, points, points / (norm * gap))


def thickness(field: nn.Module, params, rays: rays_lib.Rays):
  """Computes the density of short rays times their length: [...], at least 0.

  What weighs in the last sample is left out, because that of some fields ends
  nowhere.
  """
  samples, _ = field.apply({"params": params}, rays, method="sample")
  seen = compositing.opacity(samples.weights[..., :-1])
  covered = samples.t[..., -1] - samples.t[..., 0]
  length = (rays.far - rays.near)[..., 0]
  found = -jnp.log(jnp.clip(1.0 - seen, _LEAST_THROUGH, 1.0))
  return found * length / jnp.maximum(covered, 1e-12)


def colors(field: nn.Module, params, rays: rays_lib.Rays):
  """Computes the field's own colours along short rays: [..., 3], in [0, 1]."""
  bound = {"params": params}
  samples, _ = field.apply(bound, rays, method="sample")
  found = field.apply(bound, samples, rays.viewdirs, method="color")
  weights = samples.weights + _TINY
  total = compositing.opacity(weights)[..., None]
  return compositing.composite(weights / total, found)
