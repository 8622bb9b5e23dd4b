"""Balls, boxes, cylinders, cones and rings for `analytic.trace`.

Entry distances are in closed form, but for the ring, which rays march to.
"""

import dataclasses

import numpy as np

from stylized_nerf_jax.scenes.synthetic import analytic


@dataclasses.dataclass(frozen=True)
class Sphere(analytic.Shape):
  """A ball of a radius."""

  radius: float = 1.0

  @property
  def bound(self):
    return self.radius

  @property
  def spread(self):
    return self.radius

  def _enter(self, origins, directions):
    along = np.einsum("ij,ij->i", origins, directions)
    beyond = np.einsum("ij,ij->i", origins, origins) - self.radius**2
    return analytic.nearest(
      *analytic.quadratic_roots(np.ones_like(along), along, beyond)
    )

  def _normals(self, points):
    return points


@dataclasses.dataclass(frozen=True)
class Box(analytic.Shape):
  """A box of half extents along its own axes."""

  half: tuple[float, float, float] = (1.0, 1.0, 1.0)

  @property
  def bound(self):
    return float(np.linalg.norm(self.half))

  @property
  def spread(self):
    return 1.2 * float(np.prod(self.half)) ** (1 / 3)

  def _enter(self, origins, directions):
    with np.errstate(divide="ignore", invalid="ignore"):
      one = (-np.asarray(self.half) - origins) / directions
      two = (np.asarray(self.half) - origins) / directions
    # A ray along a face gives 0 / 0; that slab then does not limit it.
    first = np.fmax.reduce(np.fmin(one, two), axis=-1)
    last = np.fmin.reduce(np.fmax(one, two), axis=-1)
    return np.where((first <= last) & (first > analytic.EPSILON), first, np.inf)

  def _normals(self, points):
    share = points / np.asarray(self.half)
    face = np.argmax(np.abs(share), axis=-1)[:, None]
    sign = np.sign(np.take_along_axis(share, face, axis=-1))
    return np.where(np.arange(3) == face, sign, 0.0)


@dataclasses.dataclass(frozen=True)
class Frustum(analytic.Shape):
  """A cylinder or cone about its own z axis, capped at z = -+ height / 2.

  `radius` is that of the lower cap, `top` that of the upper one: 0 makes a
  cone.
  """

  radius: float = 1.0
  top: float = 1.0
  height: float = 1.0

  @property
  def bound(self):
    return float(np.hypot(max(self.radius, self.top), self.height / 2))

  @property
  def spread(self):
    mean = (self.radius + self.top) / 2
    return float(mean * mean * self.height / 2) ** (1 / 3)

  @property
  def _slope(self):
    return (self.top - self.radius) / self.height

  def _enter(self, origins, directions):
    slope, half = self._slope, self.height / 2
    breadth = self.radius + slope * (origins[:, 2] + half)
    x, y = origins[:, 0], origins[:, 1]
    dx, dy, dz = directions.T
    roots = analytic.quadratic_roots(
      dx * dx + dy * dy - (slope * dz) ** 2,
      x * dx + y * dy - slope * dz * breadth,
      x * x + y * y - breadth**2,
    )
    hits = []
    for root in roots:
      with np.errstate(invalid="ignore"):
        z = origins[:, 2] + root * dz
      inside = np.abs(z) <= half
      hits.append(np.where(inside, root, np.inf))
    for z, radius in ((-half, self.radius), (half, self.top)):
      with np.errstate(divide="ignore", invalid="ignore"):
        cap = (z - origins[:, 2]) / dz
        inside = (x + cap * dx) ** 2 + (y + cap * dy) ** 2 <= radius**2
      hits.append(np.where(inside, cap, np.inf))
    return analytic.nearest(*hits)

  def _normals(self, points):
    slope, half = self._slope, self.height / 2
    away = np.hypot(points[:, 0], points[:, 1])
    side = np.abs(away - self.radius - slope * (points[:, 2] + half))
    side = side / np.hypot(1, slope)
    to_cap = half - np.abs(points[:, 2])
    normals = points / np.maximum(away, 1e-12)[:, None]
    normals[:, 2] = -slope
    caps = np.sign(points) * [0, 0, 1]
    return np.where((np.abs(to_cap) < side)[:, None], caps, normals)


@dataclasses.dataclass(frozen=True)
class Torus(analytic.Shape):
  """A ring about its own z axis: `major` to the tube's centre, `minor` thick.

  Rays march by the exact distance function until it is below 1e-10.
  """

  major: float = 1.0
  minor: float = 0.25
  convex = False

  @property
  def bound(self):
    return self.major + self.minor

  @property
  def spread(self):
    return float(np.sqrt(self.major * self.minor))

  def distance(self, points: np.ndarray) -> np.ndarray:
    """Signed distance [N] of own points [N, 3], negative inside."""
    ring = np.hypot(points[:, 0], points[:, 1]) - self.major
    return np.hypot(ring, points[:, 2]) - self.minor

  def blocks(self, origins, directions):
    own = self.to_own(origins), directions @ self.rotation
    return np.isfinite(self._march(*own, tolerance=1e-3, steps=24))

  def _enter(self, origins, directions):
    return self._march(origins, directions, tolerance=1e-10, steps=200)

  def _march(self, origins, directions, *, tolerance, steps):
    along = np.einsum("ij,ij->i", origins, directions)
    beyond = np.einsum("ij,ij->i", origins, origins) - self.bound**2
    reach = np.sqrt(np.maximum(along**2 - beyond, 0))
    travel = np.maximum(-along - reach, 0.0)
    end = -along + reach
    result = np.full(len(origins), np.inf)
    active = np.arange(len(origins))
    for _ in range(steps):
      here = origins[active] + travel[active, None] * directions[active]
      gap = self.distance(here)
      travel[active] += gap
      done = gap < tolerance
      # A ray that starts on the ring itself leaves it and may come back.
      leaving = done & (travel[active] <= tolerance + analytic.EPSILON)
      travel[active[leaving]] = 10 * tolerance + 10 * analytic.EPSILON
      found = active[done & ~leaving]
      result[found] = travel[found]
      active = active[(~done | leaving) & (travel[active] < end[active])]
      if not active.size:
        break
    return result

  def _normals(self, points):
    away = np.hypot(points[:, 0], points[:, 1])[:, None]
    return points - self.major * points * [1, 1, 0] / np.maximum(away, 1e-12)
