"""COLMAP models: places, lenses, sizes, bounds, splits, refusals."""

import shutil
import struct
import zlib

import numpy as np
import pytest
import scene_writers
from PIL import Image

from stylized_nerf_jax.scenes.readers import colmap_model
from stylized_nerf_jax.scenes.readers.formats import load_scene


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("folder", ["sparse/0", "sparse", "colmap/sparse/0"])
def test_a_model_is_found_wherever_it_lies(tmp_path, folder, binary):
  given = scene_writers.make()
  root = scene_writers.colmap(
    given, tmp_path / "scene", folder=folder, binary=binary
  )
  scene = load_scene(root)
  assert scene.format == "colmap"
  assert scene.cameras.names == given.cameras.names
  np.testing.assert_allclose(
    scene.cameras.camera_to_world, given.cameras.camera_to_world, atol=1e-12
  )


@pytest.mark.parametrize(
  ("name", "parameters", "focal", "model", "terms"),
  [
    ("SIMPLE_PINHOLE", (20, 8, 6), (20, 20), "pinhole", (0, 0, 0, 0)),
    ("PINHOLE", (20, 21, 8, 6), (20, 21), "pinhole", (0, 0, 0, 0)),
    ("SIMPLE_RADIAL", (20, 8, 6, 0.1), (20, 20), "opencv", (0.1, 0, 0, 0)),
    ("RADIAL", (20, 8, 6, 0.1, 0.2), (20, 20), "opencv", (0.1, 0.2, 0, 0)),
    (
      "OPENCV",
      (20, 21, 8, 6, 0.1, 0.2, 0.01, 0.02),
      (20, 21),
      "opencv",
      (0.1, 0.2, 0.01, 0.02),
    ),
    (
      "OPENCV_FISHEYE",
      (20, 21, 8, 6, 0, 0, 0, 0),
      (20, 21),
      "fisheye",
      (0, 0, 0, 0),
    ),
    (
      "FULL_OPENCV",
      (20, 21, 8, 6, 1, 2, 3, 4, 5, 6, 7, 8),
      (20, 21),
      "full_opencv",
      (1, 2, 3, 4, 5, 6, 7, 8),
    ),
    (
      "RADIAL_FISHEYE",
      (20, 8, 6, 0.1, 0.2),
      (20, 20),
      "fisheye",
      (0.1, 0.2, 0, 0),
    ),
  ],
)
@pytest.mark.parametrize("binary", [True, False])
def test_lenses(tmp_path, binary, name, parameters, focal, model, terms):
  given = scene_writers.make(3)
  lenses = [(name, 16, 12, parameters)] * 3
  root = scene_writers.colmap(
    given, tmp_path / "scene", lenses=lenses, binary=binary
  )
  camera = load_scene(root).cameras[1]
  assert (camera.fl_x, camera.fl_y, camera.cx, camera.cy) == (*focal, 8, 6)
  assert (camera.model, camera.distortion) == (model, terms)


def test_intrinsics_follow_the_size_of_the_images(tmp_path):
  given = scene_writers.make(3)
  lenses = [("PINHOLE", 64, 48, (80.0, 84.0, 30.0, 26.0))] * 3
  root = scene_writers.colmap(given, tmp_path / "scene", lenses=lenses)
  camera = load_scene(root, downsample=2).cameras[0]
  assert (camera.width, camera.height) == (8, 6)
  assert (camera.fl_x, camera.fl_y) == (10, 10.5)
  assert (camera.cx, camera.cy) == (3.75, 3.25)
  lenses = [("PINHOLE", 48, 64, (80.0, 84.0, 30.0, 26.0))] * 3
  root = scene_writers.colmap(given, tmp_path / "turned", lenses=lenses)
  with pytest.raises(ValueError, match="48x64 but the image is 16x12"):
    load_scene(root)


def test_images_of_several_sizes_have_their_own_lenses(tmp_path):
  given = scene_writers.make(3)
  lenses = [("SIMPLE_PINHOLE", 16, 12, (20, 8, 6))] * 2
  lenses.append(("SIMPLE_PINHOLE", 10, 20, (15, 5, 10)))
  root = scene_writers.colmap(given, tmp_path / "scene", lenses=lenses)
  Image.new("RGB", (10, 20)).save(root / "images" / "2.png")
  scene = load_scene(root)
  assert scene.images[2].shape == (20, 10, 3)
  assert scene.cameras[2].fl_x == 15 and scene.cameras[0].fl_x == 20


