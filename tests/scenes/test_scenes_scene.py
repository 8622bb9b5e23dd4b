"""Cameras, scenes, splits and hashes; and how load_scene finds a format."""

import dataclasses

import numpy as np
import pytest

from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.cameras import Camera, Cameras
from stylized_nerf_jax.scenes.readers.formats import load_scene


def _camera(**changes):
  fields = {
    "camera_to_world": np.eye(4),
    "fl_x": 20,
    "fl_y": 22,
    "cx": 8.5,
    "cy": 6,
    "width": 16,
    "height": 12,
    "distortion": (0.1, 0, 0, 0.01),
    "model": "opencv",
    "name": "a.png",
  }
  return Camera(**{**fields, **changes})


def test_resizing_a_camera_keeps_its_field_of_view():
  camera = _camera().resized(8, 24)
  assert (camera.width, camera.height) == (8, 24)
  assert (camera.fl_x, camera.fl_y) == (10, 44)
  assert (camera.cx, camera.cy) == (4.25, 12)
  assert camera.distortion == (0.1, 0, 0, 0.01)
  assert _camera().scaled(0.5).width == 8
  # The size is rounded, and the focal length follows what it was rounded to.
  assert _camera().scaled(1 / 3).fl_x == 20 * 5 / 16


def test_cameras_index_like_a_list_of_cameras():
  listed = [_camera(fl_x=10 + i, name=f"{i}.png") for i in range(5)]
  cameras = Cameras.from_list(listed)
  assert len(cameras) == 5
  for index in (0, 3, -1, np.int64(2)):
    for field in dataclasses.fields(Camera):
      np.testing.assert_array_equal(
        getattr(cameras[index], field.name), getattr(listed[index], field.name)
      )
  assert [camera.name for camera in cameras] == [c.name for c in listed]
  assert cameras[1:3].names == ("1.png", "2.png")
  assert cameras[np.array([4, 0])].names == ("4.png", "0.png")
  assert cameras[[]].camera_to_world.shape == (0, 4, 4)
  with pytest.raises(IndexError):
    cameras[5]


@pytest.mark.parametrize(
  ("changes", "words"),
  [
    ({"fl_x": 0}, "fl_x is 0"),
    ({"fl_y": float("nan")}, "fl_y is nan"),
    ({"cx": float("inf")}, "cx is inf"),
    ({"width": 0}, "0x12"),
    ({"camera_to_world": np.eye(3)}, r"\[3, 3\]"),
    ({"camera_to_world": 2 * np.eye(4)}, "last row"),
    ({"camera_to_world": np.diag([1, 1, -1, 1])}, "mirrors"),
    ({"camera_to_world": np.diag([1, 1, 1.01, 1])}, "rigid"),
    ({"camera_to_world": np.full((4, 4), np.nan)}, "NaN"),
    ({"camera_to_world": "pose"}, "numbers"),
    ({"distortion": (0, 0, 0)}, "four"),
    ({"model": "lens"}, "pinhole, opencv"),
    ({"model": "full_opencv"}, "eight finite numbers k1, k2, p1, p2, k3"),
    ({"distortion": (1e7, 0, 0, 0)}, "up to 1e"),
    ({"fl_x": 1e-9}, "fl_x is 1e-09"),
    ({"fl_y": 1e300}, "fl_y is 1e"),
    ({"cx": -1e300}, "cx is -1e"),
    ({"camera_to_world": np.diag([1e200, 1e200, 1e200, 1])}, "rigid"),
    ({"camera_to_world": [[10**400] * 4] * 4}, "numbers"),
    ({"camera_to_world": np.eye(4) + np.eye(4, k=3) * 1e200}, "stands at 1e"),
  ],
)
def test_impossible_cameras_are_refused(changes, words):
  with pytest.raises(ValueError, match=words) as error:
    _camera(**changes)
  assert "a.png" in str(error.value)


def test_pose_of_three_rows_is_completed():
  np.testing.assert_array_equal(
    _camera(camera_to_world=np.eye(4)[:3]).camera_to_world, np.eye(4)
  )


def _scene(**changes):
  cameras = Cameras.from_list([_camera(name=f"{i}.png") for i in range(4)])
  fields = {
    "name": "tiny",
    "format": "synthetic",
    "path": "",
    "cameras": cameras,
    "images": [np.full((2, 2, 3), i, np.float32) for i in range(4)],
    "masks": None,
    "alphas": None,
    "depths": [np.full((2, 2), i, np.float32) for i in range(4)],
    "layout": "bounded",
    "near": 1.0,
    "far": 2.0,
    "bounding_box": None,
    "splits": {"train": (1, 3), "test": (0, 2)},
  }
  return scene_lib.Scene(**{**fields, **changes})


def test_a_split_is_a_scene_of_its_images():
  scene = _scene()
  train = scene.split("train")
  assert train.cameras.names == ("1.png", "3.png")
  assert [float(image[0, 0, 0]) for image in train.images] == [1, 3]
  assert float(train.depths[-1][0, 0]) == 3
  assert train.masks is None
  again = train.split("train")
  assert again.cameras.names == train.cameras.names
  assert [float(image[0, 0, 0]) for image in again.images[:1]] == [1]
  with pytest.raises(ValueError, match="'val'.*test, train"):
    scene.split("val")


