"""Keys, metrics and progress: small things that training leaves behind."""

import errno
import json
import sys
import time

import jax
import numpy as np
import pytest

from stylized_nerf_jax.host import disk, progress
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.training import metric_log


def data(seed, name):
  return tuple(np.asarray(jax.random.key_data(prng.stream_key(seed, name))))


def test_streams_depend_on_seed_and_name_and_on_nothing_else():
  names = ("radiance_field", "stylizer", "mutual_learning")
  keys = {data(seed, name) for seed in (0, 1) for name in names}
  assert len(keys) == 6
  assert data(1, "stylizer") == data(1, "stylizer")


def test_streams_are_the_same_in_every_version():
  """A resumed run draws what the interrupted one would have drawn."""
  assert data(0, "stylizer") == (4293762088, 1186770250)


def test_metrics_come_back_and_cut_lines_do_not(tmp_path):
  path = tmp_path / "metrics.jsonl"
  log = metric_log.MetricLog(path)
  assert log.read() == []
  log.write(phase="one", step=np.int32(5), loss=np.float32(0.5), psnr=20)
  with path.open("a") as file:
    file.write('{"phase": "one", "st')
  log = metric_log.MetricLog(path)
  log.write(phase="one", step=6, loss=float("nan"), psnr=float("inf"))
  log.write(phase="two", step=7, loss=jax.numpy.ones(()))
  assert log.read() == [
    {"phase": "one", "step": 5, "loss": 0.5, "psnr": 20.0},
    {"phase": "one", "step": 6, "loss": None, "psnr": None},
    {"phase": "two", "step": 7, "loss": 1.0},
  ]


def test_every_complete_line_is_strict_json(tmp_path):
  path = tmp_path / "metrics.jsonl"
  metric_log.MetricLog(path).write(phase="a", step=1, loss=float("nan"))

  def refuse(name):
    raise AssertionError(f"{name} is no JSON")

  json.loads(path.read_text(), parse_constant=refuse)


def test_progress_prints_lines_where_there_is_no_terminal(capsys, monkeypatch):
  clock = [100.0]
  monkeypatch.setattr(time, "monotonic", lambda: clock[0])
  with progress.progress(40, "training", initial=10) as bar:
    for _ in range(4):
      assert capsys.readouterr().err == ""
      clock[0] += 2.5
      bar.advance(2, loss=0.12345)
    line = capsys.readouterr().err
    assert line == "training: 18/40  0.8/s  28 s left  loss 0.1235\n"
    clock[0] += 1
    bar.advance(22)
    assert capsys.readouterr().err.startswith("training: 40/40")
  assert capsys.readouterr().err == ""


@pytest.mark.parametrize("message", ["resuming at step 3", ""])
def test_messages_are_one_line_on_stderr(capsys, message):
  progress.say(message)
  captured = capsys.readouterr()
  assert (captured.out, captured.err) == ("", f"{message}\n")


def test_metrics_go_to_tensorboard_too(tmp_path):
  log = metric_log.MetricLog(tmp_path / "metrics.jsonl")
  log.mirror_to_tensorboard()
  log.mirror_to_tensorboard()
  log.write(phase="stylizer", step=3, loss=np.float32(0.5))
  log._board.close()  # as the end of the process does
  (events,) = (tmp_path / "tensorboard").iterdir()
  assert b"stylizer/loss" in events.read_bytes()
  assert log.read() == [{"phase": "stylizer", "step": 3, "loss": 0.5}]


def test_a_missing_tensorboard_is_named(tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, "tensorboardX", None)
  log = metric_log.MetricLog(tmp_path / "metrics.jsonl")
  with pytest.raises(ValueError, match=r"stylized-nerf-jax\[tensorboard\]"):
    log.mirror_to_tensorboard()


@pytest.mark.parametrize(
  "error",
  [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EFBIG, "File too large"),
    OSError("1024 requested and 0 written"),
    RuntimeError("RESOURCE_EXHAUSTED: write: No space left on device"),
  ],
)
def test_a_full_disk_is_one_error_whoever_says_so(error):
  def later():
    try:
      raise error
    except type(error) as cause:
      raise ValueError("saving failed") from cause

  with (
    pytest.raises(disk.DiskFullError, match="no space left to write a/b:"),
    disk.writing("a/b"),
  ):
    later()


def test_other_errors_pass_a_full_disk_by():
  with pytest.raises(PermissionError), disk.writing("a"):
    raise PermissionError(errno.EACCES, "Permission denied")
