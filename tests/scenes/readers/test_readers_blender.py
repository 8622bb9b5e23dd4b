"""NeRF-synthetic scenes: order, splits, focal length, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.scenes.readers.formats import load_scene


def _edit(path, **changes):
  content = json.loads(path.read_text())
  content.update(changes)
  path.write_text(json.dumps(content))


def test_images_come_split_by_split_in_natural_order(
  write_blender, look_at_origin
):
  scene = load_scene(write_blender({"test": 2, "train": 11, "val": 1}))
  assert scene.cameras.names == (
    *(f"train/r_{i}.png" for i in range(11)),
    "val/r_0.png",
    "test/r_0.png",
    "test/r_1.png",
  )
  assert scene.splits == {
    "train": tuple(range(11)),
    "val": (11,),
    "test": (12, 13),
  }
  np.testing.assert_allclose(
    scene.cameras[10].camera_to_world, look_at_origin(5.0)
  )


def test_what_the_format_guarantees(write_blender):
  scene = load_scene(write_blender(size=(16, 12)), downsample=2)
  assert (scene.near, scene.far) == (2.0, 6.0)
  assert scene.bounding_box == ((-1.5,) * 3, (1.5,) * 3)
  assert scene.layout == "bounded"
  camera = scene.cameras[0]
  assert (camera.width, camera.height) == (8, 6)
  # The field of view is horizontal, and pixels are square.
  assert camera.fl_x == pytest.approx(4 / np.tan(0.4))
  assert camera.fl_y == pytest.approx(camera.fl_x)
  assert (camera.cx, camera.cy) == (4, 3)
  assert scene.alphas[0].shape == (6, 8)


def test_pictures_without_alpha_have_none(write_blender):
  assert load_scene(write_blender(mode="RGB")).alphas is None


def test_val_stands_for_a_missing_test(write_blender):
  scene = load_scene(write_blender({"train": 3, "val": 2}))
  assert scene.splits["test"] == scene.splits["val"] == (3, 4)
  root = write_blender({"train": 3})
  (root / "transforms_val.json").unlink()
  assert load_scene(root).splits["test"] == ()


def test_frames_without_image_are_left_out_and_reported(write_blender):
  root = write_blender({"train": 4, "test": 2})
  (root / "train" / "r_2.png").unlink()
  for path in (root / "test").iterdir():
    path.unlink()
  scene = load_scene(root)
  assert len(scene) == 3
  assert scene.splits["test"] == ()
  assert "1 of 4 frames have no image" in scene.messages[0]
  assert "train/r_2" in scene.messages[0]
  assert "2 of 2 frames" in scene.messages[1]


@pytest.mark.parametrize(
  ("changes", "words"),
  [
    ({"camera_angle_x": 0}, '"camera_angle_x" is 0'),
    ({"camera_angle_x": 4}, '"camera_angle_x" is 4'),
    ({"camera_angle_x": "wide"}, "'wide'; expected a number"),
    ({"camera_angle_x": float("nan")}, "expected a finite number"),
    ({"frames": []}, 'no "frames"'),
    ({"frames": [{"file_path": "./train/r_0"}]}, 'no "transform_matrix"'),
    ({"frames": [{"transform_matrix": 1}]}, 'no "file_path"'),
    (
      {"frames": [{"file_path": "train/r_0", "transform_matrix": [[1, 0]]}]},
      r"frame 0 \(train/r_0\).*shape \[1, 2\]",
    ),
    (
      {"frames": [{"file_path": "train/r_0", "transform_matrix": [[1], []]}]},
      "not a matrix",
    ),
  ],
)
def test_bad_files_are_refused(write_blender, changes, words):
  root = write_blender()
  _edit(root / "transforms_train.json", **changes)
  with pytest.raises(ValueError, match=words) as error:
    load_scene(root)
  assert "transforms_train.json" in str(error.value)


def test_missing_angle_broken_json_and_no_images_are_refused(write_blender):
  root = write_blender({"train": 2})
  path = root / "transforms_train.json"
  content = json.loads(path.read_text())
  del content["camera_angle_x"]
  path.write_text(json.dumps(content))
  with pytest.raises(ValueError, match="no focal length"):
    load_scene(root)
  path.write_text(json.dumps(content)[:-5])
  with pytest.raises(ValueError, match="transforms_train.json: not valid JSON"):
    load_scene(root)
  path.write_bytes(b"\xff\xfe\x00")
  with pytest.raises(ValueError, match="not valid JSON"):
    load_scene(root)
  root = write_blender({"train": 2})
  for picture in (root / "train").iterdir():
    picture.unlink()
  with pytest.raises(ValueError, match="none of its 2 frames has an image"):
    load_scene(root)


def test_a_damaged_image_is_refused(write_blender):
  root = write_blender()
  path = root / "test/r_1.png"
  path.write_bytes(path.read_bytes()[:-30])
  with pytest.raises(ValueError, match="test/r_1.png: the image is damaged"):
    load_scene(root)


def test_images_of_different_sizes_are_refused(write_blender, write_picture):
  root = write_blender({"train": 2, "test": 2})
  write_picture(root / "test" / "r_1.png", 20, 20, mode="RGBA")
  with pytest.raises(ValueError, match=r"test/r_1.png.*20x20.*16x16"):
    load_scene(root)


@pytest.mark.parametrize(
  ("name", "words"),
  [
    ("../r_0", "file_path is '../r_0', which leads out of"),
    ("./train/r_1", "listed before, by frame 1"),
  ],
)
def test_paths_are_of_the_folder_and_differ(write_blender, name, words):
  root = write_blender()
  path = root / "transforms_train.json"
  path.write_text(path.read_text().replace("./train/r_2", name, 1))
  with pytest.raises(ValueError, match=f"train.json, frame 2 .*{words}"):
    load_scene(root)


def _object(root, *, radius, distance, mode="RGBA", fields=None):
  """Writes eight views of a ball about (5, 0, 0), 32x24, cut out."""
  frames = []
  for i in range(8):
    angle = np.pi / 4 * i
    back = np.array([np.cos(angle), np.sin(angle), 0.4 * (-1) ** i])
    back /= np.linalg.norm(back)
    right = np.cross([0, 0, 1], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.stack(
      [right, np.cross(back, right), back, distance * back + [5, 0, 0]], -1
    )
    x, y = np.meshgrid(np.arange(32) - 15.5, np.arange(24) - 11.5)
    sine = radius / distance
    inside = np.hypot(x, y) / 40 < sine / np.sqrt(1 - sine**2)
    pixels = np.random.default_rng(i).integers(0, 256, (24, 32, 4), np.uint8)
    pixels[..., 3] = 255 * inside
    path = root / "train" / f"{i}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)
    frames.append(
      {"file_path": f"train/{i}.png", "transform_matrix": pose.tolist()}
    )
  content = {"fl_x": 40.0, **(fields or {}), "frames": frames}
  (root / "transforms_train.json").write_text(json.dumps(content))
  return root


@pytest.mark.parametrize(("radius", "distance"), [(0.04, 0.2), (5, 24)])
def test_bounds_of_other_objects_are_those_of_their_silhouettes(
  tmp_path, radius, distance
):
  scene = load_scene(_object(tmp_path, radius=radius, distance=distance))
  low, high = np.array(scene.bounding_box)
  pixel = distance / 40
  assert scene.layout == "bounded"
  assert (low <= [5 - radius, -radius, -radius]).all()
  assert (high >= [5 + radius, radius, radius]).all()
  assert (low >= np.array([5, 0, 0]) - radius - 3 * pixel).all()
  assert (high <= np.array([5, 0, 0]) + radius + 3 * pixel).all()
  assert 0 < scene.near < distance - radius
  assert distance + radius < scene.far < 2 * distance


def test_without_silhouettes_bounds_are_guessed(tmp_path):
  root = _object(tmp_path, radius=5, distance=24, mode="RGB")
  scene = load_scene(root)
  assert (scene.layout, scene.bounding_box) == ("unbounded", None)
  assert (scene.near, scene.far) == pytest.approx((1.2, 24000))
  assert "bounds are guessed" in scene.messages[0]


def test_what_the_format_promises_must_be_true(write_blender, look_at_origin):
  """Cameras 4 away, but of pictures that show more than fits."""
  root = write_blender(angle=1.2)
  for path in root.rglob("*.png"):
    with Image.open(path) as image:
      pixels = np.asarray(image).copy()
    pixels[..., 3] = 0
    pixels[3:13, 3:13, 3] = 255
    Image.fromarray(pixels).save(path)
  # Ten of sixteen pixels see 3.4 units of 5.5.
  scene = load_scene(root)
  low, high = np.array(scene.bounding_box)
  assert scene.layout == "bounded" and (low < -1.5).any() and (high > 1.5).any()


def test_intrinsics_are_those_of_every_transforms_file(tmp_path):
  """A portrait render of Blender's: camera_angle_x is of the longer side."""
  fields = {
    **{"camera_angle_x": 0.9, "fl_x": 80.0, "fl_y": 82.0, "cx": 30.0},
    **{"w": 64, "h": 48, "k1": 0.01, "aabb_scale": 4},
  }
  root = _object(tmp_path, radius=1, distance=4, fields=fields)
  path = root / "transforms_train.json"
  content = json.loads(path.read_text())
  content["frames"][3] |= {"fl_x": 90.0, "w": 32, "h": 24}
  path.write_text(json.dumps(content))
  scene = load_scene(root)
  camera, own = scene.cameras[0], scene.cameras[3]
  assert (camera.fl_x, camera.fl_y, camera.cx, camera.cy) == (40, 41, 15, 12)
  assert (own.fl_x, own.fl_y) == (90, 90)
  assert camera.distortion == (0.01, 0, 0, 0)
  first, second = scene.messages[:2]
  assert '"fl_x" goes before "camera_angle_x"' in first
  assert "transforms_train.json, 1 frame:" in second


@pytest.mark.real_data
def test_lego(real_data):
  scene = load_scene(real_data / "scenes" / "lego", downsample=2)
  counts = {name: len(indices) for name, indices in scene.splits.items()}
  assert counts == {"train": 100, "val": 20, "test": 50}
  assert scene.cameras.names[2] == "train/r_2.png"
  image, alpha = scene.images[0], scene.alphas[0]
  assert image.shape == (200, 200, 3)
  assert scene.cameras[0].fl_x == pytest.approx(1111.111 / 4, rel=1e-5)
  # The object stands before nothing, which the background fills.
  np.testing.assert_allclose(image[alpha == 0], 1, atol=1e-6)
  assert 0.05 < (alpha > 0.5).mean() < 0.5
  black = load_scene(real_data / "scenes" / "lego", background="black")
  assert black.images[0][0, 0].max() == 0
  assert black.images[0].shape == (400, 400, 3)
