"""Ways to find cameras, cheapest first, until all images are placed.

What a way is, and who tries it, is not known here: `climb` decides which is
next and which one won.
"""

import dataclasses
from collections.abc import Callable, Sequence

from stylized_nerf_jax.captures import mapping

# Of so many images that could be placed, one may be left out: for one image
# in fifty, the others are not placed once more.
_SPARED = 50
# Fewer placed than this share: the capture is said to have failed, and what
# is expensive is tried.
_ENOUGH = 0.75
_WITH_MORE = ", more matches"


@dataclasses.dataclass(frozen=True)
class Attempt:
  """What one way led to.

  Attributes:
    way: one of `mapping.WAYS`, or one with more matches.
    models: that of the most images first; may be none.
  """

  way: str
  models: tuple[mapping.Model, ...]

  @property
  def placed(self) -> int:
    """How many images the largest model holds."""
    return len(self.models[0].images) if self.models else 0

  @property
  def sound(self) -> bool:
    """Whether there is a model, and it has lenses that can be."""
    return self.placed > 0 and self.models[0].plausible


def enough(placed: int, images: int) -> bool:
  """Tells whether a capture that placed some of its images may pass."""
  return placed >= _ENOUGH * images


def in_words(way: str) -> str:
  """Says what a way is."""
  base = way.removesuffix(_WITH_MORE)
  return mapping.WAYS[base] + way[len(base) :]


def best(attempts: Sequence[Attempt], images: int) -> Attempt:
  """Returns the attempt that won, the earlier one of equals.

  Models whose focal lengths ran away from each other win only where none of
  the others has enough.

  Args:
    attempts: at least one.
    images: of the capture.
  """

  def rank(attempt: Attempt):
    passes = attempt.sound and enough(attempt.placed, images)
    return passes, attempt.placed, attempt.sound

  return max(attempts, key=rank)


def climb(
  attempts: list[Attempt],
  images: int,
  *,
  one_focal: bool,
  could_be_placed: Callable[[], int],
  attempt: Callable[[str], Attempt],
  match_more: Callable[[], bool],
) -> Attempt:
  """Tries ways until one places all that can be placed, or none is left.

  Args:
    attempts: made before; those made now are appended as they end.
    images: of the capture.
    one_focal: whether the lens has two focal lengths, which may be made one.
    could_be_placed: returns how many images hang together by matches.
    attempt: tries a way.
    match_more: compares more pairs of images; returns whether there were any.
      May be called again.

  Returns:
    The attempt that won.
  """
  made = {one.way for one in attempts}

  def go(ways: Sequence[str]) -> None:
    for way in ways:
      if way not in made and not _settled(attempts, images, could_be_placed()):
        attempts.append(attempt(way))

  go(["default", "small-angle", "global"])
  if one_focal and not best(attempts, images).sound:
    go(["one-focal"])
  if not enough(best(attempts, images).placed, images) and match_more():
    go(["small-angle" + _WITH_MORE, "global" + _WITH_MORE])
  return best(attempts, images)


def _settled(attempts: Sequence[Attempt], images: int, could: int) -> bool:
  """Tells whether no further way would place more than a few."""
  if not attempts or could == 0:
    return bool(attempts)
  won = best(attempts, images)
  return won.sound and won.placed >= could - could // _SPARED
