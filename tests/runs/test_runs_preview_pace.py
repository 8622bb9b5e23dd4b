"""Previews cost at most their share, whatever they and the steps take."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylized_nerf_jax.runs import preview_pace


class _Clock:
  def __init__(self):
    self.now = 0.0

  def __call__(self):
    return self.now


def _train(every, step_seconds, preview_seconds, total):
  """Steps and previews by turns; returns (made, pace, clock)."""
  clock = _Clock()
  pace = preview_pace.PreviewPace(every, clock=clock)
  made = []
  while clock.now < total:
    clock.now += step_seconds
    if pace.due("field"):
      took = preview_seconds(len(made))
      with pace.taking("field"):
        clock.now += took
      made.append((clock.now, took))
  return made, pace, clock


@settings(deadline=None, max_examples=50)
@given(
  step=st.floats(0.05, 5.0),
  took=st.floats(0.01, 8.0),
  compiling=st.floats(0.0, 30.0),
  every=st.floats(1.0, 120.0),
)
def test_they_take_at_most_a_twentieth(step, took, compiling, every):
  def seconds(number):
    return took + (compiling if number == 0 else 0.0)

  made, pace, clock = _train(every, step, seconds, 2000.0)
  # One may take longer than was guessed: the first, which is compiled.
  slack = max(0.0, seconds(0) - preview_pace._FIRST)
  assert pace.spent <= preview_pace.SHARE * clock.now + slack
  times = [time for time, _ in made]
  assert all(b - a >= every for a, b in zip(times, times[1:]))


def test_cheap_ones_come_as_often_as_they_are_asked_for():
  made, _, _ = _train(10.0, 0.5, lambda _: 0.2, 600.0)
  # The first is guessed at four seconds, a twentieth of eighty.
  assert len(made) == pytest.approx((600 - 80) / 10.5, abs=2)
  assert made[0][0] >= 80


def test_dear_ones_wait():
  made, _, clock = _train(1.0, 0.5, lambda _: 10.0, 2000.0)
  assert len(made) == pytest.approx(0.05 * clock.now / 10, abs=1)


def test_none_are_due_where_none_are_asked_for():
  assert not _train(0.0, 1.0, lambda _: 0.0, 100.0)[0]


def test_the_guess_is_of_the_same_kind_of_picture():
  clock = _Clock()
  pace = preview_pace.PreviewPace(1.0, clock=clock)
  clock.now = 100.0
  with pace.taking("field"):
    clock.now += 0.1
  clock.now = 102.0
  assert pace.due("field")
  assert pace.due("decoder")  # 4.1 s of 5.1
  clock.now = 103.0
  with pace.taking("decoder"):
    clock.now += 2.0
  clock.now = 107.0
  assert pace.due("field") and not pace.due("finish")
