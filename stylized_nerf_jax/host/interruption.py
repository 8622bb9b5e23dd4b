"""SIGTERM and SIGINT: training saves and leaves; the second quits at once.

Signals belong to the process, and so does what this module keeps. A thread of
its own hears them: the main one may be inside a compiled step for long. Of
several processes all stop when one is asked to.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

from stylized_nerf_jax.host import processes, progress

# EX_TEMPFAIL of sysexits.h: stopped on request, saved, run the same again.
EXIT_STATUS = 75
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupted(Exception):  # noqa: N818 - it is no error
  """A process was asked to stop, and everything is saved."""

  in_step = True  # of several processes, all raise it in the same place


def stop_if_asked(where: str) -> None:
  """Raises `Interrupted` if a signal has come; says that it stopped there.

  To be called by all processes; one signal stops them all.
  """
  own = _listener.signal.name if asked() else ""
  if heard := [n for n in processes.exchange("signals", own) if n]:
    raise Interrupted(
      f"stopped by {heard[0]} {where}; everything is saved: the same command "
      "goes on from there"
    )


def asked() -> bool:
  """Tells whether a signal has come to this process."""
  return _listener is not None and _listener.signal is not None


@contextlib.contextmanager
def listening() -> Iterator[None]:
  """Notes signals instead of dying of them while the block runs.

  Does nothing inside another such block, and outside of the main thread,
  where Python cannot.
  """
  global _listener
  main = threading.current_thread() is threading.main_thread()
  if _listener is not None or not main:
    yield
    return
  _listener = _Listener()
  try:
    yield
  finally:
    _listener.close()
    _listener = None


class _Listener:
  """Takes the signals until it is closed.

  Attributes:
    signal: the first that came, or None.
  """

  def __init__(self):
    self.signal: signal.Signals | None = None
    self._read, self._write = os.pipe()
    os.set_blocking(self._write, False)
    self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
    self._handlers = {
      number: signal.signal(number, _do_nothing) for number in _SIGNALS
    }
    self._thread = threading.Thread(target=self._hear, daemon=True)
    self._thread.start()

  def close(self) -> None:
    """Gives the signals back to who had them before."""
    for number, handler in self._handlers.items():
      signal.signal(number, handler)
    signal.set_wakeup_fd(self._wakeup)
    os.close(self._write)
    self._thread.join()
    os.close(self._read)

  def _hear(self) -> None:
    while heard := os.read(self._read, 1):
      if heard[0] not in _SIGNALS:
        continue
      if self.signal is not None:
        os._exit(128 + heard[0])
      self.signal = signal.Signals(heard[0])
      progress.say(
        f"{self.signal.name}: saving after the step at hand; once more to quit "
        "at once"
      )


_listener: _Listener | None = None


def _do_nothing(*_) -> None:
  """In place of dying; `_Listener` hears of the signal by itself."""
