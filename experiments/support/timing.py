"""Times of calls that take turns.

Every round makes each call once, so that a change of the machine's speed
touches them alike.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any


def seconds(call: Callable[[], object]) -> float:
  """Times one call."""
  start = time.perf_counter()
  call()
  return time.perf_counter() - start


def in_turn(
  calls: Mapping[Any, Callable[[], object]],
  rounds: int,
  *,
  before_round: Callable[[], object] | None = None,
) -> tuple[dict[Any, float], dict[Any, list[float]]]:
  """Times calls, round after round.

  Args:
    calls: by name.
    rounds: how many, after a first one, in which calls compile.
    before_round: called before each but the first; not timed.

  Returns:
    (Seconds in the first round, those in the others), by name.
  """
  first = {name: seconds(call) for name, call in calls.items()}
  times = {name: [] for name in calls}
  for _ in range(rounds):
    if before_round is not None:
      before_round()
    for name, call in calls.items():
      times[name].append(seconds(call))
  return first, times