@pytest.mark.parametrize(
  ("changes", "words"),
  [
    ({"images": []}, "0 images for 4 cameras"),
    ({"layout": "sphere"}, "layout 'sphere'"),
    ({"near": 3.0}, "near is 3 and far 2"),
    ({"near": 0.0}, "near is 0"),
    ({"far": float("nan")}, "far nan"),
  ],
)
def test_impossible_scenes_are_refused(changes, words):
  with pytest.raises(ValueError, match=words):
    _scene(**changes)


def test_content_hash_depends_on_what_a_model_depends_on():
  scene = _scene()
  assert scene.content_hash == _scene().content_hash
  assert scene.content_hash == _scene(name="other", path="x").content_hash
  moved = np.eye(4)
  moved[0, 3] = 1e-9
  pixels = [np.full((2, 2, 3), i + 0.5, np.float32) for i in range(4)]
  others = [
    _scene(near=1.5),
    _scene(layout="unbounded"),
    _scene(images=pixels),
    _scene(splits={"train": (0, 1, 3), "test": (2,)}),
    _scene(fingerprint="seed 1"),
    _scene(
      cameras=Cameras.from_list(
        [_camera(camera_to_world=moved, name=f"{i}.png") for i in range(4)]
      )
    ),
  ]
  hashes = {scene.content_hash, *(other.content_hash for other in others)}
  assert len(hashes) == len(others) + 1


def test_content_hash_follows_the_files(write_llff, write_picture):
  root, _ = write_llff(3)
  before = load_scene(root).content_hash
  assert load_scene(root).content_hash == before
  # A moved scene is the same scene.
  moved = root.rename(root.with_name("elsewhere"))
  assert load_scene(moved).content_hash == before
  assert load_scene(moved, downsample=2).content_hash != before
  # Without alpha, nothing is ever composited over the background.
  assert load_scene(moved, background="black").content_hash == before
  train = load_scene(moved).split("train").content_hash
  write_picture(moved / "images" / "image000.png", 16, 12, seed=9)
  assert load_scene(moved).content_hash != before
  assert load_scene(moved).split("train").content_hash == train


def test_content_hash_sees_the_background_under_alpha(write_blender):
  root = write_blender()
  white = load_scene(root).content_hash
  assert load_scene(root, background="black").content_hash != white


@pytest.mark.parametrize("every", [1, -8])
def test_holdout_must_leave_images(every):
  with pytest.raises(ValueError, match=f"holdout is {every}"):
    scene_lib.holdout_splits(4, every)
  with pytest.raises(ValueError, match="none to train on"):
    scene_lib.holdout_splits(1, 8)


def test_format_is_detected_or_named(
  write_llff, write_transforms, write_blender
):
  assert load_scene(write_blender()).format == "blender"
  root = write_transforms()
  assert load_scene(root).format == "transforms"
  assert load_scene(root / "transforms.json").format == "transforms"
  root, _ = write_llff(names=["1.png", "2.png", "3.png"])
  assert load_scene(root).format == "llff"
  assert load_scene(root, format="transforms").format == "transforms"
  with pytest.raises(ValueError, match="transforms_train.json"):
    load_scene(root, format="blender")


def test_the_embedded_scene_follows_downsample():
  scene, half = load_scene("synthetic"), load_scene("synthetic", downsample=2)
  full = scene.cameras[0].scaled(0.5)
  assert (half.cameras[0].width, half.cameras[0].fl_x) == (
    full.width,
    full.fl_x,
  )
  with pytest.raises(ValueError, match="downsample is 0"):
    load_scene("synthetic", downsample=0)


def test_folders_that_hold_no_scene_are_refused(tmp_path, write_picture):
  with pytest.raises(ValueError, match="nowhere: no such folder"):
    load_scene(tmp_path / "nowhere")
  empty = tmp_path / "empty"
  empty.mkdir()
  with pytest.raises(ValueError, match="empty.*poses_bounds.npy"):
    load_scene(empty)
  write_picture(empty / "a.png", 4, 4)
  with pytest.raises(ValueError, match="no camera poses.*COLMAP"):
    load_scene(empty)
  with pytest.raises(ValueError, match="'ply'.*auto, llff, blender"):
    load_scene(empty, format="ply")
  with pytest.raises(ValueError, match="no COLMAP model; expected cameras.bin"):
    load_scene(empty, format="colmap")
  with pytest.raises(ValueError, match="train/rgb: no such folder"):
    load_scene(empty, format="nerfpp")
  with pytest.raises(ValueError, match="0 .npz files; expected exactly one"):
    load_scene(empty, format="npz")


@pytest.mark.parametrize("downsample", [0, 0.5, -1, float("nan"), "8", True])
def test_downsample_must_be_a_factor(write_llff, downsample):
  root, _ = write_llff(3)
  with pytest.raises(ValueError, match="downsample is"):
    load_scene(root, downsample=downsample)


def test_background_must_be_known(write_blender):
  with pytest.raises(ValueError, match="'green'.*white, black"):
    load_scene(write_blender(), background="green")
