"""Photographs of one side of a scene, which the first way does not place."""

import json

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.captures import mapping
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.evaluation import pose_errors
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.readers.formats import load_scene
from stylized_nerf_jax.scenes.synthetic import embedded

pytest.importorskip("pycolmap")

_COUNT, _STRAY = 12, 5
_SIZE = (160, 120)


@pytest.fixture
def photographs(tmp_path):
  """Folder of twelve pictures of the embedded scene, and their cameras.

  They are taken from within a disc that spans 8 degrees from the scene, all in
  one direction, and say nothing of the focal length. Five of noise are added.
  """
  folder = tmp_path / "photographs"
  folder.mkdir()
  width, height = _SIZE
  cameras = []
  for i in range(_COUNT):
    radius, turn = 0.19 * np.sqrt((i + 0.5) / _COUNT), 2.399963 * i
    center = [radius * np.cos(turn), -2.75, 1.05 + radius * np.sin(turn)]
    pose = embedded.look_at(center, np.add(center, [0, 1, -0.2]))
    camera = scene_lib.Camera(
      pose, width, width, width / 2, height / 2, width, height, name=f"{i:02d}"
    )
    color, _ = embedded.render(camera)
    pixels = np.round(255 * color).astype(np.uint8)
    Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    cameras.append(camera)
  random = np.random.default_rng(0)
  for i in range(_STRAY):
    noise = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / f"stray{i}.png")
  return folder, scene_lib.Cameras.from_list(cameras)


def test_one_side_of_a_scene_is_placed_though_the_first_way_fails(
  photographs, tmp_path, monkeypatch, capfd
):
  folder, reference = photographs
  out = tmp_path / "scene"
  command = ["capture", str(folder), f"--out={out}", "--threads=1"]
  find, tried = mapping.find_cameras, []

  def counted(work, images, way, advance, **options):
    tried.append(way)
    if tried == ["default", "small-angle", "global"]:
      raise KeyboardInterrupt
    if way == "small-angle":
      raise user_error.UserError("a way that fails leads nowhere")
    return find(work, images, way, advance, **options)

  monkeypatch.setattr(mapping, "find_cameras", counted)
  assert main.main(command) == 130
  # Goes on with the way that was stopped; twelve of seventeen are too few.
  assert main.main(command) == 3
  assert tried[3] == "global" and len(set(tried[3:])) == len(tried[3:])
  printed = capfd.readouterr()
  assert f"12 of {_COUNT + _STRAY} photographs have a camera" in printed.out
  assert "COLMAP's incremental mapping placed " in printed.out
  assert "take more photographs between" in printed.out
  assert "; now by incremental mapping from a first pair" in printed.err
  record = json.loads((out / "capture.json").read_text())
  report = record["report"]
  placed = {tried["way"]: tried["placed"] for tried in report["ways"]}
  assert list(placed) == [*tried[:2], *tried[3:]]
  assert placed["small-angle"] == 0 and "leads nowhere" in printed.err
  assert placed["default"] < _COUNT and placed[report["way"]] == _COUNT
  assert report["way"] != "default" and report["plausible"]
  assert report["missing"] == [f"stray{i}.png" for i in range(_STRAY)]
  assert not (out / "colmap" / "models").exists()
  scene = load_scene(out)
  assert len(scene) == _COUNT and scene.layout == "forward_facing"
  errors = pose_errors.compare(scene.cameras, reference)
  # Cameras that do not turn leave the focal length, and so all depths, loose.
  assert errors.rotations.max() < 10 and errors.centers.max() < 0.1
  # Done is done, and says the same.
  monkeypatch.setattr(mapping, "find_cameras", None)
  assert main.main(command) == 3
  assert capfd.readouterr().out == printed.out