def test_the_layout_of_mip_nerf_360(tmp_path):
  """images_4 beside images, every 8th image held out, unbounded."""
  given = scene_writers.make_ring(20, size=(64, 48))
  root = scene_writers.colmap(given, tmp_path / "garden")
  (root / "images_4").mkdir()
  for i in range(20):
    colour = (12 * i, 0, 0)
    Image.new("RGB", (16, 12), colour).save(root / "images_4" / f"v{i}.jpg")
  scene = load_scene(root, downsample=4)
  assert scene.cameras.names == tuple(f"v{i}.png" for i in range(20))
  assert scene.splits["test"] == (0, 8, 16)
  assert scene.layout == "unbounded"
  assert (scene.cameras[0].width, scene.cameras[0].fl_x) == (16, 5)
  assert scene.images[10][0, 0, 0] == pytest.approx(120 / 255, abs=0.02)
  # Without a folder of that size, the next larger one is shrunk.
  assert load_scene(root, downsample=2).images[0].shape == (24, 32, 3)
  assert load_scene(root, downsample=8).images[0].shape == (6, 8, 3)


@pytest.mark.parametrize("binary", [True, False])
def test_bounds_come_from_the_points(tmp_path, binary):
  given = scene_writers.make_ring(6)
  root = scene_writers.colmap(given, tmp_path / "scene", binary=binary)
  scene = load_scene(root)
  nearest, farthest = [], []
  for center in given.cameras.centers:
    distances = [np.linalg.norm(point - center) for point in given.points]
    nearest.append(np.percentile(distances, 1))
    farthest.append(np.percentile(distances, 99))
  assert scene.near == pytest.approx(0.5 * min(nearest))
  assert scene.far == pytest.approx(10 * max(farthest))
  # What looks one way keeps the depths along its axes, for NDC.
  given = scene_writers.make()
  scene = load_scene(
    scene_writers.colmap(given, tmp_path / "wall", binary=binary)
  )
  depths = [
    (given.points - camera.camera_to_world[:3, 3])
    @ -camera.camera_to_world[:3, 2]
    for camera in given.cameras
  ]
  assert scene.layout == "forward_facing"
  assert scene.near == pytest.approx(min(np.percentile(d, 1) for d in depths))
  assert scene.far == pytest.approx(max(np.percentile(d, 99) for d in depths))


def test_without_points_bounds_are_guessed(tmp_path):
  root = scene_writers.colmap(scene_writers.make(), tmp_path / "scene")
  (root / "sparse" / "0" / "points3D.bin").unlink()
  scene = load_scene(root)
  assert scene.layout == "unbounded"
  assert any("no points" in message for message in scene.messages)


def test_registered_images_without_a_file_are_left_out(tmp_path):
  root = scene_writers.colmap(scene_writers.make(), tmp_path / "scene")
  for name in ("1.png", "3.png"):
    (root / "images" / name).unlink()
  scene = load_scene(root, holdout=0)
  assert scene.cameras.names == ("0.png", "2.png", "4.png")
  (message,) = scene.messages
  assert "2 of 5 registered images" in message and "1.png, 3.png" in message
  for name in ("0.png", "2.png", "4.png"):
    (root / "images" / name).unlink()
  (root / "images" / "other.png").write_bytes(b"x")
  with pytest.raises(ValueError, match="none of its 5 images is in"):
    load_scene(root)


