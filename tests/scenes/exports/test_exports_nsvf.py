"""NSVF's layout: both forms of intrinsics, splits, boxes, white, refusals."""

import dataclasses
import shutil

import export_writers
import numpy as np
import pytest
import scene_writers
from PIL import Image

from stylized_nerf_jax.datasets import export
from stylized_nerf_jax.scenes.readers.formats import load_scene

_PREFIXES = ["2_", "0_", "1_", "0_", "2_"]


@pytest.fixture
def root(tmp_path):
  """Five pictures of 16 x 12: two to train on, one of val, two of test."""
  return export_writers.nsvf(
    scene_writers.make(), tmp_path / "Truck", prefixes=_PREFIXES
  )


def test_prefixes_are_splits(root):
  given = scene_writers.make()
  scene = load_scene(root)
  assert scene.format == "nsvf" and scene.messages == ()
  assert scene.splits == {"train": (0, 1), "val": (2,), "test": (3, 4)}
  assert scene.cameras.names == (
    "rgb/0_0001.png", "rgb/0_0003.png", "rgb/1_0002.png", "rgb/2_0000.png",
    "rgb/2_0004.png",
  )  # fmt: skip
  np.testing.assert_allclose(
    scene.cameras.camera_to_world,
    given.cameras.camera_to_world[[1, 3, 2, 0, 4]],
    atol=1e-12,
  )
  for file in ("rgb/2_0000.png", "rgb/2_0004.png"):
    (root / file).unlink()
  scene = load_scene(root)
  assert scene.splits == {"train": (0, 1), "val": (2,), "test": (2,)}
  assert scene.messages == (
    "2 poses are not used, for each has no picture: 2_0000.txt, 2_0004.txt",
  )


def test_without_prefixes_every_eighth_is_held_out(tmp_path):
  given = scene_writers.make()
  root = export_writers.nsvf(given, tmp_path / "room", prefixes=["a"] * 5)
  assert load_scene(root, holdout=2).splits["test"] == (0, 2, 4)
  (root / "rgb" / "a0000.png").rename(root / "rgb" / "0_0000.png")
  (root / "pose" / "a0000.txt").rename(root / "pose" / "0_0000.txt")
  scene = load_scene(root)
  assert len(scene) == 1
  assert "4 pictures are not used, for each has no prefix" in scene.messages[0]


def test_the_line_of_synthetic_nsvf_is_of_the_size_it_names(root):
  (root / "intrinsics.txt").write_text("40. 15. 13. 0.\n0. 0. 0.\n1.\n24 32\n")
  camera = load_scene(root).cameras[0]
  assert (camera.fl_x, camera.fl_y) == (20, 20)
  assert (camera.cx, camera.cy) == (7.5, 6.5)
  (root / "intrinsics.txt").write_text("40. 9. 7. 0.\n0. 0. 0.\n1.\n")
  camera = load_scene(root).cameras[0]
  assert (camera.fl_x, camera.cx, camera.cy) == (40, 9, 7)


@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize("side", [3, 4])
def test_a_matrix_is_of_pictures_a_whole_number_of_times_larger(
  root, factor, side
):
  matrix = np.eye(side)
  matrix[0, :3], matrix[1, :3] = [20, 0, 8.3], [0, 21, 5.9]
  matrix[:2, :3] *= factor
  np.savetxt(root / "intrinsics.txt", matrix)
  camera = load_scene(root).cameras[0]
  found = (camera.fl_x, camera.fl_y, camera.cx, camera.cy)
  np.testing.assert_allclose(found, (20, 21, 8.3, 5.9))


def test_the_box_bounds_rays(root):
  scene = load_scene(root)
  assert scene.layout == "bounded"
  assert scene.bounding_box == ((-3, -3, -9), (3, 3, 3))
  # All stand in it: they see a little farther than its farthest corner.
  corners = [(x, y, z) for x in (-3, 3) for y in (-3, 3) for z in (-9, 3)]
  centers = scene.cameras.centers
  far = max(np.linalg.norm(c - p) for c in corners for p in centers)
  assert scene.far == pytest.approx(1.05 * far)
  assert scene.near == pytest.approx(1.05 * far / 100)
  (root / "bbox.txt").write_text("-1 -1 -6 1 1 -4")
  near = min(
    np.linalg.norm(np.clip(p, (-1, -1, -6), (1, 1, -4)) - p) for p in centers
  )
  assert load_scene(root).near == pytest.approx(0.95 * near)
  (root / "near_and_far.txt").write_text("0.5 7\n")
  scene = load_scene(root)
  assert (scene.near, scene.far) == (0.5, 7)
  for file in ("bbox.txt", "near_and_far.txt"):
    (root / file).unlink()
  scene = load_scene(root)
  assert scene.layout == "unbounded" and scene.bounding_box is None


def _on_white():
  """Three pictures of something dark on pure white."""
  given = scene_writers.make(3)
  pictures = np.full_like(given.pictures, 255)
  pictures[:, 4:8, 4:12] = given.pictures[:, 4:8, 4:12] // 2
  return dataclasses.replace(given, pictures=pictures)


