"""Time left over all phases: additive, in proportion, and near to measured."""

import ml_collections
import numpy as np
import pytest

from stylized_nerf_jax import defaults
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.runs import outlook, run_folder
from stylized_nerf_jax.scenes import cameras as cameras_lib

# Steps and walls of `fern` (docs and README: 17 views, three paintings).
_FERN = {"radiance_field": 517.3, "stylizer": 359.5, "mutual_learning": 700.8}


class _Record:
  def __init__(self, views, width, height):
    one = cameras_lib.Camera(np.eye(4), 9.0, 9.0, 1.0, 1.0, width, height)
    self._cameras = cameras_lib.Cameras.from_list([one] * views)

  def split(self, name):
    assert name == "train"
    return self._cameras


def _config(**changes):
  config = defaults.get_config()
  config.update_from_flattened_dict(
    {name.replace("__", "."): value for name, value in changes.items()}
  )
  return ml_collections.FrozenConfigDict(config)


def _outlook(config, phases=run_folder.PHASES[:3]):
  return outlook.Outlook(config, _Record(17, 504, 378), 3, phases)


def test_the_shares_of_a_measured_run_are_met():
  config = _config(
    radiance_field__steps=4000,
    stylizer__steps=120,
    mutual_learning__steps=2000,
    mutual_learning__patch_steps=500,
  )
  found = _outlook(config)
  pace = found.pace("radiance_field")
  each = _FERN["radiance_field"] / pace.work(4000)
  after = _FERN["stylizer"] + _FERN["mutual_learning"]
  assert pace.later(each) == pytest.approx(after, rel=0.35)
  then = found.pace("stylizer").later(each)
  assert then == pytest.approx(_FERN["mutual_learning"], rel=0.35)


def test_work_is_that_of_the_steps_and_phases_that_are_left():
  config = _config()
  steps = outlook.steps_of(config, "mutual_learning")
  assert steps == config.mutual_learning.steps + (
    config.mutual_learning.patch_steps
  )
  all_of_it = _outlook(config)
  for phase in run_folder.PHASES[:3]:
    work = all_of_it.pace(phase).work
    amounts = [work(n) for n in range(outlook.steps_of(config, phase) + 1)]
    assert amounts[0] == 0 and (np.diff(amounts) > 0).all()
  assert all_of_it.pace("mutual_learning").later(1.0) is None
  one = _outlook(config, ("radiance_field",)).pace("radiance_field")
  assert one.later(1.0) is None
  two = _outlook(config, run_folder.PHASES[:2]).pace("radiance_field")
  three = all_of_it.pace("radiance_field")
  assert three.later(1.0) == pytest.approx(
    two.later(1.0) + all_of_it.pace("stylizer").later(1.0)
  )
  assert three.later(2.0) == pytest.approx(2 * three.later(1.0))


def test_a_bar_tells_of_what_comes_after_it(monkeypatch, capsys):
  clock = [0.0]
  monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
  # The second half goes four times as slow.
  pace = progress.Pace(
    lambda n: n + 3.0 * max(n - 50, 0), lambda each: 600 * each
  )
  with progress.progress(100, "a", pace=pace, every=0.0) as bar:
    for seconds in (30.0, 10.0, 10.0, 10.0):  # The first step is compiled.
      clock[0] += seconds
      bar.advance(10, mimic=1.0, psnr=20.0)
  *others, last = capsys.readouterr().err.splitlines()
  assert others == [f"a: {done}/100  psnr 20" for done in (10, 20, 30)]
  assert last == (
    "a: 40/100  1/s  4 min left, about 14 min with the phases after it  psnr 20"
  )


def test_details_are_told_to_those_who_ask(capsys):
  progress.detail("blocks of 7 MiB")
  assert capsys.readouterr().err == ""
  progress.tell_details()
  try:
    progress.detail("blocks of 7 MiB")
    with progress.progress(1, "a") as bar:
      bar.advance(1, mimic=1.0)
  finally:
    progress.tell_details(False)
  told = capsys.readouterr().err
  assert "blocks of 7 MiB\n" in told and "mimic 1" in told


@pytest.mark.parametrize(
  ("seconds", "words"), [(3.4, "3 s"), (600, "10 min"), (9000, "2.5 h")]
)
def test_durations_have_few_digits(seconds, words):
  assert progress.in_words(seconds) == words


def test_a_finish_takes_its_steps_style_by_style():
  config = _config(
    mutual_learning__finish__steps=90, mutual_learning__finish__refit_steps=30
  )
  assert outlook.steps_of(config, "finish", 3) == 360
  assert outlook.steps_of(_config(), "finish", 3) == 0
  phases = ("mutual_learning", "finish")
  work = _outlook(config, phases).pace("finish").work
  amounts = np.diff([work(n) for n in range(361)])
  assert (amounts > 0).all()
  # Steps on rays and on windows, three times the same.
  assert len(np.unique(np.round(amounts))) == 2
  np.testing.assert_allclose(amounts[:120], amounts[120:240])
  later = _outlook(config, phases).pace("mutual_learning").later(1.0)
  assert later == pytest.approx(work(360))
