"""Keys, metrics and progress: small things that training leaves behind."""

import json
import time

import jax
import numpy as np
import pytest

from stylized_nerf_jax.training import metric_log, prng, progress


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
    clock[0] += 5
    bar.advance(5, loss=1.0)
    assert capsys.readouterr().err == ""
    clock[0] += 5
    bar.advance(5, loss=0.12345)
    line = capsys.readouterr().err
    assert line == "training: 20/40  1/s  20 s left  loss 0.1235\n"
    clock[0] += 1
    bar.advance(20)
    assert capsys.readouterr().err.startswith("training: 40/40")
  assert capsys.readouterr().err == ""


@pytest.mark.parametrize("message", ["resuming at step 3", ""])
def test_messages_are_one_line_on_stderr(capsys, message):
  progress.say(message)
  captured = capsys.readouterr()
  assert (captured.out, captured.err) == ("", f"{message}\n")
