"""What is rendered next: all transitions, what waits, and rest."""

import pytest

from stylized_nerf_jax.viewer.request_states import (
  REST_AFTER,
  TRANSITIONS,
  Action,
  Requests,
  State,
)

LOW, REST, HIGH = State.LOW_MOVING, State.LOW_REST, State.HIGH
_TABLE = [
  (LOW, Action.MOVE, LOW),
  (LOW, Action.REST, REST),
  (LOW, Action.DIAL, LOW),
  (REST, Action.MOVE, LOW),
  (REST, Action.REST, HIGH),
  (REST, Action.DIAL, REST),
  (HIGH, Action.MOVE, LOW),
  (HIGH, Action.DIAL, REST),
]


def in_state(state: State) -> Requests:
  """Requests that have come to a state in the ordinary way, at time 0."""
  requests = Requests()
  requests.ask(Action.MOVE, 0.0)
  now = 0.0
  while requests.next(now) is None or requests.state is not state:
    now += REST_AFTER
  requests.finished()
  return requests


def test_the_table_is_whole():
  assert len(TRANSITIONS) == 9
  assert set(TRANSITIONS) == {(s, a) for s in State for a in Action}


@pytest.mark.parametrize(("state", "action", "expected"), _TABLE)
def test_transitions(state, action, expected):
  requests = in_state(state)
  requests.ask(action, 100.0)
  assert requests.next(100.0) == (expected, action)
  assert requests.state is expected


def test_rest_means_nothing_when_all_is_rendered():
  requests = in_state(HIGH)
  requests.ask(Action.REST, 100.0)
  assert requests.next(100.0) is None
  assert requests.wait(100.0) is None
  assert requests.next(1e6) is None


def test_a_move_comes_to_rest_and_then_grows_without_being_asked():
  requests = Requests()
  assert requests.next(0.0) is None and requests.wait(0.0) is None
  requests.ask(Action.MOVE, 1.0)
  assert requests.wait(1.0) == 0.0
  assert requests.next(1.0) == (LOW, Action.MOVE)
  requests.finished()
  assert requests.next(1.1) is None
  assert requests.wait(1.1) == pytest.approx(REST_AFTER - 0.1)
  assert requests.next(1.0 + REST_AFTER) == (REST, Action.REST)
  requests.finished()
  assert requests.next(1.0 + REST_AFTER) == (HIGH, Action.REST)
  requests.finished()
  assert requests.next(1e6) is None and requests.wait(1e6) is None


def test_a_large_picture_that_was_left_is_gone_on_with():
  """An interrupted picture is not finished, and rest comes back to it."""
  requests = in_state(REST)
  assert requests.next(1.0) == (HIGH, Action.REST)
  requests.ask(Action.DIAL, 2.0)
  assert requests.interrupted
  requests.finished()
  assert requests.next(2.0) == (REST, Action.DIAL)
  requests.finished()
  assert requests.next(2.0 + REST_AFTER) == (HIGH, Action.REST)


@pytest.mark.parametrize(
  ("asked", "kept"),
  [
    ([Action.DIAL, Action.MOVE], Action.DIAL),
    ([Action.DIAL, Action.REST], Action.DIAL),
    ([Action.MOVE, Action.REST], Action.MOVE),
    ([Action.MOVE, Action.DIAL], Action.DIAL),
    ([Action.REST, Action.MOVE], Action.MOVE),
    ([Action.REST, Action.DIAL], Action.DIAL),
    ([Action.MOVE, Action.MOVE, Action.MOVE], Action.MOVE),
  ],
)
def test_one_request_waits(asked, kept):
  requests = in_state(REST)
  for action in asked:
    requests.ask(action, 5.0)
  assert requests.next(5.0) == (TRANSITIONS[REST, kept], kept)
  assert requests.next(5.0) is None


@pytest.mark.parametrize("state", [LOW, REST])
def test_small_pictures_are_not_interrupted(state):
  """Or none would be finished while a camera moves."""
  requests = in_state(state)
  requests.ask(Action.MOVE, 9.0)
  assert not requests.interrupted


def test_generations_count_moves_and_dials():
  requests = in_state(REST)
  before = requests.generation
  for action in (Action.MOVE, Action.REST, Action.DIAL):
    requests.ask(action, 1.0)
  assert requests.generation == before + 2
