"""Pixels of several views as one long row, view behind view, and crops."""

from collections.abc import Sequence

import numpy as np


class ViewPixels:
  """Where the pixels of V views lie among all.

  Args:
    widths: [V], pixels.
    heights: [V], pixels.
  """

  def __init__(self, widths: Sequence[int], heights: Sequence[int]):
    self.widths = np.asarray(widths, np.int64)
    self.heights = np.asarray(heights, np.int64)
    counts = self.widths * self.heights
    self._offsets = np.concatenate([[0], np.cumsum(counts)])

  @property
  def total(self) -> int:
    """Number of all pixels, P."""
    return int(self._offsets[-1])

  def size(self, view: int) -> tuple[int, int]:
    """Returns height and width of a view."""
    return int(self.heights[view]), int(self.widths[view])

  def rows(self, view: int) -> slice:
    """Returns where the pixels of a view are."""
    return slice(int(self._offsets[view]), int(self._offsets[view + 1]))

  def image(self, values: np.ndarray, view: int) -> np.ndarray:
    """Returns what a view has of values [P, ...]: [H, W, ...]."""
    return values[self.rows(view)].reshape(*self.size(view), *values.shape[1:])

  def locate(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds pixels [...] by their places in the row.

    Returns:
      View [...] int32, and pixel centre x, y [..., 2] float32.
    """
    view = np.searchsorted(self._offsets, index, side="right") - 1
    inside = index - self._offsets[view]
    width = self.widths[view]
    xy = np.stack([inside % width, inside // width], axis=-1) + 0.5
    return view.astype(np.int32), xy.astype(np.float32)


def window_size(size: int, shortest: int, stride: int, fewest: int = 1) -> int:
  """Returns the largest multiple of `stride` that is at most `size` and fits
  into `shortest` pixels, but `fewest` strides at least."""
  return max(min(size, shortest) // stride, fewest) * stride


def random_corner(
  random: np.random.Generator, height: int, width: int, size: int, stride: int
) -> np.ndarray:
  """Draws the first pixel (x, y) of a window anywhere, in steps of `stride`."""
  last = np.array([width - size, height - size])
  return stride * random.integers(0, last // stride + 1)


def window(values: np.ndarray, x: int, y: int, size: int, stride: int = 1):
  """Cuts the crop whose first pixel is (x, y) from what has a row for every
  `stride` rows of pixels."""
  x, y, size = x // stride, y // stride, size // stride
  return values[y : y + size, x : x + size]
