"""What every training loop does beside training: save, measure, heed signals.

Training is timed here; of what it stands on, only `host` reads a clock.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from stylized_nerf_jax.host import interruption, processes, progress
from stylized_nerf_jax.rows import device_memory
from stylized_nerf_jax.training import checkpoints as checkpoints_lib
from stylized_nerf_jax.training import guard


class LoopKeeper:
  """Keeps one training loop.

  Args:
    phase: its name.
    checkpoints: where it saves.
    options: `config.training`.
    every: steps between two checkpoints.

  Attributes:
    guard: to be told of the steps, see `train_steps.make_train_steps`.
  """

  def __init__(
    self,
    phase: str,
    checkpoints: checkpoints_lib.Checkpoints,
    options,
    *,
    every: int,
  ):
    self._phase, self._checkpoints, self._every = phase, checkpoints, every
    self._minutes = options.checkpoint_minutes
    self._saved = time.monotonic()
    self._rays, self._seconds, self._waited = 0, 0.0, None
    self._told = None  # The last step that figures were told of, and when.
    self.guard = guard.Guard(phase, limit=options.skipped_in_a_row)

  def planner(self, what: str) -> Callable[[int], None]:
    """Returns what tells, once, how many bytes `what` takes on a device."""
    said = []

    def say(needed: int) -> None:
      if not said:
        progress.detail(
          f"{self._phase}: {what} takes {device_memory.mib(needed)} MiB of a "
          f"device's {device_memory.mib(device_memory.limit_bytes())}"
        )
      said.append(needed)

    return say

  @contextlib.contextmanager
  def stepping(self) -> Iterator[Callable[[int], None]]:
    """Times a block of steps; it yields what the block tells its rays.

    Steps may be under way when the block ends: the next block, or `settle`,
    waits for them.
    """
    started = time.monotonic()
    yield self._count
    self._seconds += time.monotonic() - started

  def settle(self) -> None:
    """Waits until the steps that were begun are done; it is of their time.

    Raises:
      guard.NotFiniteError: too many of them were skipped.
    """
    with self.stepping():
      self.guard.look()

  def _count(self, rays: int) -> None:
    self._rays += rays

  def waiting(self, batches: Iterator) -> Iterator:
    """Passes batches on, and times how long each is waited for.

    They should be asked for inside of `stepping`.
    """
    while True:
      started = time.monotonic()
      batch = next(batches, None)
      self._waited = (self._waited or 0.0) + time.monotonic() - started
      if batch is None:
        return
      yield batch

  def figures(self, step: int | None = None) -> dict[str, float]:
    """Returns what is known of the steps since this was asked last.

    Skipped steps; the largest memory in use so far; rays a second, where rays
    were counted; the share of their time that was spent waiting for batches,
    where there were any; and seconds a step, with all that lay between steps.

    Args:
      step: how many were taken; None: nothing is told of seconds a step, nor
        is it where this is asked for the first time, as steps are compiled.
    """
    self.settle()
    found = {
      "skipped": self.guard.take(),
      "memory_mib": device_memory.peak_mib(),
    }
    seconds = max(self._seconds, 1e-9)
    if self._rays:
      found["rays_per_second"] = self._rays / seconds
    if self._waited is not None:
      found["input_wait"] = self._waited / seconds
    self._rays, self._seconds, self._waited = 0, 0.0, None
    now = time.monotonic()
    if self._told is not None and step is not None and step > self._told[0]:
      found["seconds_per_step"] = (now - self._told[1]) / (step - self._told[0])
    self._told = None if step is None else (step, now)
    return found

  def after(self, before: int, step: int, save: Callable[[], None]) -> None:
    """Saves what is due after the steps `before` to `step`.

    To be called by all processes: they save and stop together.

    Args:
      before, step: steps taken before and after the call at hand.
      save: saves the present state.

    Raises:
      interruption.Interrupted: a signal asked to stop; all is on disk.
    """
    late = self._minutes and (
      time.monotonic() - self._saved >= 60.0 * self._minutes
    )
    late, asked = processes.any_of(late, interruption.asked())
    if asked or late or passed(before, step, self._every):
      self.settle()
      save()
      self._saved = time.monotonic()
    if asked:
      self._checkpoints.wait()
      interruption.stop_if_asked(f"after step {step} of {self._phase}")


def passed(before: int, step: int, every: int) -> bool:
  """Tells whether a multiple of `every` lies in (before, step]."""
  return int(step) // every > int(before) // every
