"""Previews of a run in training: what they show, and that nothing changes."""

import json

import jax
import numpy as np
import pytest
import tiny_run
from PIL import Image

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.phases import pipeline
from stylized_nerf_jax.phases import previews as previews_lib
from stylized_nerf_jax.runs import preview_pace

_PICTURES = {f"{name}.jpg" for name in (*tiny_run.STYLES, "photographed")}


@pytest.fixture(scope="module")
def shown_run(small_weights, tmp_path_factory):
  """A tiny run with a preview after every step."""
  run = tmp_path_factory.mktemp("previews") / "run"
  config = tiny_run.make_config(
    small_weights, previews__every_seconds=1e-6, previews__size=20
  )
  with pytest.MonkeyPatch.context() as patch:
    tiny_run.small_networks(patch)
    patch.setattr(preview_pace, "SHARE", 1e9)
    pipeline.train(config, run)
  return run


def test_training_comes_to_the_same_bits(shown_run, finished_run):
  with_them = model_lib.StylizedNerf.load(shown_run)
  without = model_lib.StylizedNerf.load(finished_run)
  jax.tree.map(np.testing.assert_array_equal, with_them.params, without.params)
  phases = [
    json.loads((run / "manifest.json").read_text())["phases"]
    for run in (shown_run, finished_run)
  ]
  assert {k: e["fingerprint"] for k, e in phases[0].items()} == {
    k: e["fingerprint"] for k, e in phases[1].items()
  }


def test_every_phase_shows_every_painting_small(shown_run):
  folders = {p.name: p for p in (shown_run / "previews").iterdir()}
  assert folders.pop("latest.jpg").stat().st_size > 500
  # Of mutual learning's two steps on rays and patches, and the finish's four.
  assert sorted(folders) == [
    *(f"finish-{i:06d}" for i in (1, 2, 3, 4)),
    *(f"mutual_learning-{i:06d}" for i in (1, 2)),
    *(f"radiance_field-{i:06d}" for i in (1, 2)),
    *(f"stylizer-{i:06d}" for i in (1, 2)),
  ]
  for name, folder in folders.items():
    files = {file.name for file in folder.iterdir()}
    if name.startswith("radiance_field"):
      # They are not the run's own painting yet.
      files = {file.replace("-2D", "") for file in files}
    assert files == _PICTURES
    for file in folder.iterdir():
      with Image.open(file) as picture:
        assert max(picture.size) == 20


def _read(run, name):
  with Image.open(run / "previews" / name) as picture:
    return np.asarray(picture, np.float32) / 255


def test_pictures_are_those_that_the_model_renders(shown_run, small_networks):
  """But for JPEG: the last of the field is the finished field's."""
  model = model_lib.StylizedNerf.load(shown_run)
  cameras = model.scene.split("train")
  camera = cameras[len(cameras) // 2]
  camera = camera.scaled(20 / max(camera.width, camera.height))
  field = _read(shown_run, "radiance_field-000002/photographed.jpg")
  assert np.abs(field - model.render(camera).rgb).mean() < 0.02
  last = tiny_run.STYLES[-1]
  finished = _read(shown_run, f"finish-000004/{last}.jpg")
  rendered = model.render(camera, last, transfer="none").rgb
  assert np.abs(finished - rendered).mean() < 0.02


def test_a_finished_style_stays_in_the_sheets_of_the_next(shown_run):
  first = tiny_run.STYLES[0]
  one = _read(shown_run, f"finish-000002/{first}.jpg")
  other = _read(shown_run, f"finish-000004/{first}.jpg")
  np.testing.assert_array_equal(one, other)


def test_a_resumed_phase_goes_on_with_them(
  small_weights, small_networks, tmp_path, monkeypatch
):
  monkeypatch.setattr(preview_pace, "SHARE", 1e9)
  config = tiny_run.make_config(
    small_weights, previews__every_seconds=1e-6, previews__size=20
  )
  save = previews_lib.Previews._write

  def killed(self, phase, step, shown):
    save(self, phase, step, shown)
    raise KeyboardInterrupt

  with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
    patch.setattr(previews_lib.Previews, "_write", killed)
    pipeline.train(config, tmp_path, phase="radiance_field")
  pipeline.train(config, tmp_path, phase="radiance_field")
  names = {path.name for path in (tmp_path / "previews").iterdir()}
  assert {"radiance_field-000001", "radiance_field-000002"} <= names


def test_a_full_disk_ends_previews_and_not_training(
  small_weights, small_networks, tmp_path, monkeypatch, capsys
):
  monkeypatch.setattr(preview_pace, "SHARE", 1e9)
  config = tiny_run.make_config(
    small_weights, previews__every_seconds=1e-6, previews__size=20
  )

  def full(*_, **__):
    raise OSError(28, "No space left on device")

  monkeypatch.setattr(previews_lib.image_writer, "save_image", full)
  pipeline.train(config, tmp_path, phase="radiance_field")
  assert capsys.readouterr().err.count("no space left for previews") == 1
  assert not list((tmp_path / "previews").glob("radiance_field*"))


def test_there_are_none_unless_they_are_asked_for(finished_run):
  assert not (finished_run / "previews").exists()
