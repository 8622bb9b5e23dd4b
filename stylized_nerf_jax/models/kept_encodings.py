"""What style fields' tables say of a view's samples, kept while it rests.

Reading tables takes most of the time of a painting. What they say of a place is
the same for every code, and for a mix of paintings the mix of what each says:
kept for each of them, a turned dial needs the layers alone.
"""

from collections.abc import Callable, Sequence

import numpy as np

# 16 bits for each feature of each sample: at 504 x 378, of ten samples and 32
# features, 122 MB a painting.
MOST_BYTES = 512 * 2**20


class KeptEncodings:
  """Of one view.

  Args:
    count: of its pixels.
    bytes_each: of what one style field says of a pixel.
    most_bytes: that may be kept; what was longest not used makes room.

  Attributes:
    most: style fields that there is room for.
  """

  def __init__(self, count: int, bytes_each: int, most_bytes: int = MOST_BYTES):
    self._count = count
    self.most = most_bytes // max(count * bytes_each, 1)
    self._values: dict[int, np.ndarray] = {}
    self._known: dict[int, np.ndarray] = {}

  def known(self, places: Sequence[int], rows: np.ndarray) -> np.ndarray:
    """Whether what some style fields say of pixels [N] is known: [N]."""
    found = np.ones(len(rows), bool)
    for place in places:
      known = self._known.get(place)
      found &= False if known is None else known[rows]
    return found

  def rows(
    self,
    place: int,
    rows: np.ndarray,
    encode: Callable[[np.ndarray], np.ndarray],
  ) -> np.ndarray:
    """Returns what a style field says of pixels, which is read where missing.

    Args:
      place: of the field, see `models.style_fields.Part`.
      rows: [N], pixels.
      encode: pixels [M], some of them -> [M, K, E].

    Returns:
      [N, K, E].
    """
    known = self._known.get(place)
    missing = rows if known is None else rows[~known[rows]]
    if len(missing):
      found = encode(missing)
      if place not in self._values:
        self._begin(place, found)
      self._values[place][missing] = found
      self._known[place][missing] = True
    # The last of a dictionary is the last that was used.
    values = self._values[place] = self._values.pop(place)
    return values[rows]

  def _begin(self, place: int, found: np.ndarray) -> None:
    while len(self._values) >= max(self.most, 1):
      oldest = next(iter(self._values))
      del self._values[oldest], self._known[oldest]
    self._values[place] = np.zeros((self._count, *found.shape[1:]), found.dtype)
    self._known[place] = np.zeros(self._count, bool)
