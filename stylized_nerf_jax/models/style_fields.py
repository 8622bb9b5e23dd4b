"""The style fields of a model at hand: that of each style, and of mixes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from stylized_nerf_jax.fields import style_field, style_mixing
from stylized_nerf_jax.models.style_codes import Blend

# Style fields of styles and mixes that are kept.
_KEPT = 8
# The part of a mix that is of no style's own field.
BASE = -1


class Part(NamedTuple):
  """What one style field has to do with a mix.

  Attributes:
    place: of the style among those of the model, or `BASE`: what mutual
      learning left, which paints codes and pictures that it does not know.
    share: of the mix, in (0, 1].
  """

  place: int
  share: float


class StyleFields:
  """Of one model.

  Args:
    placed: "style_field" after phase 3, and "finished" after its finish, on
      the devices.
  """

  def __init__(self, placed: Mapping[str, Any]):
    self._placed = placed
    self._mixed: dict[tuple[bytes, bool], Any] = {}
    self._mix = jax.jit(style_mixing.mix)

  @property
  def are_finished(self) -> bool:
    """Whether every style has one of its own."""
    return "finished" in self._placed

  def of(self, code: Blend, *, tables: bool = True):
    """Returns the parameters of the style field that paints in a code.

    Args:
      code: of a style or a mix.
      tables: False: its layers alone, for what is encoded already.
    """
    if not self.are_finished or not code.shares.any():
      return self._placed["style_field"]
    return self._of_shares(code.shares, tables)

  def parts(self, code: Blend) -> tuple[Part, ...]:
    """Returns which style fields the one of a code is mixed of."""
    if not self.are_finished:
      return (Part(BASE, 1.0),)
    found = [
      Part(int(i), float(code.shares[i])) for i in code.shares.nonzero()[0]
    ]
    left = 1.0 - float(code.shares.sum())
    if left > style_mixing.LEAST_SHARE:
      found.append(Part(BASE, left))
    return tuple(found)

  def of_part(self, place: int):
    """Returns the parameters of one style field, as `Part.place` names it."""
    if place == BASE:
      return self._placed["style_field"]
    count = len(jax.tree.leaves(self._placed["finished"])[0])
    return self._of_shares(np.eye(count, dtype=np.float32)[place])

  def _of_shares(self, shares: np.ndarray, tables: bool = True):
    key = shares.tobytes(), tables
    found = self._mixed.pop(key, None)
    if found is None:
      parts = self._placed["style_field"], self._placed["finished"]
      if not tables:
        parts = tuple(map(style_field.layers, parts))
      found = self._mix(*parts, shares)
    while len(self._mixed) >= _KEPT:
      self._mixed.pop(next(iter(self._mixed)))
    self._mixed[key] = found  # The last one is the last that was used.
    return found
