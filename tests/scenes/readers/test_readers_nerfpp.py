"""NeRF++ folders: splits, matrices, refusals."""

import shutil

import numpy as np
import pytest
import scene_writers

from stylized_nerf_jax.scenes.readers.formats import load_scene


@pytest.fixture
def root(tmp_path):
  """Five pictures in train, two of them again as test and validation."""
  root = scene_writers.nerfpp(scene_writers.make(), tmp_path / "truck")
  for split, name in (("test", "3"), ("validation", "4")):
    for folder in ("rgb", "pose", "intrinsics"):
      ending = "png" if folder == "rgb" else "txt"
      source = root / "train" / folder / f"{name}.{ending}"
      target = root / split / folder / source.name
      target.parent.mkdir(parents=True)
      shutil.move(source, target)
  return root


def test_what_is_not_used_is_named(root):
  assert load_scene(root).messages == ()
  (root / "camera_path").mkdir()
  (root / "train" / "min_depth").mkdir()
  (root / "test" / "rgb" / "more.txt").touch()
  shutil.copy(root / "test/pose/3.txt", root / "test/pose/7.txt")
  assert load_scene(root).messages == (
    "truck: not read: camera_path",
    "train: not read: min_depth",
    "1 pose is not used, for it has no picture: test/7.txt",
    "rgb: not read: more.txt",
  )


def test_folders_are_splits(root):
  scene = load_scene(root)
  assert scene.format == "nerfpp"
  assert scene.splits == {"train": (0, 1, 2), "val": (3,), "test": (4,)}
  assert scene.cameras.names[2:] == (
    "train/rgb/2.png", "validation/rgb/4.png", "test/rgb/3.png",
  )  # fmt: skip
  assert scene.layout == "unbounded"
  given = scene_writers.make().cameras
  np.testing.assert_allclose(
    scene.cameras.camera_to_world[4], given.camera_to_world[3], atol=1e-12
  )
  shutil.rmtree(root / "test")
  assert load_scene(root).splits["test"] == (3,)


def test_a_left_handed_pose_is_refused(root):
  path = root / "train" / "pose" / "1.txt"
  matrix = np.array(path.read_text().split(), float).reshape(4, 4)
  np.savetxt(path, matrix * [1, -1, 1, 1])
  with pytest.raises(ValueError, match="pose/1.txt: the pose mirrors space"):
    load_scene(root)


@pytest.mark.parametrize(
  ("file", "text", "words"),
  [
    ("pose/1.txt", "1 2 3", "3 words, not 16 numbers"),
    ("pose/1.txt", "x " * 16, "16 words, not 16 numbers"),
    ("pose/1.txt", "nan " * 16, "NaN"),
    ("pose/1.txt", "2 " * 16, "last row"),
    ("pose/1.txt", "0 " * 99999, "bytes; expected 16 numbers"),
    ("intrinsics/1.txt", "0 " * 16, "fl_x is 0"),
    ("intrinsics/1.txt", "9 2 8 0 0 9 6 0 0 0 1 0 0 0 0 1", "the skew is 2"),
  ],
)
def test_wrong_files_are_named(root, file, text, words):
  (root / "train" / file).write_text(text)
  with pytest.raises(ValueError, match=words) as error:
    load_scene(root)
  assert file in str(error.value)


@pytest.mark.parametrize("file", ["pose/1.txt", "intrinsics/1.txt"])
def test_every_picture_needs_its_files(root, file):
  (root / "train" / file).unlink()
  with pytest.raises(ValueError, match=f"{file}: no such file"):
    load_scene(root)


def test_a_pose_belongs_to_one_picture(root):
  shutil.copy(
    root / "train" / "rgb" / "1.png", root / "train" / "rgb" / "1.jpg"
  )
  with pytest.raises(ValueError, match="1.png: 1.jpg has the same pose"):
    load_scene(root)
