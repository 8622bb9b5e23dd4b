"""Stages follow each other, and stop where something else is due."""

import types

import pytest

from stylized_nerf_jax.phases import field_trainer
from stylized_nerf_jax.runs import loop_keeper


class Recorded:
  """A stage that writes down the steps it is asked for."""

  log_every = 10

  def __init__(self, name: str, end: int, most: int, taken: list):
    self.name, self.end = name, end
    self._most, self._taken = most, taken

  def next_length(self, step: int, until: int) -> int:
    return self._most if until - step >= self._most else 1

  def take(self, state, step: int, length: int):
    self._taken.append((self.name, step, length))
    return state + length, {self.name: step}, 7 * length


@pytest.fixture
def keeper():
  options = types.SimpleNamespace(checkpoint_minutes=0, skipped_in_a_row=1)
  return loop_keeper.LoopKeeper("test", None, options, every=1)


def _every(number: int):
  return lambda step: (step // number + 1) * number


def _run(trainer, first: int = 0):
  state = step = first
  while step < trainer.total:
    state, step, metrics = trainer.take(state, step)
    assert state == step and len(metrics) == 1


def test_dispatches_end_with_their_stage_and_at_every_pause(keeper):
  taken = []
  stages = [Recorded("rays", 9, 3, taken), Recorded("patches", 11, 1, taken)]
  trainer = field_trainer.FieldTrainer(stages, keeper, _every(4))
  assert trainer.total == 11
  _run(trainer)
  assert taken == [
    ("rays", 0, 3),
    ("rays", 3, 1),
    ("rays", 4, 3),
    ("rays", 7, 1),
    ("rays", 8, 1),
    ("patches", 9, 1),
    ("patches", 10, 1),
  ]
  assert keeper.figures()["rays_per_second"] > 0


def test_it_goes_on_within_any_stage(keeper):
  taken = []
  stages = [Recorded("rays", 2, 1, taken), Recorded("patches", 5, 1, taken)]
  _run(field_trainer.FieldTrainer(stages, keeper, _every(100)), first=3)
  assert taken == [("patches", 3, 1), ("patches", 4, 1)]


def test_a_stage_without_steps_is_passed_over(keeper):
  taken = []
  stages = [Recorded("rays", 0, 3, taken), Recorded("patches", 1, 1, taken)]
  _run(field_trainer.FieldTrainer(stages, keeper, _every(2)))
  assert taken == [("patches", 0, 1)]
