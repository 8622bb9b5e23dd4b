"""What happens to training: signals, damage, numbers that are not finite."""

import contextlib
import json
import os
import shutil
import signal
import time

import jax.numpy as jnp
import numpy as np
import pytest
from test_phases_pipeline import _assert_equal, _config, _cut_off, _final

from stylized_nerf_jax.cli import main as cli
from stylized_nerf_jax.host import disk, interruption
from stylized_nerf_jax.phases import pipeline
from stylized_nerf_jax.runs import loop_keeper, run_folder, run_lock
from stylized_nerf_jax.training import guard

_ITEMS = ("params", "optimizer")


@contextlib.contextmanager
def _signalled():
  """Sends a signal during the first step that a training loop takes."""
  after = loop_keeper.LoopKeeper.after

  def send_first(self, before, step, save):
    os.kill(os.getpid(), signal.SIGTERM)
    while not interruption.asked():
      time.sleep(0.01)
    after(self, before, step, save)

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(loop_keeper.LoopKeeper, "after", send_first)
    yield


def _begin_again(run, phase) -> None:
  """Takes from a run all that a phase has made."""
  shutil.rmtree(run / phase / "checkpoints")
  manifest = json.loads((run / "manifest.json").read_text())
  manifest["phases"][phase]["finished"] = False
  (run / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
  "phase",
  [
    "radiance_field",
    pytest.param("stylizer", marks=pytest.mark.slow),
    pytest.param("mutual_learning", marks=pytest.mark.slow),
  ],
)
def test_a_signal_loses_nothing(finished_run, run_copy, phase):
  config = _config(run_copy, **{f"{phase}__checkpoint_every": 1000})
  _begin_again(run_copy, phase)
  where = f"stopped by SIGTERM after step 1 of {phase}"
  with _signalled(), pytest.raises(interruption.Interrupted, match=where):
    pipeline.train(config, run_copy, phase=phase)
  assert _final(run_copy, phase)[0] == 1
  assert not run_folder.RunFolder(run_copy).facts(phase)["finished"]
  pipeline.train(config, run_copy, phase=phase)
  for name in _ITEMS:
    _assert_equal(
      _final(run_copy, phase, name)[1], _final(finished_run, phase, name)[1]
    )


def _flip(folder) -> None:
  """Flips a bit in the largest file of a checkpoint."""
  path = max(
    (p for p in folder.rglob("*") if p.is_file()),
    key=lambda p: p.stat().st_size,
  )
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)


def test_a_resumed_run_goes_on_from_the_checkpoint_before_a_damaged_one(
  finished_run, run_copy, capsys
):
  phase = "radiance_field"
  newest = run_copy / phase / "checkpoints" / "2"
  # Finished, and yet the end of it is made again: later phases need it.
  _flip(newest)
  pipeline.train(_config(run_copy), run_copy, phase=phase)
  told = capsys.readouterr().err
  assert "checkpoints/2 is damaged" in told
  assert f"{phase}: the end of it is made again" in told
  assert f"{phase}: resuming at step 1" in told
  for name in _ITEMS:
    step, found = _final(run_copy, phase, name)
    assert step == 2
    _assert_equal(found, _final(finished_run, phase, name)[1])
  assert len(list((run_copy / phase / "damaged").iterdir())) == 1
  assert run_folder.RunFolder(run_copy).facts(phase)["finished"]


def test_from_scratch_moves_and_deletes_nothing(finished_run, run_copy, capsys):
  phase = "radiance_field"
  config = run_copy / "config.json"
  arguments = [f"--config={config}", f"--workdir={run_copy}"]
  options = [f"--phase={phase}", "--from-scratch"]
  assert cli.main(["train", *arguments, *options]) == 0
  assert f"{phase}: from scratch; what was there" in capsys.readouterr().err
  aside = run_copy / "replaced" / f"{phase}-0"
  for path in (finished_run / phase).rglob("*"):
    moved = aside / path.relative_to(finished_run / phase)
    assert moved.is_dir() == path.is_dir()
    assert path.is_dir() or moved.read_bytes() == path.read_bytes()
  _assert_equal(_final(run_copy, phase)[1], _final(finished_run, phase)[1])
  # Later phases were made from an equal result: they are as they were.
  assert run_folder.RunFolder(run_copy).facts("stylizer")["finished"]


