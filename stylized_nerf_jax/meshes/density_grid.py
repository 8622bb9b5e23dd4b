"""How thick a field is on a grid, where its cameras saw surfaces.

A grid is a lattice of points in field coordinates, in which what is near to the
cameras is finer than what is far. Its values are logarithms of optical
thickness, density times the side of a cell: densities of a field change by
orders of magnitude within a cell, and their logarithms nearly evenly. Only
cells near to a seen surface are asked for; all else is empty.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

# Of thicknesses: less is empty.
EMPTY = -12.0
# Of the points along an axis: what lies beyond is outside the grid.
_OUTSIDE = 0.002
_MARGIN = 3
# Levels that are tried, between these shares of what rays meet.
_LEVELS = 64
_FAINTEST, _THICKEST = 0.02, 0.98


class Grid(NamedTuple):
  """A lattice of points, axis by axis.

  Attributes:
    lower: [3], its first point.
    step: from one point to the next.
    shape: points along x, y and z.
  """

  lower: np.ndarray
  step: float
  shape: tuple[int, int, int]

  def points(self, mask: np.ndarray) -> np.ndarray:
    """Returns the points [N, 3] that a mask, bool of the shape, marks."""
    return (self.lower + self.step * np.argwhere(mask)).astype(np.float32)

  def places(self, points: np.ndarray) -> np.ndarray:
    """Returns where points [..., 3] lie, counted in steps."""
    return (points - self.lower) / self.step


def around(points: np.ndarray, resolution: int) -> Grid:
  """Lays a grid around points, but for those that lie by themselves.

  Args:
    points: [N, 3], field coordinates.
    resolution: points along its longest side.
  """
  low, high = np.quantile(points, [_OUTSIDE, 1 - _OUTSIDE], axis=0)
  span = max(float((high - low).max()), 1e-9)
  step = span / max(resolution - 1 - 2 * _MARGIN, 1)
  shape = np.ceil((high - low) / step).astype(int) + 1 + 2 * _MARGIN
  x, y, z = map(int, shape)
  return Grid(low - _MARGIN * step, step, (x, y, z))


def near(grid: Grid, points: np.ndarray, steps: int) -> np.ndarray:
  """Marks what is at most so many steps from some point: bool of the shape."""
  places = np.round(grid.places(points)).astype(int)
  inside = np.all((places >= 0) & (places < grid.shape), axis=-1)
  mask = np.zeros(grid.shape, bool)
  mask[tuple(places[inside].T)] = True
  cube = np.ones((3, 3, 3), bool)
  return ndimage.binary_dilation(mask, cube, iterations=steps)


def filled(mask: np.ndarray, thickness: np.ndarray) -> np.ndarray:
  """Lays thicknesses [N] where a mask marks N points; logarithms, float32."""
  values = np.full(mask.shape, EMPTY, np.float32)
  values[mask] = np.maximum(np.log(np.maximum(thickness, 1e-30)), EMPTY)
  return values


def level(grid: Grid, values: np.ndarray, ways: np.ndarray) -> float:
  """Finds the level whose surface lies where rays have their weight.

  Of each ray the first place counts that is above the level. The level is
  chosen that is met nearest to where rays end, in the mean over rays; a ray
  that meets none counts as one that is as wrong as can be.

  Args:
    grid: of the values.
    values: of `filled`.
    ways: [R, 2 K + 1, 3], points along rays, field coordinates, in order; the
      middle one is where the ray's weight is.

  Returns:
    The level, a logarithm of thickness.
  """
  places = np.moveaxis(grid.places(ways), -1, 0)
  met = ndimage.map_coordinates(values, places, order=1, cval=EMPTY)
  known = met[met > EMPTY]
  if not len(known):
    return 0.0
  ends = np.quantile(known, [_FAINTEST, _THICKEST])
  middle = ways.shape[1] // 2
  found, least = float(ends[0]), np.inf
  for candidate in np.linspace(*ends, _LEVELS):
    above = met > candidate
    first = np.where(above.any(axis=1), above.argmax(axis=1), -1)
    off = np.where(first >= 0, np.abs(first - middle), middle + 1)
    if off.mean() < least:
      found, least = float(candidate), float(off.mean())
  return found
