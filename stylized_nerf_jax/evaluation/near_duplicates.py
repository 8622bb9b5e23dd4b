"""Near-duplicate pictures, found by a perceptual hash.

Two pictures are near-duplicates where the lowest frequencies of their grey
values agree in sign: copies of other sizes, qualities, brightness or a few
per cent of cropping. The hash is `imagehash.phash` (extra `styles`).
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error

_SIDE = 16  # frequencies along each axis: 256 bits
BITS = _SIDE * _SIDE
# Of 36 paintings no two differ in fewer than 106 bits; copies of one of them
# in at most 50 (2% cropped from every side), by chance alone 128 +- 8 do.
LIMIT = 64
_ROWS = 1024


class MissingError(user_error.UserError):
  """The library that computes the hash is not installed."""


def hash_picture(pixels: np.ndarray) -> np.ndarray:
  """Computes the perceptual hash of a picture.

  Args:
    pixels: uint8 [H, W, 3].

  Returns:
    bool [BITS].

  Raises:
    MissingError: `imagehash` is not installed; the message says how to.
  """
  try:
    import imagehash
  except ImportError as error:
    raise MissingError(
      "near-duplicates need imagehash: pip install 'stylized-nerf-jax[styles]'"
    ) from error
  found = imagehash.phash(Image.fromarray(pixels), hash_size=_SIDE)
  return np.asarray(found.hash, bool).ravel()


def find_pairs(
  hashes: Sequence[np.ndarray], *, limit: int = LIMIT
) -> Iterator[tuple[int, int, int]]:
  """Finds pairs of near-duplicates.

  Args:
    hashes: N hashes, bool [BITS].
    limit: bits in which two may differ.

  Yields:
    (i, j, bits that differ) with i < j, in order.
  """
  if not len(hashes):
    return
  # As signs, a product of two hashes counts what agrees less what differs.
  signs = np.where(np.stack(hashes), 1, -1).astype(np.float32)
  bits = signs.shape[1]
  for start in itertools.count(0, _ROWS):
    if start >= len(signs):
      return
    differ = (bits - signs[start : start + _ROWS] @ signs.T) / 2
    for row, column in np.argwhere(differ <= limit):
      if start + row < column:
        yield int(start + row), int(column), int(differ[row, column])
