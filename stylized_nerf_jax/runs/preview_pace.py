"""When a picture of a run in training is due, so that it costs little.

Pictures take at most a twentieth of the time since training began, compiling
included: how long they take is measured, and what the next one will take is
guessed from that. Nothing here touches what is trained.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

SHARE = 0.05
# Seconds that a picture of a kind takes which was never made: it is compiled.
_FIRST = 4.0


class PreviewPace:
  """Measures pictures, and says when the next is due.

  Args:
    every: seconds between two of them, at least; 0: none are ever due.
    clock: tells seconds.

  Attributes:
    spent: seconds that pictures took.
  """

  def __init__(
    self, every: float, *, clock: Callable[[], float] = time.monotonic
  ):
    self._every, self._clock = every, clock
    self._start = self._last = clock()
    self._took: dict[str, float] = {}
    self.spent = 0.0

  def due(self, kind: str) -> bool:
    """Tells whether a picture may be made now.

    Args:
      kind: of picture; those of one take about the same time.
    """
    if not self._every:
      return False
    now = self._clock()
    if now - self._last < self._every:
      return False
    expected = self._took.get(kind, _FIRST)
    return self.spent + expected <= SHARE * (now - self._start)

  @contextlib.contextmanager
  def taking(self, kind: str) -> Iterator[None]:
    """Measures the block, in which a picture of a kind is made."""
    started = self._clock()
    try:
      yield
    finally:
      self._last = self._clock()
      took = self._last - started
      self.spent += took
      self._took[kind] = took
