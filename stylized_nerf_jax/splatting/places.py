"""Places that carry the weight of rays, and splats that stand there at first.

Samples of a ray that lie close together are one place; a ray that passes a leaf
and ends on a wall has two. Places of all rays that share a cell, as large as a
pixel or two there, become one splat: a flat disk of that size on the surface
that its neighbours span.
"""

from typing import NamedTuple

import numpy as np
from scipy import spatial

from stylized_nerf_jax.splatting import splats as splats_lib

# Samples farther apart than so many pixels are of different places.
_APART = 4.0
# Of a ray: less is haze.
_LEAST_WEIGHT = 0.1
# Sides of cells, in pixels, and by how much they grow until splats are few
# enough.
_CELL, _GROWTH = 1.0, 1.09
# Neighbours that say how a disk lies.
_AROUND = 12
# Standard deviations of a disk, in sides of its cell: along it and across.
_WIDE, _THIN = 0.5, 0.1
_OPACITY = 0.7


class Places(NamedTuple):
  """P places, in one frame.

  Attributes:
    points: [P, 3].
    pixels: [P], side of a pixel there.
    weights: [P], of the ray, in [0, 1].
  """

  points: np.ndarray
  pixels: np.ndarray
  weights: np.ndarray


def of_rays(
  center: np.ndarray,
  directions: np.ndarray,
  distances: np.ndarray,
  weights: np.ndarray,
  pixel: float,
) -> Places:
  """Finds the places of a camera's rays.

  Args:
    center: [3], of the camera.
    directions: [R, 3], unit.
    distances: [R, K] from the centre, not decreasing.
    weights: [R, K].
    pixel: side of a pixel at distance 1.
  """
  shown = weights > 0
  far = np.where(shown, distances, 0.0)
  last = np.maximum.accumulate(far, axis=1)
  before = np.concatenate([far[:, :1], last[:, :-1]], axis=1)
  starts = shown & (distances - before > _APART * pixel * distances)
  group = np.cumsum(starts, axis=1) + distances.shape[1] * np.arange(
    len(distances)
  ).reshape(-1, 1)
  count = distances.size
  total = np.bincount(group.ravel(), weights.ravel(), count)
  # Nearness is what pictures see: it is averaged, not distance.
  near = weights / np.maximum(distances, 1e-9)
  near = np.bincount(group.ravel(), near.ravel(), count)
  found = np.flatnonzero(total >= _LEAST_WEIGHT)
  distance = total[found] / near[found]
  ray = found // distances.shape[1]
  return Places(
    center + distance[:, None] * directions[ray],
    pixel * distance,
    total[found],
  )


def seed(places: Places, most: int) -> splats_lib.Splats:
  """Makes splats of places.

  Args:
    places: of all cameras.
    most: splats.

  Returns:
    At most so many, float32.
  """
  cell = _CELL
  while True:
    number, count = _cells(places.points, cell * places.pixels)
    if count <= most:
      break
    cell *= max(_GROWTH, (count / most) ** 0.4)
  weight = np.bincount(number, places.weights, count)

  def mean(values):
    return np.bincount(number, places.weights * values, count) / weight

  points = np.stack([mean(axis) for axis in places.points.T], axis=-1)
  side = cell * mean(places.pixels)
  scales = side[:, None] * np.array([_WIDE, _WIDE, _THIN])
  logit = np.log(_OPACITY / (1.0 - _OPACITY))
  found = splats_lib.Splats(
    means=points,
    log_scales=np.log(scales),
    rotations=_lying(points),
    logits=np.full(count, logit),
  )
  return splats_lib.Splats(*(np.asarray(v, np.float32) for v in found))


def _cells(points: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, int]:
  """Numbers the cells that points lie in: int [P], and how many they are.

  Cells are cubes whose sides are near to the sizes, in steps of half an octave.
  """
  level = np.round(2.0 * np.log2(sizes)).astype(np.int64)
  place = np.floor(points / 2.0 ** (0.5 * level[:, None])).astype(np.int64)
  place -= place.min(axis=0)
  spans = place.max(axis=0) + 1
  key = level - level.min()
  for axis in range(3):
    key = key * spans[axis] + place[:, axis]
  found, number = np.unique(key, return_inverse=True)
  return number, len(found)


def _lying(points: np.ndarray) -> np.ndarray:
  """Returns quaternions [N, 4] that turn z to the normal of neighbours."""
  count = min(_AROUND, len(points))
  if count < 3:
    return np.tile([1.0, 0.0, 0.0, 0.0], (len(points), 1))
  _, index = spatial.cKDTree(points).query(points, k=count)
  around = points[index]
  offsets = around - around.mean(axis=1, keepdims=True)
  offsets /= np.maximum(np.abs(offsets).max(axis=(1, 2), keepdims=True), 1e-12)
  _, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", offsets, offsets))
  normal = axes[..., 0]
  normal = np.where(normal[:, 2:] < 0, -normal, normal)
  # The shortest turn from z to the normal.
  turn = np.stack(
    [1.0 + normal[:, 2], -normal[:, 1], normal[:, 0], 0 * normal[:, 0]], axis=-1
  )
  return turn / np.linalg.norm(turn, axis=-1, keepdims=True)
