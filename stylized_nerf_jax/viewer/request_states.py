"""What is rendered next for a client: the states of progressive rendering.

While the camera moves pictures are small, at rest they grow. A move goes to
`LOW_MOVING` from anywhere. Rest goes from there to `LOW_REST` and on to `HIGH`,
and means nothing in `HIGH`. A dial takes `HIGH` back to `LOW_REST`.

One request waits at most: a move or dial takes the place of rest and never the
other way round, and a dial that waits stays until it is heeded, whatever moves
meanwhile (the camera that is rendered is the newest anyway). There is no clock
and no thread in here.
"""

import enum

# Without a request for so long a client is taken to be at rest, in seconds.
REST_AFTER = 0.2


class State(enum.Enum):
  """How a picture is rendered."""

  LOW_MOVING = "low, moving"
  LOW_REST = "low, at rest"
  HIGH = "high"


class Action(enum.Enum):
  """What a client asks for."""

  MOVE = "move"
  REST = "rest"
  DIAL = "dial"


TRANSITIONS = {
  (State.LOW_MOVING, Action.MOVE): State.LOW_MOVING,
  (State.LOW_MOVING, Action.REST): State.LOW_REST,
  (State.LOW_MOVING, Action.DIAL): State.LOW_MOVING,
  (State.LOW_REST, Action.MOVE): State.LOW_MOVING,
  (State.LOW_REST, Action.REST): State.HIGH,
  (State.LOW_REST, Action.DIAL): State.LOW_REST,
  (State.HIGH, Action.MOVE): State.LOW_MOVING,
  (State.HIGH, Action.REST): State.HIGH,
  (State.HIGH, Action.DIAL): State.LOW_REST,
}


class Requests:
  """Of one client.

  Attributes:
    state: of what is rendered, or was last.
    generation: counts moves and dials.
  """

  def __init__(self):
    self.state = State.LOW_MOVING
    self.generation = 0
    self._pending: Action | None = None
    self._settled = True  # Nothing is to be done until somebody asks.
    self._asked_at = 0.0

  def ask(self, action: Action, now: float) -> None:
    """Takes a request; `now` is in seconds, of any clock that only grows."""
    if action is Action.REST:
      if self._pending is None:
        self._pending = action
      return
    self.generation += 1
    self._asked_at = now
    if self._pending is not Action.DIAL:
      self._pending = action

  def next(self, now: float) -> tuple[State, Action] | None:
    """Returns what is to be rendered now and why; None: nothing yet."""
    action = self._pending
    if action is None:
      if self._settled or now < self._asked_at + REST_AFTER:
        return None
      action = Action.REST
    self._pending = None
    if self.state is State.HIGH and action is Action.REST:
      self._settled = True  # It is rendered already.
      return None
    self.state = TRANSITIONS[self.state, action]
    self._settled = False
    return self.state, action

  def finished(self) -> None:
    """Says that what `next` returned is rendered."""
    if self.state is State.HIGH and self._pending is None:
      self._settled = True

  def wait(self, now: float) -> float | None:
    """Seconds until `next` may have something; None: until somebody asks."""
    if self._pending is not None:
      return 0.0
    if self._settled:
      return None
    return max(0.0, self._asked_at + REST_AFTER - now)

  @property
  def interrupted(self) -> bool:
    """Whether what is rendered should be left for what waits.

    Only large pictures are: small ones would never be finished while a camera
    moves.
    """
    waits = self._pending in (Action.MOVE, Action.DIAL)
    return waits and self.state is State.HIGH
