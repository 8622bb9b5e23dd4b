"""A progress bar on a terminal, plain lines elsewhere; of process 0 only.

What a user need not know to use what comes out (memory, caches) are details,
and details are told to those who ask for them.
"""

import contextlib
import dataclasses
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import tqdm

from stylized_nerf_jax.host import processes

_POSTFIX_EVERY = 0.5  # seconds, on a terminal
# Of which one is left out.
_FEWEST_CALLS = 3
# Figures that need no knowledge of the method; others are details.
_PLAIN = ("psnr", "loss")
_MUCH_ON_DISK = 256 * 2**20
_told = {"details": False}


@dataclasses.dataclass(frozen=True)
class Pace:
  """How far a step goes, and what comes after the last.

  Attributes:
    work: of how many steps how much work they are, in any unit.
    later: from the seconds that a unit of work takes to the seconds of all
      that comes after these steps, or None where nobody knows.
  """

  work: Callable[[int], float] = float
  later: Callable[[float], float | None] = lambda seconds_each: None


EVEN = Pace()


class _Call(NamedTuple):
  """What took so many seconds."""

  seconds: float
  steps: int
  work: float


_NOTHING = _Call(0.0, 0, 0.0)


class Progress:
  """Counts steps; shows rate, time left and the newest figures.

  Rate and time are those since the first steps, which are compiled first, and
  but for the slowest call, in which another program may have been.

  Args:
    total: number of steps at the end.
    label: what is being done.
    initial: steps done before.
    every: seconds between two plain lines where stderr is no terminal.
    pace: of the steps, where they differ or something comes after them.
  """

  def __init__(
    self,
    total: int,
    label: str,
    *,
    initial: int = 0,
    every: float = 10.0,
    pace: Pace = EVEN,
  ):
    self._total, self._label, self._every = total, label, every
    self._done, self._pace = initial, pace
    self._measure_from_here()
    self._shown_at = self._start
    self._figures = {}
    self._bar = None
    self._silent = not processes.is_first()
    self._warm = False
    if sys.stderr.isatty() and not self._silent:
      self._bar = tqdm.tqdm(total=total, initial=initial, desc=label)

  def advance(self, steps: int = 1, **figures: float) -> None:
    """Counts `steps` more; `figures` are shown behind them.

    They are read when they are shown, which is seldom: those of a device may
    not be there yet.
    """
    before, self._done = self._done, self._done + steps
    self._figures = figures or self._figures
    if self._silent:
      return
    if self._bar is not None:
      self._bar.update(steps)
    now = time.monotonic()
    if steps:
      call = _Call(now - self._called, steps, self._work(before, self._done))
      self._called, self._calls = now, self._calls + 1
      self._slowest = max(self._slowest, call)
    every = self._every if self._bar is None else _POSTFIX_EVERY
    if now - self._shown_at >= every or self._done >= self._total:
      self._shown_at = now
      if self._bar is None:
        print(self._line(now), file=sys.stderr, flush=True)
      else:
        told = (self._in_all(now), self._shown())
        self._bar.set_postfix_str(", ".join(filter(None, told)))
    if not self._warm and steps:
      self.measure_anew()

  def measure_anew(self) -> None:
    """Leaves out of rate and time what came before, as it was compiled."""
    self._warm = True
    self._measure_from_here()

  def _measure_from_here(self) -> None:
    self._first, self._calls, self._slowest = self._done, 0, _NOTHING
    self._start = self._called = time.monotonic()

  def close(self) -> None:
    """Ends the bar."""
    if self._bar is not None:
      self._bar.close()

  def _line(self, now: float) -> str:
    parts = [f"{self._label}: {self._done}/{self._total}"]
    ended = self._done >= self._total
    if self._knows_pace() or (ended and self._done > self._first):
      # Of a call that was all, nothing else is known than with compiling.
      seen = self._seen(now)
      left, in_all = in_words(self._left(now)), self._in_all(now)
      parts += [
        f"{seen.steps / max(seen.seconds, 1e-9):.3g}/s",
        f"{left} left" + (f", {in_all}" if in_all else ""),
      ]
    return "  ".join(filter(None, [*parts, self._shown()]))

  def _left(self, now: float) -> float:
    """Seconds that the steps that are left take."""
    return self._work(self._done, self._total) * self._seconds_each(now)

  def _seconds_each(self, now: float) -> float:
    """Seconds that a unit of work took."""
    seen = self._seen(now)
    return seen.seconds / max(seen.work, 1e-9)

  def _work(self, first: int, last: int) -> float:
    return self._pace.work(last) - self._pace.work(first)

  def _knows_pace(self) -> bool:
    """Whether calls were enough to leave the slowest out."""
    return self._warm and self._calls >= _FEWEST_CALLS

  def _seen(self, now: float) -> _Call:
    """What was done since the first steps, by all calls but the slowest."""
    left_out = self._slowest if self._knows_pace() else _NOTHING
    return _Call(
      now - self._start - left_out.seconds,
      self._done - self._first - left_out.steps,
      self._work(self._first, self._done) - left_out.work,
    )

  def _in_all(self, now: float) -> str:
    """Says how long all takes, with what comes after these steps."""
    if not self._knows_pace():
      return ""
    after = self._pace.later(self._seconds_each(now))
    if not after:
      return ""
    return f"about {in_words(self._left(now) + after)} with the phases after it"

  def _shown(self) -> str:
    pairs = [
      f"{name} {float(value):.4g}"
      for name, value in self._figures.items()
      if _told["details"] or name in _PLAIN
    ]
    return ", ".join(pairs)


@contextlib.contextmanager
def progress(total: int, label: str, **options):
  """Yields a `Progress`, which takes the same arguments, and closes it."""
  bar = Progress(total, label, **options)
  try:
    yield bar
  finally:
    bar.close()


def say(message: str) -> None:
  """Prints one plain line for the user, beside any progress bar."""
  if not processes.is_first():
    return
  tqdm.tqdm.write(message, file=sys.stderr)


def tell_details(wanted: bool = True) -> None:
  """From here on `detail` prints, and bars show every figure, or not."""
  _told["details"] = wanted


def detail(message: str) -> None:
  """Prints, as `say`, what only those who asked for details want to know."""
  if _told["details"]:
    say(message)


def on_disk(message: str, num_bytes: int) -> None:
  """Prints what takes room on a disk: to everybody where it takes much."""
  (say if num_bytes >= _MUCH_ON_DISK else detail)(message)


def in_words(seconds: float) -> str:
  """Writes a duration with no more digits than a guess deserves."""
  if seconds < 100:
    return f"{seconds:.0f} s"
  if seconds < 100 * 60:
    return f"{seconds / 60:.0f} min"
  return f"{seconds / 3600:.1f} h"
