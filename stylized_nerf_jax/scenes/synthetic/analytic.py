"""Ray tracing of solids: what a shape answers, and what a ray hits first.

float64 numpy. Rays are origins and *unit* directions [N, 3], so that the ray
parameter is Euclidean distance; infinity stands for "nothing hit". Shapes
have their own axes, turned and moved into the world.
"""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

# Nearer than this to its origin a ray does not hit what it starts on.
EPSILON = 1e-6


@dataclasses.dataclass(frozen=True)
class Shape:
  """A convex or ring-shaped solid; a subclass says which.

  Attributes:
    centre: world position of the shape's own origin.
    material: name of its texture.
    yaw: turn about the vertical axis, in degrees.
    tilt: turn about the shape's x axis before that, in degrees.
  """

  # A convex shape casts no shadow on itself.
  convex = True

  centre: tuple[float, float, float]
  material: str
  yaw: float = dataclasses.field(default=0.0, kw_only=True)
  tilt: float = dataclasses.field(default=0.0, kw_only=True)

  @functools.cached_property
  def rotation(self) -> np.ndarray:
    """Shape axes to world axes: [3, 3]."""
    yaw, tilt = np.deg2rad(self.yaw), np.deg2rad(self.tilt)
    about_z = np.array(
      [
        [np.cos(yaw), -np.sin(yaw), 0],
        [np.sin(yaw), np.cos(yaw), 0],
        [0, 0, 1],
      ]
    )
    about_x = np.array(
      [
        [1, 0, 0],
        [0, np.cos(tilt), -np.sin(tilt)],
        [0, np.sin(tilt), np.cos(tilt)],
      ]
    )
    return about_z @ about_x

  @property
  def bound(self) -> float:
    """Radius of a sphere about the centre that holds the shape."""
    raise NotImplementedError

  @property
  def spread(self) -> float:
    """Radius of a ball that hides about as much as the shape does."""
    raise NotImplementedError

  def to_own(self, points: np.ndarray) -> np.ndarray:
    """World points [N, 3] in the shape's own axes."""
    return (points - self.centre) @ self.rotation

  def intersect(
    self, origins: np.ndarray, directions: np.ndarray
  ) -> np.ndarray:
    """Return the distance [N] at which each ray enters the shape."""
    # Most rays miss the bounding sphere, and testing that is cheap.
    to_centre = np.asarray(self.centre) - origins
    along = np.einsum("ij,ij->i", to_centre, directions)
    miss = np.einsum("ij,ij->i", to_centre, to_centre) - along**2
    near = np.flatnonzero((miss < self.bound**2) & (along > -self.bound))
    distances = np.full(len(directions), np.inf)
    if near.size:
      own = -to_centre[near] @ self.rotation
      distances[near] = self._enter(own, directions[near] @ self.rotation)
    return distances

  def blocks(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Tell, well enough for a shadow, which rays hit the shape: bool [N]."""
    return np.isfinite(self.intersect(origins, directions))

  def normals(self, points: np.ndarray) -> np.ndarray:
    """Outward unit normals [N, 3], world axes, at surface points [N, 3]."""
    own = self._normals(self.to_own(points))
    own = own / np.linalg.norm(own, axis=-1, keepdims=True)
    return own @ self.rotation.T

  def _enter(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    raise NotImplementedError

  def _normals(self, points: np.ndarray) -> np.ndarray:
    raise NotImplementedError


def trace(
  shapes: Sequence[Shape], origins: np.ndarray, directions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
  """Find what each ray hits first.

  Args:
    shapes: solids.
    origins: [N, 3].
    directions: unit [N, 3].

  Returns:
    distances: [N], infinity where nothing is hit.
    index: int [N] of the shape hit, -1 where none.
  """
  distances = np.full(len(directions), np.inf)
  index = np.full(len(directions), -1)
  for number, shape in enumerate(shapes):
    found = shape.intersect(origins, directions)
    closer = found < distances
    distances = np.where(closer, found, distances)
    index = np.where(closer, number, index)
  return distances, index


def quadratic_roots(a, half_b, c) -> tuple[np.ndarray, np.ndarray]:
  """Roots of a t^2 + 2 half_b t + c, NaN where there are none."""
  with np.errstate(divide="ignore", invalid="ignore"):
    root = np.sqrt(half_b**2 - a * c)
    # This order of operations does not subtract nearly equal numbers.
    large = -(half_b + np.where(half_b < 0, -root, root))
    return large / a, c / large


def nearest(*candidates: np.ndarray) -> np.ndarray:
  """The smallest distance beyond `EPSILON`, NaN counting as none."""
  best = np.full(candidates[0].shape, np.inf)
  for candidate in candidates:
    with np.errstate(invalid="ignore"):
      better = (candidate > EPSILON) & (candidate < best)
    best = np.where(better, candidate, best)
  return best
