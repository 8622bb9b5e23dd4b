"""A progress bar on a terminal, plain lines elsewhere; of process 0 only."""

import contextlib
import sys
import time

import tqdm

from stylized_nerf_jax.host import processes

_POSTFIX_EVERY = 0.5  # seconds, on a terminal


class Progress:
  """Counts steps; shows rate, time left and the newest figures.

  Args:
    total: number of steps at the end.
    label: what is being done.
    initial: steps done before.
    every: seconds between two plain lines where stderr is no terminal.
  """

  def __init__(
    self, total: int, label: str, *, initial: int = 0, every: float = 10.0
  ):
    self._total, self._label, self._every = total, label, every
    self._first, self._done = initial, initial
    self._start = self._last = time.monotonic()
    self._figures = {}
    self._bar = None
    self._silent = not processes.is_first()
    if sys.stderr.isatty() and not self._silent:
      self._bar = tqdm.tqdm(total=total, initial=initial, desc=label)

  def advance(self, steps: int = 1, **figures: float) -> None:
    """Counts `steps` more; `figures` are shown behind them.

    They are read when they are shown, which is seldom: those of a device may
    not be there yet.
    """
    self._done += steps
    self._figures = figures or self._figures
    if self._silent:
      return
    if self._bar is not None:
      self._bar.update(steps)
    now = time.monotonic()
    every = self._every if self._bar is None else _POSTFIX_EVERY
    if now - self._last < every and self._done < self._total:
      return
    self._last = now
    if self._bar is None:
      print(self._line(now), file=sys.stderr, flush=True)
    else:
      self._bar.set_postfix_str(self._shown())

  def close(self) -> None:
    """Ends the bar."""
    if self._bar is not None:
      self._bar.close()

  def _line(self, now: float) -> str:
    rate = (self._done - self._first) / max(now - self._start, 1e-9)
    left = (self._total - self._done) / max(rate, 1e-9)
    figures = f"  {self._shown()}" if self._figures else ""
    return (
      f"{self._label}: {self._done}/{self._total}  {rate:.3g}/s  "
      f"{left:.0f} s left{figures}"
    )

  def _shown(self) -> str:
    pairs = self._figures.items()
    return ", ".join(f"{name} {float(value):.4g}" for name, value in pairs)


@contextlib.contextmanager
def progress(total: int, label: str, *, initial: int = 0):
  """Yields a `Progress` and closes it."""
  bar = Progress(total, label, initial=initial)
  try:
    yield bar
  finally:
    bar.close()


def say(message: str) -> None:
  """Prints one plain line for the user, beside any progress bar."""
  if not processes.is_first():
    return
  tqdm.tqdm.write(message, file=sys.stderr)
