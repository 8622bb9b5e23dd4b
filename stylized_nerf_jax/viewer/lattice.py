"""Pixels of a picture in passes: every 8th, 4th, 2nd, and all of them.

Each lattice holds the one before it, and a pass is what it adds, so that no
pixel comes twice. Pixels of a lattice stand near the middles of the squares
that they are shown as.
"""

import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image

STRIDES = (8, 4, 2, 1)
_FIRST = {8: 5, 4: 1, 2: 1, 1: 0}


def axis(length: int, stride: int) -> np.ndarray:
  """Returns the places of a lattice along a side: [n] int32, at least one."""
  places = np.arange(min(_FIRST[stride], length - 1), length, stride)
  return places.astype(np.int32)


def size(height: int, width: int, stride: int) -> tuple[int, int]:
  """Returns rows and columns of a lattice."""
  return len(axis(height, stride)), len(axis(width, stride))


def pixels(height: int, width: int, stride: int) -> np.ndarray:
  """Returns a lattice's pixels, counted row by row: [n] int32."""
  rows, columns = axis(height, stride), axis(width, stride)
  return (rows[:, None] * width + columns).ravel().astype(np.int32)


class Order(NamedTuple):
  """All pixels of a picture, those of coarser lattices first.

  Attributes:
    pixels: [H * W] int32, counted row by row.
    places: [H * W] int32, where each pixel stands among them.
    ends: by stride, how many of the first hold its lattice.
  """

  pixels: np.ndarray
  places: np.ndarray
  ends: Mapping[int, int]


@functools.lru_cache(maxsize=4)
def order(height: int, width: int) -> Order:
  """Orders the pixels of a picture; found once for all of its size."""
  parts, ends, seen = [], {}, np.zeros(height * width, bool)
  for stride in STRIDES:
    found = pixels(height, width, stride)
    parts.append(found[~seen[found]])
    seen[found] = True
    ends[stride] = int(seen.sum())
  ordered = np.concatenate(parts)
  places = np.empty_like(ordered)
  places[ordered] = np.arange(len(ordered))
  for array in (ordered, places):
    array.flags.writeable = False
  return Order(ordered, places, ends)


def spread(
  colors: np.ndarray, height: int, width: int, stride: int
) -> np.ndarray:
  """Makes a whole picture of a lattice's colours.

  Args:
    colors: [rows, columns, 3] uint8, those of `size`.
    height: of the picture; width likewise.
    stride: of the lattice.

  Returns:
    [height, width, 3] uint8, bilinear.
  """
  if stride == 1:
    return colors
  # Where the picture's corner lies in the lattice, whose pixels are 1 wide and
  # which is 1 wider on all sides, so that the picture lies within.
  corner = 1.5 - (_FIRST[stride] + 0.5) / stride
  padded = np.pad(colors, ((1, 2), (1, 2), (0, 0)), mode="edge")
  box = (
    corner,
    corner,
    min(padded.shape[1], corner + width / stride),
    min(padded.shape[0], corner + height / stride),
  )
  return np.asarray(
    Image.fromarray(padded).resize(
      (width, height), Image.Resampling.BILINEAR, box=box
    )
  )
