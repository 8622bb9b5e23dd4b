"""What style fields' tables say of a view's samples, kept while it rests.

Reading tables takes most of the time of a painting. What they say of a place is
the same for every code, and for a mix of paintings the mix of what each says:
kept for each of them, on the devices, a turned dial needs the layers alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

# 16 bits for each feature of each sample: at 504 x 378, of ten samples and 32
# features, 122 MB a painting.
MOST_BYTES = 512 * 2**20


class KeptEncodings:
  """Of one view, block by block.

  Args:
    bytes_each: of what one style field says of the whole view.
    most_bytes: that may be kept; what was longest not used makes room.

  Attributes:
    most: style fields that there is room for.
  """

  def __init__(self, bytes_each: int, most_bytes: int = MOST_BYTES):
    self.most = most_bytes // max(bytes_each, 1)
    self._found: dict[int, dict[int, Any]] = {}

  def has(self, places: Sequence[int], block: int) -> bool:
    """Whether what some style fields say of a block is known."""
    return all(block in self._found.get(place, ()) for place in places)

  def of(self, place: int, block: int, encode: Callable[[], Any]) -> Any:
    """Returns what a style field says of a block, which is read if missing.

    Args:
      place: of the field, see `models.style_fields.Part`.
      block: its number.
      encode: reads it.
    """
    # The last of a dictionary is the last that was used.
    known = self._found.pop(place, {})
    while len(self._found) >= max(self.most, 1):
      del self._found[next(iter(self._found))]
    self._found[place] = known
    if block not in known:
      known[block] = encode()
    return known[block]
