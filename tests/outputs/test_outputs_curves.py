"""Curves of metrics: what counts where a run wrote a step twice."""

import sys

import numpy as np
from PIL import Image

from stylized_nerf_jax.cli import main as cli
from stylized_nerf_jax.outputs import curves
from stylized_nerf_jax.training import metric_log


def row(step, phase="one", **values):
  return {"phase": phase, "step": step, **values}


def test_the_last_writing_of_a_step_counts():
  rows = [row(step, loss=1.0 * step) for step in (1, 2, 3, 4)]
  # Killed, and resumed at step 2.
  rows += [row(3, loss=30.0), row(3, "two", loss=7.0), row(5, loss=None)]
  found = curves.curves(rows)
  assert found == {
    ("one", "loss"): [(1, 1.0), (2, 2.0), (3, 30.0)],
    ("two", "loss"): [(3, 7.0)],
  }


def test_the_command_draws_a_run(tmp_path, capsys):
  log = metric_log.MetricLog(tmp_path / "metrics.jsonl")
  for step in range(1, 40):
    log.write(phase="radiance_field", step=step, loss=1.0 / step**3, psnr=step)
  log.write(phase="stylizer", step=1, content=float("nan"), style=2.0)
  for arguments in ([], ["--out", str(tmp_path / "new" / "x.png")]):
    assert cli.main(["plot", str(tmp_path), *arguments]) == 0
  assert str(tmp_path / "metrics.png") in capsys.readouterr().out
  for path in (tmp_path / "metrics.png", tmp_path / "new" / "x.png"):
    with Image.open(path) as picture:
      assert picture.width > 400 and len(np.unique(np.asarray(picture))) > 10


def test_what_matters_is_drawn_unless_all_is_asked_for(tmp_path, capsys):
  log = metric_log.MetricLog(tmp_path / "metrics.jsonl")
  for step in (1, 2):
    log.write(phase="radiance_field", step=step, loss=1, psnr=2, mse=3)
    log.write(phase="radiance_field", step=step, test_psnr=4, memory_mib=5)
    log.write(phase="stylizer", step=step, loss=1, seconds_per_step=6, clip=7)
  found = curves.curves(log.read())
  panels = curves.main_panels(found)
  assert [(p.title, list(p.curves)) for p in panels] == [
    ("radiance_field: PSNR, dB", ["training rays", "held-out views"]),
    ("stylizer: loss", ["of what is trained"]),
    ("stylizer: seconds a step", [""]),
  ]
  assert cli.main(["plot", str(tmp_path)]) == 0
  with Image.open(tmp_path / "metrics.png") as picture:
    few = picture.size
  assert "--all draws the 4 other curves" in capsys.readouterr().out
  assert cli.main(["plot", "--all", str(tmp_path)]) == 0
  with Image.open(tmp_path / "metrics.png") as picture:
    assert picture.height > few[1]
  assert "other curves" not in capsys.readouterr().out


def test_a_run_with_none_of_these_is_drawn_as_it_is(tmp_path):
  rows = [row(1, mse=1.0), row(2, mse=2.0)]
  assert curves.save_curves(rows, tmp_path / "x.png") == 0


def test_what_cannot_be_drawn_is_one_line(tmp_path, capsys, monkeypatch):
  assert cli.main(["plot", str(tmp_path)]) == 2
  assert "has no metrics.jsonl" in capsys.readouterr().err
  (tmp_path / "metrics.jsonl").write_text("")
  assert cli.main(["plot", str(tmp_path)]) == 2
  assert "no metrics yet" in capsys.readouterr().err
  assert cli.main(["plot", str(tmp_path), "--out=x.pdf"]) == 2
  assert "ends in .png" in capsys.readouterr().err
  monkeypatch.setitem(sys.modules, "matplotlib", None)
  assert cli.main(["plot", str(tmp_path)]) == 2
  message = capsys.readouterr().err
  assert "stylized-nerf-jax[plot]" in message and message.count("\n") == 1