def test_a_run_ends_when_its_losses_stay_not_finite(
  run_copy, monkeypatch, capsys
):
  from stylized_nerf_jax.losses import photometric

  phase = "radiance_field"
  _cut_off(run_copy, phase)
  monkeypatch.setattr(
    photometric, "distortion_loss", lambda *_: jnp.float32(np.nan)
  )
  config = _config(run_copy, training__skipped_in_a_row=1)
  before = _final(run_copy, phase)
  with pytest.raises(guard.NotFiniteError, match="first distortion"):
    pipeline.train(config, run_copy, phase=phase)
  assert before[0] == _final(run_copy, phase)[0] == 1
  _assert_equal(before[1], _final(run_copy, phase)[1])
  # With more patience the step is skipped, and said to be so.
  config = _config(run_copy, training__skipped_in_a_row=5)
  pipeline.train(config, run_copy, phase=phase)
  step, params = _final(run_copy, phase)
  assert step == 2
  _assert_equal(before[1], params)
  rows = run_folder.RunFolder(run_copy).metrics.read()
  rows = [row for row in rows if "skipped" in row and row["phase"] == phase]
  assert rows[-1]["skipped"] == 1 and rows[-1]["loss"] is None
  assert rows[0]["skipped"] == 0 and rows[0]["rays_per_second"] > 0


def test_a_locked_run_is_refused_in_one_line(run_copy, capsys):
  arguments = [f"--config={run_copy / 'config.json'}", f"--workdir={run_copy}"]
  with run_lock.hold(run_copy):
    assert cli.main(["train", *arguments]) == 2
  message = capsys.readouterr().err
  assert "in use by process" in message and message.count("\n") == 1


def test_a_full_disk_is_one_line_and_the_run_goes_on_later(
  finished_run, run_copy, monkeypatch, capsys
):
  phase = "radiance_field"
  _cut_off(run_copy, phase)
  write = run_folder.metric_log.MetricLog.write

  def full(self, **_):
    with disk.writing(self._path):
      raise OSError(28, "No space left on device")

  monkeypatch.setattr(run_folder.metric_log.MetricLog, "write", full)
  arguments = [f"--config={run_copy / 'config.json'}", f"--workdir={run_copy}"]
  arguments.append(f"--phase={phase}")
  assert cli.main(["train", *arguments]) == 2
  last = capsys.readouterr().err.splitlines()[-1]
  assert f"no space left to write {run_copy / 'metrics.jsonl'}" in last
  monkeypatch.setattr(run_folder.metric_log.MetricLog, "write", write)
  assert cli.main(["train", *arguments]) == 0
  _assert_equal(_final(run_copy, phase)[1], _final(finished_run, phase)[1])


def test_checkpoints_are_due_by_steps_and_by_minutes(monkeypatch):
  clock = [0.0]
  monkeypatch.setattr(loop_keeper.time, "monotonic", lambda: clock[0])
  options = _Options(checkpoint_minutes=2.0)
  keeper = loop_keeper.LoopKeeper("a", None, options, every=10)
  saved = []
  for step in range(30):
    clock[0] += 30.0 if step >= 12 else 1.0
    keeper.after(step, step + 1, lambda step=step: saved.append(step + 1))
  assert saved == [10, 16, 20, 24, 28, 30]
  keeper = loop_keeper.LoopKeeper(
    "a", None, _Options(checkpoint_minutes=0.0), every=1000
  )
  clock[0] += 1e9
  keeper.after(0, 1, lambda: pytest.fail("no interval was asked for"))


class _Options:
  skipped_in_a_row = 5

  def __init__(self, checkpoint_minutes):
    self.checkpoint_minutes = checkpoint_minutes
