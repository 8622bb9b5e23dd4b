"""LLFF folders whose photographs COLMAP did not place all of."""

import numpy as np
import pytest
import scene_writers

from stylized_nerf_jax.scenes.readers.formats import load_scene

_PLACED = ("0.png", "1.png", "3.png", "4.png", "10.png")


@pytest.fixture
def dropped(tmp_path):
  """A folder of seven photographs, of which five have poses; and the poses.

  Rows follow the plain order of names, as imgs2poses sorts them.
  """
  names = (*_PLACED[:2], "2.png", *_PLACED[2:4], "5.png", _PLACED[4])
  given = scene_writers.renamed(scene_writers.make(7), names)
  root = scene_writers.llff(given, tmp_path / "scene")
  rows = np.load(root / "poses_bounds.npy")
  poses = dict(zip(names, given.cameras.camera_to_world, strict=True))
  kept = [rows[names.index(name)] for name in sorted(_PLACED)]
  np.save(root / "poses_bounds.npy", np.array(kept))
  return root, given, poses


def _check(scene, poses):
  assert scene.cameras.names == _PLACED
  for name, pose in zip(_PLACED, scene.cameras.camera_to_world, strict=True):
    np.testing.assert_allclose(pose, poses[name], atol=1e-12)
  left = [m for m in scene.messages if "has no pose" in m]
  assert len(left) == 1 and left[0].startswith("2 pictures are not used")
  assert left[0].endswith(": 2.png, 5.png")
  return left[0]


def test_a_list_names_the_photographs_of_the_rows(dropped):
  root, _, poses = dropped
  (root / "view_imgs.txt").write_text("\n".join(sorted(_PLACED)))
  assert "view_imgs.txt says" in _check(load_scene(root), poses)
  # Its order is that of the rows, whatever it is; Windows writes \r\n.
  rows = np.load(root / "poses_bounds.npy")[::-1]
  np.save(root / "poses_bounds.npy", rows)
  listed = "\ufeff" + "\r\n".join(sorted(_PLACED)[::-1]) + "\r\n\r\n"
  (root / "view_imgs.txt").write_text(listed, encoding="utf-8", newline="")
  _check(load_scene(root), poses)


def test_reduced_copies_may_be_of_another_format(dropped):
  root, _, poses = dropped
  names = [name.replace(".png", ".JPG") for name in sorted(_PLACED)]
  (root / "view_imgs.txt").write_text("\n".join(names) + "\n")
  _check(load_scene(root), poses)


@pytest.mark.parametrize("binary", [True, False])
def test_a_colmap_model_tells_as_well(dropped, tmp_path, binary):
  root, given, poses = dropped
  chosen = [given.cameras.names.index(name) for name in reversed(_PLACED)]
  placed = scene_writers.Given(
    given.cameras[chosen], given.pictures[chosen], given.points
  )
  model = scene_writers.colmap(placed, tmp_path / "model", binary=binary)
  (model / "sparse").rename(root / "sparse")
  assert "COLMAP's model says" in _check(load_scene(root), poses)
  # A list goes before the model.
  (root / "view_imgs.txt").write_text("0.png\n")
  with pytest.raises(ValueError, match="view_imgs.txt names 1;"):
    load_scene(root)


@pytest.mark.parametrize(
  ("listed", "words"),
  [
    (None, "holds 7 images; expected as many"),
    ("0.png\n1.png\n", "holds 7 images, and view_imgs.txt names 2; expected"),
    (
      "0.png\n1.png\n10.png\n3.png\nnone.png\n",
      "names 5, such as none.png, which is not there; expected",
    ),
    ("0.png\n0.png\n10.png\n3.png\n4.png\n", "view_imgs.txt names 5; expected"),
    ("\0\n../0\n\n/etc/1.png\nx\n" + 9 * "y", "holds 5 poses but "),
  ],
)
def test_counts_that_disagree_are_named_with_what_helps(dropped, listed, words):
  root, _, _ = dropped
  if listed is not None:
    (root / "view_imgs.txt").write_text(listed)
  with pytest.raises(ValueError, match=words) as error:
    load_scene(root)
  message = str(error.value)
  assert "poses_bounds.npy holds 5 poses" in message and "\n" not in message
  assert "view_imgs.txt that names the 5 with a pose" in message


def test_a_list_of_an_earlier_folder_is_told_and_not_used(tmp_path):
  """Names of the photographs before they were renamed to image000.png."""
  given = scene_writers.make(4)
  root = scene_writers.llff(given, tmp_path / "scene")
  (root / "view_imgs.txt").write_text("IMG_1.JPG\nIMG_2.JPG\n")
  scene = load_scene(root)
  np.testing.assert_allclose(
    scene.cameras.camera_to_world, given.cameras.camera_to_world
  )
  assert any("view_imgs.txt is not used" in m for m in scene.messages)


def test_what_else_lies_there_is_named(tmp_path):
  root = scene_writers.llff(scene_writers.make(3), tmp_path / "scene")
  (root / "images_4").mkdir()
  (root / "database.db").write_bytes(b"")
  assert load_scene(root).messages[1:] == (
    "pictures are read from images, not from images_4",
    "scene: not read: database.db",
  )
