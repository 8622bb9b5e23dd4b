"""Rows of points that lie together: the cells that they are in."""

import numpy as np


def number(
  points: np.ndarray, sizes: np.ndarray, *, per_octave: int = 1
) -> tuple[np.ndarray, int]:
  """Numbers the cells that points lie in.

  Cells are cubes whose sides are powers of two, or of a root of it, near to the
  sizes; points whose sides differ share none.

  Args:
    points: [P, 3].
    sizes: [P], positive, in the unit of the points.
    per_octave: how many sides there are from one to its double.

  Returns:
    (the cell of each point [P], how many cells there are).
  """
  level = np.round(per_octave * np.log2(sizes)).astype(np.int64)
  side = 2.0 ** (level / per_octave)
  place = np.floor(points / side[:, None]).astype(np.int64)
  place -= place.min(axis=0)
  spans = place.max(axis=0) + 1
  key = level - level.min()
  for axis in range(points.shape[1]):
    key = key * spans[axis] + place[:, axis]
  found, cell = np.unique(key, return_inverse=True)
  return cell, len(found)