@pytest.mark.parametrize("background", ["white", "black"])
def test_white_around_an_object_is_transparent(tmp_path, background):
  pictures = _on_white().pictures
  root = export_writers.nsvf(_on_white(), tmp_path / "bird")
  scene = load_scene(root, background=background)
  assert scene.transparent and "white pixels are taken" in scene.messages[0]
  inside = np.zeros((12, 16))
  inside[4:8, 4:12] = 1
  behind = 1.0 if background == "white" else 0.0
  for i in range(3):
    np.testing.assert_array_equal(scene.alphas[i], inside)
    expected = np.where(inside[..., None], pictures[i] / 255, behind)
    np.testing.assert_allclose(scene.images[i], expected, atol=1e-6)
  half = load_scene(root, background=background, downsample=4)
  np.testing.assert_allclose(half.alphas[0], inside[::4, ::4])
  hashes = {
    load_scene(root, background=b).content_hash for b in ("white", "black")
  }
  assert len(hashes) == 2


def test_a_dataset_keeps_what_white_means(tmp_path):
  scene = load_scene(export_writers.nsvf(_on_white(), tmp_path / "bird"))
  export.export_scene(scene, tmp_path / "data", name="bird")
  address = f"tfds:posed_scene/bird?data_dir={tmp_path / 'data'}"
  found = load_scene(address, background="black")
  assert found.transparent and found.bounding_box == scene.bounding_box
  for i in range(3):
    np.testing.assert_array_equal(found.alphas[i], scene.alphas[i])
    kept = scene.images[i] * scene.alphas[i][..., None]
    np.testing.assert_allclose(found.images[i], kept, atol=1e-6)


def test_alpha_wins_over_white(tmp_path):
  given = scene_writers.make(3)
  root = export_writers.nsvf(given, tmp_path / "bird")
  for path in (root / "rgb").iterdir():
    Image.new("RGBA", (16, 12), (255, 255, 255, 128)).save(path)
  scene = load_scene(root, background="black")
  np.testing.assert_allclose(scene.alphas[0], 128 / 255, atol=1e-6)
  np.testing.assert_allclose(scene.images[0], 128 / 255, atol=1e-6)


def test_folders_of_svox2_and_what_is_not_read(root):
  (root / "rgb").rename(root / "images")
  (root / "pose").rename(root / "poses")
  (root / "depth").mkdir()
  (root / "test_traj.txt").write_text("1")
  scene = load_scene(root)
  assert scene.cameras.names[0] == "images/0_0001.png"
  assert scene.messages == ("Truck: not read: depth, test_traj.txt",)


@pytest.mark.parametrize(
  ("file", "text", "words"),
  [
    ("pose/0_0001.txt", "1 2 3", "3 numbers; expected 16"),
    ("pose/0_0001.txt", "x " * 16, "'x'; expected a finite number"),
    ("pose/0_0001.txt", "2 " * 16, "last row"),
    ("pose/0_0001.txt", "0 " * 99999, "more than 65536 bytes"),
    ("intrinsics.txt", "", "0 numbers; expected 4"),
    ("intrinsics.txt", "9 2 8 0 0 9 6 0 0 0 1 0 0 0 0 1", "the skew is 2"),
    ("intrinsics.txt", "9 0 12 0 0 9 9 0 0 0 1 0 0 0 0 1", "(12, 9)"),
    ("intrinsics.txt", "0 0 8 0 0 0 6 0 0 0 1 0 0 0 0 1", "fl_x is 0"),
    ("intrinsics.txt", "40 8 6 0\n0 0 0\n1\n32 32", "height 32 and width 32"),
    ("bbox.txt", "1 2 3", "3 numbers; expected 7"),
    ("bbox.txt", "1 -1 -1 -1 1 1 1", "expected each coordinate of the first"),
    ("bbox.txt", "-1e200 -1 -1 1e200 1 1 1", "expected coordinates up to"),
    ("near_and_far.txt", "3 1", "near is 3 and far 1"),
  ],
)
def test_wrong_files_are_named(root, file, text, words):
  (root / file).write_text(text)
  with pytest.raises(ValueError) as error:
    load_scene(root)
  assert file in str(error.value) and words in str(error.value)
  assert "\n" not in str(error.value)


def test_missing_and_doubled_files_are_named(root):
  shutil.copy(root / "rgb" / "0_0001.png", root / "rgb" / "0_0001.jpg")
  with pytest.raises(ValueError, match="two pictures are called 0_0001"):
    load_scene(root)
  (root / "rgb" / "0_0001.jpg").unlink()
  (root / "pose" / "0_0001.txt").unlink()
  with pytest.raises(ValueError, match="0_0001.txt: cannot be read"):
    load_scene(root)
  for file in (root / "rgb").glob("0_*"):
    file.unlink()
  with pytest.raises(ValueError, match="begins with 0_, as 1_0002.png does"):
    load_scene(root)
