"""Places that carry the weight of rays, and splats that stand there at first.

Samples of a ray that lie close together are one place; a ray that passes a leaf
and ends on a wall has two. Places of all rays that share a cell, as large as a
pixel or two there, become one splat: a flat disk of that size on the surface
that its neighbours span.
"""

from typing import NamedTuple

import numpy as np
from scipy import spatial

from stylized_nerf_jax.rows import cells
from stylized_nerf_jax.splatting import splats as splats_lib

# Samples farther apart than so many pixels are of different places.
_APART = 12.0
# Of a ray: less is haze.
_LEAST_WEIGHT = 0.2
# Cameras around a point that are asked whether it stands before them, and how
# much nearer than they see.
_CAMERAS, _NEARER = 3, 0.98
# Sides of cells, in pixels, and by how much they grow until splats are few
# enough.
_CELL, _GROWTH = 1.0, 1.09
# Neighbours that say how a disk lies.
_AROUND = 12
# Standard deviations of a disk, in sides of its cell: along it and across.
_WIDE, _THIN = 0.5, 0.1
_OPACITY = 0.7
# Of a field, the least and most that a splat begins with.
_OPACITIES = 0.05, 0.8
# Less, and there is none.
_LEAST_OPACITY = 0.02
# How far before and behind a splat what hides it is its own, sides of it.
_DEEP = 3.0


class Places(NamedTuple):
  """P places, in one frame.

  Attributes:
    points: [P, 3].
    pixels: [P], side of a pixel there.
    weights: [P], of the ray, in [0, 1].
    rays: [P] int, which ray.
  """

  points: np.ndarray
  pixels: np.ndarray
  weights: np.ndarray
  rays: np.ndarray


class Seeds(NamedTuple):
  """N splats that stand at places.

  Attributes:
    splats: N.
    number: [P] int, the splat of each place.
    weights: [P], of the places.
  """

  splats: splats_lib.Splats
  number: np.ndarray
  weights: np.ndarray

  def mean(self, values: np.ndarray) -> np.ndarray:
    """Averages what places [P, C] have, over those of each splat: [N, C]."""
    count = len(self.splats.means)
    total = np.bincount(self.number, self.weights, count)
    sums = [
      np.bincount(self.number, self.weights * column, count)
      for column in values.T
    ]
    return np.stack(sums, axis=-1) / total[:, None]


class Clear(NamedTuple):
  """What cameras do not see because they begin to look behind it.

  A field may put fog of the sky's colour there, before other cameras: whoever
  draws all that there is would see nothing else.

  Attributes:
    tree: of the centres of V cameras.
    ahead: [V, 3], unit, where they look.
    cosine: of the angle between that and the corners of their pictures.
    near: distance at which they begin to see.
  """

  tree: spatial.cKDTree
  ahead: np.ndarray
  cosine: float
  near: float

  def has(self, points: np.ndarray) -> np.ndarray:
    """Tells which points [P, 3] lie nearer before a camera than it sees."""
    count = min(_CAMERAS, len(self.ahead))
    distance, camera = self.tree.query(points, k=list(range(1, count + 1)))
    off = points[:, None] - self.tree.data[camera]
    along = np.einsum("pki,pki->pk", off, self.ahead[camera])
    inside = (distance < _NEARER * self.near) & (along > self.cosine * distance)
    return inside.any(axis=1)


def cleared(
  center: np.ndarray,
  directions: np.ndarray,
  distances: np.ndarray,
  weights: np.ndarray,
  far: np.ndarray,
  clear: Clear,
) -> tuple[np.ndarray, np.ndarray]:
  """Moves samples that lie before cameras to the ends of their rays.

  Args:
    center, directions, distances, weights: as in `of_rays`, of any leading
      dimensions.
    far: [...], where rays end.
    clear: what is to be free.

  Returns:
    (distances, weights), again in order along the rays.
  """
  chosen = weights > _LEAST_OPACITY
  rays = np.broadcast_to(directions[..., None, :], (*weights.shape, 3))[chosen]
  inside = clear.has(center + distances[chosen][:, None] * rays)
  if not inside.any():
    return distances, weights
  moved = np.zeros_like(chosen)
  moved[chosen] = inside
  distances = np.where(moved, far[..., None], distances)
  # Empty samples have no place of their own.
  order = np.argsort(distances, axis=-1, kind="stable")
  return (
    np.take_along_axis(distances, order, axis=-1),
    np.take_along_axis(weights, order, axis=-1),
  )


