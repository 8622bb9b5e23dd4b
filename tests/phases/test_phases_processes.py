"""All phases of a tiny run in two processes, one of which is killed."""

import json
import pathlib
import re
import signal
import time

import jax
import numpy as np
import process_pair
import pytest
import tiny_run

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax.host import interruption, processes
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.training import checkpoints

_TIMEOUT = 1800.0  # seconds
_STEPS = 6

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def config(tmp_path_factory, small_weights) -> pathlib.Path:
  path = tmp_path_factory.mktemp("config") / "config.json"
  tiny = tiny_run.make_config(
    small_weights,
    radiance_field__steps=_STEPS,
    # Neither rays nor groups of patches divide evenly.
    radiance_field__rays_per_step=62,
    mutual_learning__rays_per_step=62,
    # The rate of a preset: that of other tests tells decoders apart.
    mutual_learning__decoder_learning_rate=1e-4,
  )
  config_lib.save(tiny, path)
  return path


def _train(folder, config, run, count=2, *more):
  command = [str(pathlib.Path(tiny_run.__file__)), "train"]
  command += [f"--config={config}", f"--workdir={run}", *more]
  if count > 1:
    command += ["--coordinator", "{coordinator}", "--processes", "{count}"]
    command += ["--process", "{index}"]
  return process_pair.Pair(folder, command, count)


def _assert_ends(pair, status):
  found = pair.wait(_TIMEOUT)
  texts = [pair.text(i) for i in range(len(found))]
  assert found == [status] * len(found), "\n".join(texts)
  return texts


def _await_checkpoint(pair, run, step) -> None:
  path = run / "radiance_field" / "checkpoints" / str(step)
  stop = time.monotonic() + _TIMEOUT
  while not path.exists():
    assert time.monotonic() < stop and pair.processes[0].poll() is None, (
      pair.text(0)
    )
    time.sleep(0.02)


def _newest(run) -> int:
  store = checkpoints.Checkpoints(run / "radiance_field" / "checkpoints")
  step = store.latest_step()
  store.close()
  return step


@pytest.fixture(scope="module")
def runs(tmp_path_factory, config) -> dict[int, pathlib.Path]:
  """A run by one process with four devices, and one by two with two each.

  One of the two processes is killed on the way, and both are stopped by a
  signal to the other later on.
  """
  folder = tmp_path_factory.mktemp("runs")
  found = {count: folder / f"run{count}" for count in (1, 2)}
  with _train(folder, config, found[1], 1) as pair:
    _assert_ends(pair, 0)
  with _train(folder, config, found[2]) as pair:
    _await_checkpoint(pair, found[2], 1)
    pair.processes[1].kill()
    assert pair.processes[0].wait(60) == processes.EXIT_STATUS, pair.text(0)
    assert "process 1 has ended" in pair.text(0)
  step = _newest(found[2])
  assert step >= 1
  (folder / "killed_after").write_text(str(step))
  with _train(folder, config, found[2]) as pair:
    text = ""
    while "encoding training views" not in text:
      assert pair.processes[0].poll() is None, text
      time.sleep(0.02)
      text = pair.text(0)
    assert f"radiance_field: resuming at step {step}" in text
    pair.processes[1].send_signal(signal.SIGTERM)
    texts = _assert_ends(pair, interruption.EXIT_STATUS)
  stops = [
    re.search(r"stopped by SIGTERM (.*); everything", text)[1] for text in texts
  ]
  assert stops[0] == stops[1]
  with _train(folder, config, found[2]) as pair:
    _assert_ends(pair, 0)
  return found


def test_two_processes_train_what_one_does(runs):
  one, two = (run_folder.RunFolder(runs[count]) for count in (1, 2))
  scores = [
    run.facts("radiance_field")["scores"]["test_psnr"] for run in (one, two)
  ]
  assert abs(scores[0] - scores[1]) < 0.05
  for phase in run_folder.PHASES:
    assert two.facts(phase)["finished"]
    assert one.facts(phase)["fingerprint"] == two.facts(phase)["fingerprint"]


def test_one_process_writes_metrics(runs):
  rows = {}
  for count, run in runs.items():
    lines = (run / "metrics.jsonl").read_text().splitlines()
    last = [json.loads(line) for line in lines]
    rows[count] = {
      (row["phase"], row["step"]): row["loss"] for row in last if "loss" in row
    }
  # A kill between a checkpoint and its line loses the line.
  killed_after = int((runs[2].parent / "killed_after").read_text())
  lost = {("radiance_field", killed_after)}
  assert set(rows[1]) - set(rows[2]) <= lost
  for name in set(rows[1]) & set(rows[2]):
    np.testing.assert_allclose(rows[2][name], rows[1][name], rtol=0.01)


def test_one_process_goes_on_where_two_stopped(runs, config, tmp_path):
  with _train(tmp_path, config, runs[2], 1) as pair:
    (text,) = _assert_ends(pair, 0)
  for phase in run_folder.PHASES:
    assert f"{phase}: finished before, nothing to do" in text


def test_a_wrong_scene_ends_both(runs, config, tmp_path):
  scene = tiny_run.write_transforms(tmp_path / "other")
  more = f"--config.scene.path={scene}"
  with _train(tmp_path, config, runs[2], 2, more) as pair:
    pair.wait(_TIMEOUT)
    texts = [pair.text(0), pair.text(1)]
    statuses = [process.returncode for process in pair.processes]
  assert set(statuses) <= {2, processes.EXIT_STATUS} and 2 in statuses, texts
  assert any("use another --workdir for it" in text for text in texts)
  assert jax.process_count() == 1
