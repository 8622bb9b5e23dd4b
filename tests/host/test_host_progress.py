"""What is told to whom, and how long things take by it."""

import re

import pytest

from stylized_nerf_jax.host import progress


def test_what_takes_much_room_is_told_to_everybody(capsys):
  """The rest only to those who asked for details."""
  progress.on_disk("little", 2**20)
  progress.on_disk("much", 2**30)
  assert capsys.readouterr().err.splitlines() == ["much"]


@pytest.fixture
def clock(monkeypatch):
  """Time that passes where a test says so: a list of one number."""
  now = [0.0]
  monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
  return now


def _lines(capsys):
  return capsys.readouterr().err.splitlines()


def test_what_compiles_is_no_pace(clock, capsys):
  """Neither the first call nor another that is slow, wherever it comes."""
  bar = progress.Progress(1000, "steps")
  for seconds in (60, 1, 1, 30, *(1,) * 12):
    clock[0] += seconds
    bar.advance(10)
  first, *others = _lines(capsys)
  assert first == "steps: 10/1000"
  for line in others:
    done = int(re.search(r"(\d+)/1000", line)[1])
    assert "10/s" in line
    assert f"{progress.in_words((1000 - done) / 10)} left" in line
  assert len(others) == 2


def test_two_calls_say_nothing_of_the_pace(clock, capsys):
  bar = progress.Progress(360, "finish")
  bar.advance(0)  # What was done before, which is nothing.
  for seconds in (13, 20):
    clock[0] += seconds
    bar.advance(1)
  assert _lines(capsys) == ["finish: 1/360", "finish: 2/360"]


def test_calls_of_no_steps_are_none(clock, capsys):
  """As where a phase tells what of a style was done before."""
  bar = progress.Progress(100, "finish", every=0.0)
  for steps in (1, 0, 5, 0, 0):
    clock[0] += 10
    bar.advance(steps)
  assert _lines(capsys)[-1] == "finish: 6/100"


def test_all_in_one_call_is_told_with_what_it_took(clock, capsys):
  bar = progress.Progress(10, "frames")
  clock[0] += 5
  bar.advance(10)
  assert _lines(capsys) == ["frames: 10/10  2/s  0 s left"]


def test_time_follows_the_work_of_steps_and_what_comes_later(clock, capsys):
  """The last 50 steps are worth three each, and a minute comes after."""
  pace = progress.Pace(
    lambda step: step + 2 * max(0, step - 50), lambda each: 60 * each
  )
  bar = progress.Progress(100, "steps", pace=pace, every=1e9)
  for _ in range(5):
    clock[0] += 10
    bar.advance(10)
  assert bar._left(clock[0]) == pytest.approx(150)
  assert bar._in_all(clock[0]) == "about 4 min with the phases after it"