def of_rays(
  center: np.ndarray,
  directions: np.ndarray,
  distances: np.ndarray,
  weights: np.ndarray,
  pixel: float,
  *,
  first: int = 0,
) -> Places:
  """Finds the places of a camera's rays.

  Args:
    center: [3], of the camera.
    directions: [R, 3], unit.
    distances: [R, K] from the centre, not decreasing.
    weights: [R, K].
    pixel: side of a pixel at distance 1.
    first: number of the first ray.
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
    first + ray,
  )


def seed(places: Places, most: int) -> Seeds:
  """Makes splats of places.

  Args:
    places: of all cameras.
    most: splats.

  Returns:
    At most so many, float32, in the frame of the places.
  """
  cell = _CELL
  while True:
    number, count = cells.number(
      places.points, cell * places.pixels, per_octave=2
    )
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
  found = splats_lib.Splats(*(np.asarray(v, np.float32) for v in found))
  return Seeds(found, number, places.weights)


class Opacities:
  """Measures how much of what passes them splats hide, in a field.

  Args:
    splats: N.
  """

  def __init__(self, splats: splats_lib.Splats):
    self._means = np.asarray(splats.means, np.float64)
    self._deep = _DEEP * np.exp(splats.log_scales.max(axis=-1)) / _WIDE
    self._hidden = np.zeros(len(self._means))
    self._reached = np.zeros(len(self._means))

  def add(self, center, xy, distances, weights) -> None:
    """Takes what a camera sees.

    Args:
      center: [3].
      xy: [N, 2], pixels of the splats; outside of the picture where it does not
        see them.
      distances: [H, W, K], of samples from the centre.
      weights: [H, W, K], of them.
    """
    pixel = np.floor(xy).astype(np.int64)
    height, width = distances.shape[:2]
    inside = np.all((pixel >= 0) & (pixel < [width, height]), axis=-1)
    chosen = np.flatnonzero(inside)
    column, row = pixel[chosen].T
    distance = np.linalg.norm(self._means[chosen] - center, axis=-1)
    off = distances[row, column] - distance[:, None]
    deep, weights = self._deep[chosen, None], weights[row, column]
    before = np.sum(weights * (off < -deep), axis=-1)
    hidden = np.sum(weights * (np.abs(off) <= deep), axis=-1)
    # They fill more of the picture where they are near.
    area = 1.0 / np.maximum(distance, 1e-9) ** 2
    self._hidden[chosen] += area * hidden
    self._reached[chosen] += area * np.maximum(1.0 - before, 0.0)

  def found(self) -> np.ndarray:
    """Returns [N] in [0, 1], of all cameras, by the area that they see."""
    reached = np.maximum(self._reached, 1e-3 * self._reached.mean())
    return np.clip(self._hidden / np.maximum(reached, 1e-30), 0.0, 1.0)


def with_opacities(
  seeds: Seeds, opacities: np.ndarray, most: int
) -> tuple[Seeds, np.ndarray]:
  """Keeps the splats that hide most, and anything.

  Args:
    seeds: N.
    opacities: [N], in [0, 1].
    most: splats to keep.

  Returns:
    (those with their opacities, bool [P] which places are still theirs).
  """
  order = np.argsort(-opacities, kind="stable")[:most]
  order = order[opacities[order] >= _LEAST_OPACITY]
  kept = np.sort(order)
  number = np.full(len(opacities), -1)
  number[kept] = np.arange(len(kept))
  own = number[seeds.number] >= 0
  opacity = np.clip(opacities[kept], *_OPACITIES)
  splats = splats_lib.Splats(*(values[kept] for values in seeds.splats))
  splats = splats._replace(
    logits=np.log(opacity / (1.0 - opacity)).astype(np.float32)
  )
  return (
    Seeds(splats, number[seeds.number][own], seeds.weights[own]),
    own,
  )


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
