"""How long the phases of a run took, over all commands that worked on them."""

import contextlib
import time
from collections.abc import Iterator

from stylized_nerf_jax.host import processes
from stylized_nerf_jax.runs import run_folder

_FACT = "spent_seconds"


@contextlib.contextmanager
def timing(run: run_folder.RunFolder, phase: str) -> Iterator[None]:
  """Adds the time that the block takes to a phase's entry of the manifest.

  Also where it is stopped by a signal, or by anything else. A phase that was
  finished before takes none.

  Args:
    run: whose phase it is.
    phase: one of `run_folder.PHASES`.
  """
  before = run.facts(phase)
  done = before.get("finished")
  started = time.monotonic()
  try:
    yield
  finally:
    after = run.facts(phase)
    again = after.get("fingerprint") != before.get("fingerprint")
    if after and processes.is_first() and not (done and not again):
      earlier = 0.0 if again else before.get(_FACT, 0.0)
      spent = earlier + time.monotonic() - started
      # A disk that is full has been said by what filled it.
      with contextlib.suppress(OSError):
        run.note(phase, **{_FACT: round(spent, 1)})


def seconds(run: run_folder.RunFolder, phase: str) -> float | None:
  """Returns how long a phase took; None where nobody noted it."""
  value = run.facts(phase).get(_FACT)
  return float(value) if isinstance(value, int | float) else None
