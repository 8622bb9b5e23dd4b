"""Light of the synthetic scene: a sun with soft shadows, and the open sky.

Colours are a function of the surface point alone (Lambertian, a fixed sun),
as a radiance field without view dependence can hold them.
"""

from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax.scenes.synthetic import analytic, analytic_materials

SUN = np.array([0.55, -0.62, 0.95]) / np.linalg.norm([0.55, -0.62, 0.95])
# Spread of the directions to points of the sun's disc; sets the penumbra.
_SUN_SPREAD = 0.065
_SUN_SAMPLES = 8
_SUNLIGHT = np.array([1.05, 0.95, 0.78])
_SKYLIGHT = np.array([0.40, 0.47, 0.60])
_BOUNCE = np.array([0.24, 0.21, 0.16])


def shade(
  shapes: Sequence[analytic.Shape], points: np.ndarray, index: np.ndarray
) -> np.ndarray:
  """Light surface points.

  Args:
    shapes: the solids.
    points: surface points [N, 3].
    index: int [N], the shape each point lies on.

  Returns:
    sRGB colours [N, 3] in [0, 1].
  """
  albedo = np.empty_like(points)
  normals = np.empty_like(points)
  for number in np.unique(index):
    shape, on = shapes[number], index == number
    normals[on] = shape.normals(points[on])
    own_normals = normals[on] @ shape.rotation
    texture = analytic_materials.MATERIALS[shape.material]
    albedo[on] = texture(shape.to_own(points[on]), own_normals)
  facing = np.maximum(normals @ SUN, 0)
  lit = facing.copy()
  towards = np.flatnonzero(facing > 0)
  starts = points[towards] + 1e-4 * normals[towards]
  lit[towards] *= _sun_share(shapes, starts, index[towards])
  open_sky = _open_sky(shapes, points, normals, index)
  up = 0.5 + 0.5 * normals[:, 2]
  light = lit[:, None] * _SUNLIGHT + open_sky[:, None] * (
    up[:, None] * _SKYLIGHT + (1 - up)[:, None] * _BOUNCE
  )
  linear = np.clip(albedo, 0, 1) ** 2.2 * light * 1.05
  return np.clip(linear, 0, 1) ** (1 / 2.2)


def _sun_directions() -> np.ndarray:
  """Unit directions [K, 3] to points spread over the sun's disc."""
  side = np.cross(SUN, [0.0, 0.0, 1.0])
  side /= np.linalg.norm(side)
  number = np.arange(_SUN_SAMPLES)
  radius = _SUN_SPREAD * np.sqrt((number + 0.5) / _SUN_SAMPLES)
  turn = 2.399963 * number
  across = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
  to_sun = SUN + radius[:, None] * (across @ [side, np.cross(SUN, side)])
  return to_sun / np.linalg.norm(to_sun, axis=-1, keepdims=True)


def _sun_share(shapes, starts, index) -> np.ndarray:
  """Share [N] of the sun's disc that points see."""
  directions = _sun_directions()
  blocked = np.zeros((_SUN_SAMPLES, len(starts)), bool)
  for number, shape in enumerate(shapes):
    if shape.material == "ground":  # Nothing is below it.
      continue
    # Only points near the shape's own shadow need exact rays.
    offset = np.asarray(shape.centre) - starts
    along = offset @ SUN
    miss = np.einsum("ij,ij->i", offset, offset) - along**2
    reach = shape.bound + _SUN_SPREAD * np.maximum(along, 0)
    near = (miss < reach**2) & (along > -shape.bound)
    if shape.convex:
      near &= index != number
    near = np.flatnonzero(near)
    hit = shape.blocks(
      np.tile(starts[near], (_SUN_SAMPLES, 1)),
      np.repeat(directions, near.size, axis=0),
    )
    blocked[:, near] |= hit.reshape(_SUN_SAMPLES, near.size)
  return 1 - blocked.mean(axis=0)


def _open_sky(shapes, points, normals, index) -> np.ndarray:
  """Approximate share [N] of the sky that is open above a point.

  Each shape counts as a ball, after the form factor of a ball.
  """
  share = np.ones(len(points))
  for number, shape in enumerate(shapes):
    if shape.material == "ground":
      # The ground darkens what stands on it near its foot.
      low = np.clip(points[:, 2] / 0.35, 0, 1) * 0.45 + 0.55
      share *= np.where(index == number, 1, np.maximum(low, normals[:, 2]))
      continue
    offset = np.asarray(shape.centre) - points
    distance = np.linalg.norm(offset, axis=-1)
    cosine = np.einsum("ij,ij->i", offset, normals) / distance
    cover = np.clip(cosine, 0, 1) * np.minimum(shape.spread / distance, 1) ** 2
    share *= np.where(index == number, 1, 1 - 0.85 * cover)
  return share
