"""transforms.json: dialects, scaling, missing frames, splits, refusals."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from stylized_nerf_jax.scenes.readers.formats import load_scene


def test_file_intrinsics_are_scaled_to_the_images(write_transforms):
  root = write_transforms(
    fl_x=40.0, fl_y=44.0, cx=15.0, cy=13.0, w=32, h=24, k1=0.1, p2=-0.02
  )
  camera = load_scene(root, downsample=2).cameras[0]
  assert (camera.width, camera.height) == (8, 6)
  assert (camera.fl_x, camera.fl_y) == (10, 11)
  assert (camera.cx, camera.cy) == (3.75, 3.25)
  assert camera.distortion == (0.1, 0, 0, -0.02)
  assert camera.model == "opencv"


def test_a_frame_overrides_the_file(write_transforms, write_picture):
  own = {"fl_x": 50.0, "w": 10, "h": 20, "cx": 4.0, "k1": 0.2}
  root = write_transforms([("a.png", {}), ("b.png", own)], k1=0.1, k2=0.01)
  write_picture(root / "b.png", 10, 20)
  scene = load_scene(root, holdout=0)
  first, second = scene.cameras
  assert (first.fl_x, first.fl_y, first.cx, first.cy) == (20, 20, 8, 6)
  assert (second.fl_x, second.cx, second.cy) == (50, 4, 10)
  assert second.distortion == (0.2, 0.01, 0, 0)
  assert scene.images[1].shape == (20, 10, 3)


def test_field_of_view_stands_in_for_a_focal_length(write_transforms):
  root = write_transforms(
    fl_x=None, w=None, h=None, camera_angle_x=0.8, camera_angle_y=0.7
  )
  camera = load_scene(root).cameras[0]
  assert camera.fl_x == pytest.approx(8 / np.tan(0.4))
  assert camera.fl_y == pytest.approx(6 / np.tan(0.35))
  assert (camera.cx, camera.cy) == (8, 6)
  assert camera.model == "pinhole"


@pytest.mark.parametrize(
  "listed", ["./images/1.png", "images/1", "images\\1.png", "./images\\1"]
)
def test_every_way_to_write_a_path_finds_the_image(write_transforms, listed):
  root = write_transforms([("images/1.png", {}), ("images/2.png", {})])
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  content["frames"][0]["file_path"] = listed
  path.write_text(json.dumps(content))
  scene = load_scene(root)
  assert scene.cameras.names == ("images/1.png", "images/2.png")


def test_missing_frames_are_left_out_and_named(write_transforms):
  frames = [(f"images/{i}.png", {}) for i in range(12)]
  root = write_transforms(frames)
  for i in (3, 4, 10, 11):
    (root / "images" / f"{i}.png").unlink()
  scene = load_scene(root, holdout=4)
  names = tuple(f"images/{i}.png" for i in (0, 1, 2, 5, 6, 7, 8, 9))
  assert scene.cameras.names == names
  assert scene.splits["test"] == (0, 4)
  (message,) = scene.messages
  assert "4 of 12 frames have no image" in message
  assert "images/3.png, images/4.png, images/10.png, ..." in message


def test_poses_stay_in_the_coordinates_of_the_file(
  write_transforms, look_at_origin
):
  frames = [("10.png", {}), ("9.png", {})]
  scene = load_scene(write_transforms(frames))
  assert scene.cameras.names == ("9.png", "10.png")
  for camera, azimuth in zip(scene.cameras, (0.5, 0.0), strict=True):
    np.testing.assert_allclose(
      camera.camera_to_world, look_at_origin(azimuth), atol=1e-12
    )


def test_bounds_come_from_where_the_cameras_stand(write_transforms):
  scene = load_scene(write_transforms())
  # All look at the origin from 4 units away.
  assert scene.near == pytest.approx(0.2)
  assert scene.far == pytest.approx(4000)
  assert scene.layout == "unbounded"
  assert scene.bounding_box is None


def test_listed_splits_win_over_holdout(write_transforms):
  frames = [(f"images/{i}.png", {}) for i in range(5)]
  lists = {
    "train_filenames": ["images/0.png", "./images/3.png"],
    "val_filenames": ["images/1.png"],
  }
  root = write_transforms(frames, **lists)
  scene = load_scene(root)
  assert scene.splits == {"train": (0, 3), "val": (1,), "test": (1,)}
  root = write_transforms(frames, test_filenames=["images/2.png"])
  assert load_scene(root).splits == {"train": (0, 1, 3, 4), "test": (2,)}
  root = write_transforms(frames, test_filenames=["images/9.png"])
  with pytest.raises(ValueError, match="test_filenames names images/9.png"):
    load_scene(root)
  root = write_transforms(frames, train_filenames=[])
  with pytest.raises(ValueError, match="train_filenames"):
    load_scene(root)


def test_masks_are_read_where_frames_name_them(write_transforms):
  frames = [("1.png", {"mask_path": "masks/1.png"}), ("2.png", {})]
  root = write_transforms(frames)
  with pytest.raises(ValueError, match=r"1.png.*mask_path.*masks/1.png"):
    load_scene(root)
  (root / "masks").mkdir()
  (root / "1.png").rename(root / "masks" / "1.png")
  write_transforms(frames)
  scene = load_scene(root)
  assert scene.masks[0].shape == (12, 16)
  with Image.open(root / "masks" / "1.png") as mask:
    usable = np.asarray(mask).any(axis=-1)
  np.testing.assert_array_equal(scene.masks[0], usable)
  assert scene.masks[1].all()
  before = scene.content_hash
  (root / "2.png").rename(root / "masks" / "1.png")
  write_transforms(frames)
  assert load_scene(root).content_hash != before


@pytest.mark.parametrize(
  ("fields", "words"),
  [
    ({"fl_x": 0.0}, "focal lengths are 0 and 0"),
    ({"fl_y": -3}, "focal lengths are 20 and -3"),
    ({"fl_x": None}, "no focal length"),
    ({"fl_x": "20"}, "\"fl_x\" is '20'; expected a number"),
    ({"k1": float("nan")}, '"k1" is nan'),
    ({"w": 0}, "w is 0"),
    ({"w": 12, "h": 16}, "12x16 but the image is 16x12"),
    ({"camera_model": "EQUIRECTANGULAR"}, "EQUIRECTANGULAR.*undistort"),
    ({"camera_model": ["OPENCV"]}, "camera_model is .'OPENCV'."),
    ({"is_fisheye": True, "p1": 0.1}, '"p1" is 0.1; expected 0'),
    ({"k5": 0.1}, '"k5" is 0.1; expected 0 for camera_model OPENCV'),
    ({"latlong": True}, '"latlong" stands for a lens that is not read'),
    ({"distortion_params": [0.1]}, "expected the six numbers k1, k2"),
    ({"x_fov": 180}, '"x_fov" is 180; expected an angle in degrees'),
    ({"k1": 1e9}, "up to 1e"),
    ({"fl_x": 10**400}, '"fl_x" is 1000.*expected a finite'),
    ({"fl_x": None, "camera_angle_x": 1e-99}, '"camera_angle_x" is 1e-99'),
    ({"fl_x": None, "camera_angle_x": -1}, '"camera_angle_x" is -1'),
  ],
)
def test_bad_intrinsics_are_refused(write_transforms, fields, words):
  with pytest.raises(ValueError, match=words) as error:
    load_scene(write_transforms(**fields))
  message = str(error.value)
  assert "transforms.json" in message and "\n" not in message


@pytest.mark.parametrize(
  ("fields", "model", "terms"),
  [
    ({"camera_model": "OPENCV_FISHEYE", "k4": 0.1}, "fisheye", (0, 0, 0, 0.1)),
    ({"is_fisheye": True, "k2": 0.2}, "fisheye", (0, 0.2, 0, 0)),
    ({"k1": 0.3, "k3": 0.1}, "full_opencv", (0.3, 0, 0, 0, 0.1, 0, 0, 0)),
    (
      {"camera_model": "FULL_OPENCV", "k6": 0.1},
      "full_opencv",
      (0, 0, 0, 0, 0, 0, 0, 0.1),
    ),
    ({"camera_model": "SIMPLE_RADIAL", "k1": 0.1}, "opencv", (0.1, 0, 0, 0)),
    ({"camera_model": "PINHOLE"}, "pinhole", (0, 0, 0, 0)),
  ],
)
def test_lenses_of_all_models(write_transforms, fields, model, terms):
  camera = load_scene(write_transforms(**fields)).cameras[0]
  assert (camera.model, camera.distortion) == (model, terms)


def test_poses_are_what_applied_transform_led_to(write_transforms):
  plain = load_scene(write_transforms()).cameras.camera_to_world
  moved = write_transforms(
    applied_transform=[[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, -1, 0]],
    applied_scale=0.5,
  )
  np.testing.assert_array_equal(
    load_scene(moved).cameras.camera_to_world, plain
  )


@pytest.mark.parametrize(
  "name", ["../1.png", "/etc/hosts", "images/../../1.png", "", ".", "images/.."]
)
@pytest.mark.parametrize("field", ["file_path", "mask_path"])
def test_paths_that_leave_the_folder(write_transforms, name, field):
  root = write_transforms([("a.png", {}), ("b.png", {})])
  (root.parent / "1.png").write_bytes((root / "a.png").read_bytes())
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  content["frames"][1][field] = name
  path.write_text(json.dumps(content))
  if (field, name) == ("mask_path", ""):
    assert load_scene(root).masks is None
    return
  if name == "/etc/hosts":
    # Of another machine; nothing in the folder ends in its last parts.
    if field == "file_path":
      assert load_scene(root, holdout=0).cameras.names == ("a.png",)
      return
    field = '"mask_path" names /etc/hosts, which is missing'
  with pytest.raises(ValueError, match=f"frame 1 .*{field}") as error:
    load_scene(root)
  assert "; copy it there" in str(error.value) or "expected" in str(error.value)


def test_an_absolute_path_into_the_folder_is_one_of_it(write_transforms):
  root = write_transforms([("a.png", {})])
  path = root / "transforms.json"
  path.write_text(path.read_text().replace('"a.png"', f'"{root / "a.png"}"'))
  assert load_scene(root, holdout=0).cameras.names == ("a.png",)


@pytest.mark.parametrize(
  ("text", "words"),
  [
    ("[" * 100_000, "not valid JSON .nested too deeply"),
    ('{"frames": ' + "[" * 100_000, "not valid JSON"),
    ("[]", 'no "frames"'),
    ('{"frames": {}}', 'no "frames"'),
    ('{"frames": [[[]]]}', 'frame 0: no "file_path"'),
    ('{"frames": [{"file_path": 3}]}', 'frame 0: no "file_path"'),
    ('{"frames": [{"file_path": "a"}]}', 'no "transform_matrix"'),
    ('{"frames": [%s0]}' % ("0," * 1_000_000), "lists 1000001; expected at"),
    ('{"frames": NaN}', 'no "frames"'),
  ],
)
def test_json_of_another_shape(write_transforms, text, words):
  root = write_transforms()
  (root / "transforms.json").write_text(text)
  with pytest.raises(ValueError, match=words) as error:
    load_scene(root)
  assert "transforms.json" in str(error.value) and len(str(error.value)) < 400


@pytest.mark.parametrize("names", [3, "images/1.png", {"a": 1}])
def test_splits_must_be_lists(write_transforms, names):
  root = write_transforms(test_filenames=names)
  with pytest.raises(ValueError, match="test_filenames is .*expected a list"):
    load_scene(root)


def test_unused_terms_of_a_lens_may_be_zero(write_transforms):
  root = write_transforms(camera_model="OPENCV", k1=0.1, k3=0, k4=0.0)
  assert load_scene(root).cameras[0].distortion == (0.1, 0, 0, 0)


def test_images_are_checked_at_load(write_transforms, write_picture):
  root = write_transforms()
  write_picture(root / "images" / "2.png", 20, 15)
  with pytest.raises(ValueError, match=r"2.png.*20x15.*16x12"):
    load_scene(root)
  root = write_transforms()
  content = (root / "images" / "2.png").read_bytes()
  (root / "images" / "2.png").write_bytes(content[:-30])
  with pytest.raises(ValueError, match=r"2.png: the image is damaged"):
    load_scene(root)
  (root / "images" / "2.png").write_bytes(b"")
  with pytest.raises(ValueError, match="2.png.*empty"):
    load_scene(root)
  root = write_transforms([("a.png", {}), ("a.png", {})])
  with pytest.raises(ValueError, match="listed before, by frame 0"):
    load_scene(root)
  root = write_transforms([("x.png", {})], pictures=False)
  with pytest.raises(ValueError, match="none of its 1 frames has an image"):
    load_scene(root)


def test_a_frame_left_out_may_have_a_bad_pose(write_transforms):
  bad = [[float("nan")] * 4] * 4
  frames = [("1.png", {}), ("2.png", {"transform_matrix": bad})]
  root = write_transforms(frames)
  with pytest.raises(ValueError, match=r"frame 1 \(2.png\).*NaN"):
    load_scene(root)
  (root / "2.png").unlink()
  assert load_scene(root, holdout=0).cameras.names == ("1.png",)


@settings(
  max_examples=60,
  deadline=None,
  suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
  row=st.integers(0, 3),
  column=st.integers(0, 3),
  value=st.one_of(
    st.floats(-2, 2),
    st.sampled_from([float("nan"), float("inf"), None, "x", [1.0], True]),
  ),
)
def test_a_changed_pose_loads_rigid_or_is_refused(
  write_transforms, row, column, value
):
  """Whatever one entry becomes: a rigid pose, or one line that names it."""
  root = write_transforms([("images/1.png", {}), ("images/2.png", {})])
  path = root / "transforms.json"
  content = json.loads(path.read_text())
  content["frames"][1]["transform_matrix"][row][column] = value
  path.write_text(json.dumps(content))
  try:
    scene = load_scene(root)
  except ValueError as error:
    message = str(error)
    assert "transforms.json, frame 1 (images/2.png)" in message
    assert "\n" not in message
    return
  rotation = scene.cameras[1].camera_to_world[:3, :3]
  assert np.abs(rotation.T @ rotation - np.eye(3)).max() <= 1e-3
  assert np.linalg.det(rotation) > 0


@pytest.mark.real_data
def test_fox(real_data):
  scene = load_scene(real_data / "scenes" / "fox", downsample=8)
  assert len(scene) == len(scene.images) == 50
  assert "17 of 67 frames have no image" in scene.messages[0]
  assert "images/0005.jpg" in scene.messages[0]
  assert scene.cameras.names[:2] == ("images/0001.jpg", "images/0002.jpg")
  assert scene.splits["test"] == (0, 8, 16, 24, 32, 40, 48)
  camera = scene.cameras[0]
  assert (camera.width, camera.height) == (135, 240)
  assert camera.fl_x == pytest.approx(1375.52 / 8)
  assert camera.cy == pytest.approx(965.268 / 8)
  assert camera.distortion == (
    0.0578421,
    -0.0805099,
    -0.000980296,
    0.00015575,
  )
  assert scene.images[7].shape == (240, 135, 3)
  assert scene.layout == "unbounded"
  # The fox's head is what the cameras look at, 4 to 6 units away.
  assert 0.05 * 5 < scene.near < 0.05 * 8


def test_bounds_and_layout_of_the_file(write_transforms):
  root = write_transforms(near=0.5, far=7.0, layout="bounded")
  scene = load_scene(root)
  assert (scene.layout, scene.near, scene.far) == ("bounded", 0.5, 7.0)
  # What others mean by near and far is not known.
  root = write_transforms(near=0.5, far=7.0)
  scene = load_scene(root)
  assert scene.layout == "unbounded" and scene.far > 1000


@pytest.mark.parametrize(
  ("fields", "message"),
  [
    ({"near": 0.5, "far": 7, "layout": "ndc"}, "\"layout\" is 'ndc'; expected"),
    ({"near": 8, "far": 7, "layout": "bounded"}, "expected 0 < near < far"),
    ({"near": 0, "far": 7, "layout": "bounded"}, "expected 0 < near < far"),
    ({"far": 7, "layout": "bounded"}, '"near" is None; expected a number'),
    ({"near": "a", "far": 7, "layout": "bounded"}, "\"near\" is 'a'; expected"),
    ({"near": 1, "far": 1e999, "layout": "bounded"}, "a finite number"),
    ({"near": 1, "far": 2, "layout": ["bounded"]}, '"layout" is'),
  ],
)
def test_bounds_that_are_none(write_transforms, fields, message):
  root = write_transforms(**fields)
  with pytest.raises(ValueError, match=message) as raised:
    load_scene(root)
  assert "transforms.json" in str(raised.value)
