"""What a run notes beside its phases: time spent, and what frames show."""

import pytest

from stylized_nerf_jax.runs import phase_clock, result_stamp, run_folder

_PHASE = "stylizer"


@pytest.fixture
def run(tmp_path):
  return run_folder.RunFolder(tmp_path)


@pytest.fixture
def clock(monkeypatch):
  """Seconds that pass between two looks at the clock."""
  now = [0.0]

  class _Time:
    step = 5.0

    @staticmethod
    def monotonic():
      now[0] += _Time.step
      return now[0]

  monkeypatch.setattr(phase_clock, "time", _Time)
  return _Time


def test_time_adds_up_over_commands(run, clock):
  with pytest.raises(KeyboardInterrupt), phase_clock.timing(run, _PHASE):
    run.begin(_PHASE, {"a": 1})
    raise KeyboardInterrupt
  clock.step = 7.0
  with phase_clock.timing(run, _PHASE):
    assert run.begin(_PHASE, {"a": 1}) == "resume"
    run.finish(_PHASE)
  again = run_folder.RunFolder(run.path)
  assert phase_clock.seconds(again, _PHASE) == pytest.approx(12.0)
  assert again.facts(_PHASE)["finished"]


def test_a_finished_phase_takes_no_more(run, clock):
  with phase_clock.timing(run, _PHASE):
    run.begin(_PHASE, {"a": 1})
    run.finish(_PHASE)
  before = (run.path / "manifest.json").read_bytes()
  with phase_clock.timing(run, _PHASE):
    pass
  assert (run.path / "manifest.json").read_bytes() == before


def test_a_phase_that_is_done_again_begins_at_nothing(run, clock):
  for inputs in ({"a": 1}, {"a": 2}):
    with phase_clock.timing(run, _PHASE):
      run.begin(_PHASE, inputs)
      run.finish(_PHASE)
  assert phase_clock.seconds(run, _PHASE) == pytest.approx(5.0)


def test_nothing_is_noted_of_what_never_began(run):
  with phase_clock.timing(run, _PHASE):
    pass
  assert run.facts(_PHASE) == {}
  assert phase_clock.seconds(run, _PHASE) is None


def test_frames_are_of_the_run_until_it_is_trained_on(run):
  folder = run.path / "evaluation"
  assert result_stamp.state(folder, run) == result_stamp.UNKNOWN
  run.begin(_PHASE, {"a": 1})
  run.finish(_PHASE)
  result_stamp.begin(folder, run)
  assert result_stamp.state(folder, run) == result_stamp.HALF
  result_stamp.finish(folder, run)
  assert result_stamp.state(folder, run) == result_stamp.PRESENT
  run.begin(_PHASE, {"a": 2})
  assert result_stamp.state(folder, run) == result_stamp.EARLIER
  run.finish(_PHASE)
  assert result_stamp.state(folder, run) == result_stamp.EARLIER


def test_a_damaged_note_says_nothing(run):
  folder = run.path / "videos"
  result_stamp.finish(folder, run)
  (folder / "rendered_from.json").write_text("[]")
  assert result_stamp.state(folder, run) == result_stamp.UNKNOWN
