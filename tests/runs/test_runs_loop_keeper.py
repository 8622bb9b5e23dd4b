"""What a training loop measures of itself, by a clock that the test moves."""

import itertools
import types

import pytest

from stylized_nerf_jax.runs import loop_keeper


def test_shares_of_time_are_those_of_the_steps(monkeypatch):
  clock = types.SimpleNamespace(now=0.0)
  monkeypatch.setattr(loop_keeper.time, "monotonic", lambda: clock.now)
  options = types.SimpleNamespace(checkpoint_minutes=0.0, skipped_in_a_row=5)
  keeper = loop_keeper.LoopKeeper("a", None, options, every=1)

  def slow():
    for number in itertools.count():
      clock.now += 1.0
      yield number

  batches = keeper.waiting(slow())
  for number in range(3):
    with keeper.stepping() as count:
      assert next(batches) == number
      clock.now += 3.0
      count(10)
    # Neither waiting nor steps: scores, checkpoints.
    clock.now += 100.0
  figures = keeper.figures()
  assert figures["input_wait"] == pytest.approx(0.25)
  assert figures["rays_per_second"] == pytest.approx(30 / 12)
  # Counted anew; without batches there is nothing to tell.
  with keeper.stepping() as count:
    clock.now += 2.0
    count(10)
  figures = keeper.figures()
  assert "input_wait" not in figures and figures["rays_per_second"] == 5.0
  assert "seconds_per_step" not in figures


def test_seconds_a_step_are_those_since_it_was_told_last(monkeypatch):
  clock = types.SimpleNamespace(now=0.0)
  monkeypatch.setattr(loop_keeper.time, "monotonic", lambda: clock.now)
  options = types.SimpleNamespace(checkpoint_minutes=0.0, skipped_in_a_row=5)
  keeper = loop_keeper.LoopKeeper("a", None, options, every=1)
  clock.now = 60.0  # Compiling is no part of them.
  assert "seconds_per_step" not in keeper.figures(20)
  clock.now = 65.0
  assert keeper.figures(30)["seconds_per_step"] == 0.5
  clock.now = 66.0
  assert keeper.figures(34)["seconds_per_step"] == 0.25


def test_batches_end_when_their_source_does():
  options = types.SimpleNamespace(checkpoint_minutes=0.0, skipped_in_a_row=5)
  keeper = loop_keeper.LoopKeeper("a", None, options, every=1)
  assert list(keeper.waiting(iter([1, 2]))) == [1, 2]