@pytest.mark.parametrize("file", ["cameras.bin", "images.bin", "points3D.bin"])
def test_files_that_are_cut_off(tmp_path, file):
  root = scene_writers.colmap(scene_writers.make(2), tmp_path / "scene")
  path = root / "sparse" / "0" / file
  whole = path.read_bytes()
  for length in [0, 7, 8, 9, 50, len(whole) // 2, len(whole) - 1]:
    path.write_bytes(whole[:length])
    with pytest.raises(ValueError, match="expected") as error:
      load_scene(root, holdout=0)
    assert file in str(error.value) and "again" in str(error.value)


@pytest.mark.parametrize("file", ["cameras.bin", "images.bin", "points3D.bin"])
@pytest.mark.parametrize("count", [6, 1 << 32, (1 << 64) - 1])
def test_counts_beyond_the_file(tmp_path, file, count):
  root = scene_writers.colmap(scene_writers.make(2), tmp_path / "scene")
  path = root / "sparse" / "0" / file
  whole = path.read_bytes()
  path.write_bytes(struct.pack("<Q", count) + whole[8:])
  if file != "points3D.bin" or count > 6:
    with pytest.raises(ValueError, match=f"{file}.*are left; expected a whole"):
      load_scene(root, holdout=0)


def _replace(root, file, before, after):
  """Replaces a text, or the word at (line, number), once."""
  path = root / "sparse" / "0" / file
  text = path.read_text()
  if isinstance(before, tuple):
    lines = [line.split(" ") for line in text.split("\n")]
    lines[before[0]][before[1]] = after
    path.write_text("\n".join(" ".join(words) for words in lines))
    return
  assert before in text
  path.write_text(text.replace(before, after, 1))


@pytest.mark.parametrize(
  ("file", "before", "after", "words"),
  [
    ("cameras.txt", "1 PINHOLE", "1 KIWI", "line 2: the camera model is KIWI"),
    ("cameras.txt", "1 PINHOLE 16", "1 PINHOLE", "line 2: 7 words; expected 8"),
    ("cameras.txt", "1 PINHOLE", "2 PINHOLE", "number 2 stands there twice"),
    ("cameras.txt", "16 12", "0 12", "the size is 0x12"),
    ("cameras.txt", "16 12", "9e9 12", "line 2: '9e9'; expected a whole"),
    ("cameras.txt", "20.0", "-20.0", "fl_x is -20; expected a positive"),
    ("cameras.txt", "20.0", "nan", "fl_x is nan"),
    ("images.txt", (1, 1), "7.0", "quaternion has length"),
    ("images.txt", (1, 2), "inf", "quaternion has length inf"),
    ("images.txt", (3, 5), "1e200", "stands at 9.9"),
    ("images.txt", " 1 0.png", " 9 0.png", "camera 9 is not among the cameras"),
    ("images.txt", "1.png", "../1.png", "leads out of"),
    ("images.txt", "1.png", "/etc/1.png", "leads out of"),
    ("images.txt", "1.png", "0.png", "every image once"),
    ("images.txt", "\n11 ", "\n10 ", "number 10 stands there twice"),
    ("points3D.txt", (1, 2), "nan", "a point holds NaN"),
    ("points3D.txt", (1, 2), "x", "line 2: 'x'; expected a number"),
    ("points3D.txt", (2, 8), "1.5", "line 3: '1.5'; expected a whole"),
  ],
)
def test_wrong_entries_are_named(tmp_path, file, before, after, words):
  root = scene_writers.colmap_text(scene_writers.make(2), tmp_path / "scene")
  _replace(root, file, before, after)
  with pytest.raises(ValueError, match=words) as error:
    load_scene(root, holdout=0)
  assert file in str(error.value)


def test_a_lens_of_unknown_number(tmp_path):
  root = scene_writers.colmap(scene_writers.make(2), tmp_path / "scene")
  path = root / "sparse" / "0" / "cameras.bin"
  whole = bytearray(path.read_bytes())
  whole[12:16] = struct.pack("<i", 18)
  path.write_bytes(whole)
  with pytest.raises(ValueError, match="model is number 18; expected.*OPENCV"):
    load_scene(root)


def test_motion_equals_the_rotation_of_the_quaternion():
  """Against rotating vectors by quaternion products, one by one."""

  def product(p, q):
    a, b = p[0] * q[0] - p[1:] @ q[1:], p[0] * q[1:] + q[0] * p[1:]
    return np.array([a, *(b + np.cross(p[1:], q[1:]))])

  random = np.random.default_rng(0)
  for _ in range(20):
    q = random.normal(size=4)
    q /= np.linalg.norm(q)
    t = random.normal(size=3)
    pose = colmap_model.Picture("", 1, tuple(q), tuple(t)).camera_to_world("")
    point = random.normal(size=3)
    seen = product(product(q, np.array([0, *point])), q * [1, -1, -1, -1])[1:]
    ours = np.linalg.inv(pose) @ [*point, 1]
    np.testing.assert_allclose(ours[:3] * [1, -1, -1], seen + t, atol=1e-12)


@pytest.mark.parametrize("name", ["colmap", "nerfpp", "llff", "transforms"])
def test_pictures_are_measured_before_they_are_decoded(tmp_path, name):
  """60000 x 60000 pixels in a file of a few bytes, and no byte at all."""
  root = scene_writers.WRITERS[name](scene_writers.make(2), tmp_path / "scene")
  (picture,) = root.rglob("1.png")
  whole = bytearray(picture.read_bytes())
  whole[16:24] = struct.pack(">II", 60000, 60000)
  whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
  picture.write_bytes(whole)
  with pytest.raises(ValueError, match="1.png: the image claims 36000000"):
    load_scene(root, holdout=0)
  picture.write_bytes(b"")
  with pytest.raises(ValueError, match="1.png.*0 bytes"):
    load_scene(root, holdout=0)


def test_a_moved_model_keeps_its_hash(tmp_path):
  root = scene_writers.colmap(scene_writers.make(3), tmp_path / "scene")
  before = load_scene(root).content_hash
  moved = shutil.copytree(root, tmp_path / "elsewhere")
  assert load_scene(moved).content_hash == before
