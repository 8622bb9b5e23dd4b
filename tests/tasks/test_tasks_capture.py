"""Captures of real photographs, whole, stopped, and as a video."""

import json

import icc_profiles
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.captures import mapping, sources, structure
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.evaluation import pose_errors
from stylized_nerf_jax.outputs import video
from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.scenes.readers.formats import load_scene
from stylized_nerf_jax.tasks import capture

pytestmark = pytest.mark.real_data
pytest.importorskip("pycolmap")

_P3 = icc_profiles.rgb("display_p3", 2.2)


def _errors(scene, reference):
  """Compares the cameras of images by their order."""
  assert len(scene) == len(reference)
  return pose_errors.compare(scene.cameras, reference.cameras)


def _copy(real_data, folder, numbers, size=None):
  """Copies photographs of fern; returns the folder."""
  folder.mkdir()
  for i in numbers:
    source = real_data / "scenes" / "fern" / "images_8" / f"image{i:03d}.png"
    if not source.exists():
      source = source.with_suffix(".jpg")
    with Image.open(source) as image:
      image = image.convert("RGB").resize(size or image.size)
      image.save(folder / f"{i:03d}.jpg", quality=95)
  return folder


@pytest.fixture
def five(real_data, tmp_path):
  """Folder of five photographs of fern, 504 x 378, and their cameras."""
  numbers = [0, 2, 3, 6, 7]
  reference = load_scene(real_data / "scenes" / "fern", downsample=8)
  reference = reference.cameras[np.array(numbers)]
  return _copy(real_data, tmp_path / "photos", numbers), reference


def test_a_capture_that_was_stopped_goes_on(five, tmp_path, monkeypatch, capfd):
  photos, reference = five
  with Image.open(photos / "003.jpg") as image:
    image.load()
  image.save(photos / "003.jpg", quality=95, icc_profile=_P3)
  out = tmp_path / "scene"
  searched, compared = [], []
  find, match = structure.find_features, structure.match

  def interrupted(work, images, names, advance, *, threads):
    find(work, images, names[:2], advance, threads=threads)
    raise KeyboardInterrupt

  def counted(work, images, names, advance, *, threads):
    searched.extend(names)
    find(work, images, names, advance, threads=threads)

  def stopped(work, pairs, advance, *, threads):
    compared.append(len(pairs))
    if len(compared) == 1:
      match(work, pairs[:4], advance, threads=threads)
      raise KeyboardInterrupt
    match(work, pairs, advance, threads=threads)

  command = ["capture", str(photos), f"--out={out}", "--threads=2"]
  monkeypatch.setattr(structure, "find_features", interrupted)
  monkeypatch.setattr(structure, "match", stopped)
  assert main.main(command) == 130
  monkeypatch.setattr(structure, "find_features", counted)
  assert main.main(command) == 130
  assert len(searched) == 3
  assert main.main(command) == 0
  assert len(searched) == 3 and compared == [10, 6]
  printed = capfd.readouterr()
  assert "5 of 5 photographs have a camera" in printed.out
  line = "converted from display_p3 to sRGB: 1 of 5 photographs"
  assert line in printed.out and line in printed.err
  assert json.loads((out / "capture.json").read_text())["messages"] == [line]
  assert "5 photographs of 504x378; 10 pairs to compare; " in printed.err
  # No flood: bars, one line of what is to be done a run, and the two stops.
  assert len(printed.err.splitlines()) < 40 and "colmap" not in printed.err
  # Done is done.
  monkeypatch.setattr(mapping, "find_cameras", None)
  assert main.main(command) == 0
  assert capfd.readouterr().out == printed.out
  scene = load_scene(out)
  # Its own files are nothing to be told of.
  assert scene.messages == ()
  errors = pose_errors.compare(scene.cameras, reference)
  # Five small photographs leave focal length and depth loose.
  assert errors.rotations.max() < 3 and errors.centers.max() < 0.1
  assert scene.layout == "forward_facing"
  assert normalization.normalize_scene(scene).space.kind == "ndc"
  assert np.linalg.norm(scene.cameras.centers, axis=-1).max() <= 1 + 1e-6
  with Image.open(out / "capture.png") as picture:
    assert picture.width == 840
  assert not (out / "colmap" / "database.db").exists()
  colmap = load_scene(out, format="colmap")
  unit = json.loads((out / "capture.json").read_text())["report"]
  assert scene.near == pytest.approx(
    colmap.near * unit["file_units_per_colmap_unit"]
  )


@pytest.mark.slow
def test_fern_agrees_with_llff(real_data, tmp_path):
  source = real_data / "scenes" / "fern"
  out = tmp_path / "scene"
  report = capture.capture(source / "images_4", out, threads=2)
  assert report[0].startswith("20 of 20 photographs have a camera")
  assert 'it trains in the space "ndc"' in report[1]
  scene, reference = load_scene(out), load_scene(source, downsample=4)
  errors = _errors(scene, reference)
  assert errors.rotations.max() < 1
  assert errors.centers.max() < 0.02
  # Up is up, to the degrees that hands hold a telephone level.
  assert (scene.cameras.camera_to_world[:, 2, 1] > 0.97).all()
  scale = errors.alignment.scale
  assert scene.near * scale == pytest.approx(reference.near, rel=0.2)
  assert scene.far * scale == pytest.approx(reference.far, rel=0.2)
  assert main.main(["inspect", str(out), "--downsample=4"]) == 0


@pytest.mark.slow
def test_a_photograph_of_elsewhere_is_left_out(real_data, five, tmp_path):
  photos, _ = five
  fox = next((real_data / "scenes" / "fox" / "images").glob("*.jpg"))
  with Image.open(fox) as image:
    image.resize((270, 480)).save(photos / "zoo.jpg")
  Image.new("RGB", (504, 378), (128, 128, 128)).save(photos / "lid.jpg")
  report = capture.capture(photos, tmp_path / "scene", threads=2)
  assert report[0].startswith("5 of 7 photographs have a camera")
  assert "left out: lid.jpg, zoo.jpg" in report
  assert any("lid.jpg show nothing to hold on to" in line for line in report)
  scene = load_scene(tmp_path / "scene")
  assert len(scene) == 5
  assert (tmp_path / "scene" / "images" / "zoo.jpg").exists()


@pytest.mark.slow
def test_a_video_of_fern(real_data, tmp_path):
  photos = _copy(real_data, tmp_path / "photos", range(20))
  stills = [np.asarray(Image.open(p)) for p in sorted(photos.iterdir())]
  grey = np.full_like(stills[0], 128)
  frames = []
  for still in stills:
    blurred = (0.15 * still + 0.85 * grey).astype(np.uint8)
    frames += [blurred, still, blurred]
  path = tmp_path / "fern.mp4"
  video.write_video(path, frames, fps=6, quality=10)
  assert len(sources.open_source(path, 20).sizes) == 20
  report = capture.capture(path, tmp_path / "scene", frames=20, threads=2)
  assert "of 20 frames have a camera" in report[0]
  scene = load_scene(tmp_path / "scene")
  reference = load_scene(real_data / "scenes" / "fern", downsample=8)
  numbers = [int(name[-9:-4]) - 1 for name in scene.cameras.names]
  assert len(numbers) >= 18
  errors = pose_errors.compare(
    scene.cameras, reference.cameras[np.array(numbers)]
  )
  assert errors.rotations.max() < 2 and errors.centers.max() < 0.05
