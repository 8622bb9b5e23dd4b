"""What lies in COLMAP's folders: models, masks, copies, names, what is left."""

import shutil

import numpy as np
import pytest
import scene_writers
from PIL import ExifTags, Image

from stylized_nerf_jax.scenes.readers.formats import load_scene


def _model(root, folder, count):
  """Writes one more model, of the first images, into a scene's folder."""
  other = scene_writers.colmap(
    scene_writers.make(count), root.parent / f"other{folder.replace('/', '-')}"
  )
  shutil.copytree(other / "sparse" / "0", root / folder)


def test_the_model_of_the_most_images_is_read(tmp_path):
  """COLMAP numbers its models in the order it began them."""
  root = scene_writers.colmap(
    scene_writers.make(5), tmp_path / "scene", folder="sparse/1"
  )
  _model(root, "sparse/0", 2)
  _model(root, "sparse/10", 3)
  _model(root, "colmap/sparse/0", 4)
  scene = load_scene(root)
  assert len(scene) == 5
  (message,) = scene.messages
  assert message == (
    "sparse/1 with 5 images is read; other models, which share no frame with "
    "it, are not: colmap/sparse/0 (4), sparse/10 (3), sparse/0 (2)"
  )
  # Of equal ones the first, and text counts as binary does.
  shutil.rmtree(root / "sparse" / "1")
  text = scene_writers.colmap_text(scene_writers.make(4), tmp_path / "text")
  shutil.copytree(text / "sparse" / "0", root / "sparse" / "2")
  scene = load_scene(root)
  assert scene.messages[0].startswith("sparse/2 with 4 images is read; ")


def test_text_beside_binary_files_is_told(tmp_path):
  root = scene_writers.colmap(scene_writers.make(3), tmp_path / "scene")
  text = scene_writers.colmap_text(scene_writers.make(2), tmp_path / "text")
  for file in (text / "sparse" / "0").iterdir():
    shutil.copy(file, root / "sparse" / "0")
  scene = load_scene(root)
  assert len(scene) == 3
  assert scene.messages == ("0: binary files are read, text files are not",)


def test_what_test_txt_names_is_held_out(tmp_path):
  root = scene_writers.colmap(scene_writers.make(5), tmp_path / "scene")
  held_out = root / "sparse" / "0" / "test.txt"
  held_out.write_bytes(b"\xef\xbb\xbf3.png\r\n1.png\r\n\r\ngone.png\r\n")
  scene = load_scene(root)
  assert scene.splits == {"train": (0, 2, 4), "test": (1, 3)}
  assert scene.messages == (
    "1 held-out name is not used, for it stands in test.txt and is of no "
    "picture: gone.png",
  )
  held_out.write_text("")
  assert load_scene(root).splits == {"train": (0, 1, 2, 3, 4), "test": ()}
  held_out.write_text("".join(f"{i}.png\n" for i in range(5)))
  with pytest.raises(
    ValueError, match=r"test.txt: it holds all 5 pictures out"
  ):
    load_scene(root)


def _mask(path, size=(16, 12), unused=4):
  """Writes a mask whose first columns are black."""
  pixels = np.full((size[1], size[0]), 255, np.uint8)
  pixels[:, :unused] = 0
  path.parent.mkdir(parents=True, exist_ok=True)
  Image.fromarray(pixels).save(path)


def test_masks_are_named_as_colmap_takes_them(tmp_path):
  given = scene_writers.make(4)
  root = scene_writers.colmap(given, tmp_path / "scene")
  masks = root / "masks"
  _mask(masks / "0.png.png", unused=4)
  _mask(masks / "1.png", unused=6)
  _mask(masks / "2.png.png", unused=8)
  _mask(masks / "2.png", unused=2)  # The whole name goes before its stem.
  _mask(masks / "elsewhere.jpg.png")
  scene = load_scene(root)
  unused = [int((~mask).sum()) // 12 for mask in scene.masks]
  assert unused == [4, 6, 8, 0]
  assert not scene.masks[0][:, :4].any() and scene.masks[0][:, 4:].all()
  assert scene.messages == (
    "2 masks are not used, for each belongs to no picture that is read: "
    "2.png, elsewhere.jpg.png",
    "1 of 4 pictures have no mask and are used everywhere",
  )
  # Masks follow the size that pictures are read in, as they do elsewhere.
  small = load_scene(root, downsample=2)
  assert [int((~mask).sum()) // 6 for mask in small.masks] == [2, 3, 4, 0]
  _mask(masks / "3.png.png", size=(12, 16))
  with pytest.raises(ValueError, match=r"the mask 3.png.png is 12x16 but its"):
    load_scene(root)
  (masks / "3.png.png").write_bytes(b"no picture")
  with pytest.raises(ValueError, match="3.png.png: not a readable image"):
    load_scene(root)


def test_a_mask_that_may_be_of_two_pictures_is_of_none(tmp_path):
  root = scene_writers.colmap(scene_writers.make(2), tmp_path / "scene")
  Image.new("RGB", (16, 12)).save(root / "images" / "1.jpg")
  for i in range(2):
    _mask(root / "masks" / f"{i}.png")
  scene = load_scene(root)
  assert [bool(mask.all()) for mask in scene.masks] == [False, True]
  assert scene.messages[0] == (
    "1 picture is not used, for it has no camera: 1.jpg"
  )
  assert scene.messages[1].endswith("belongs to no picture that is read: 1.png")


def test_what_is_not_used_is_named(tmp_path):
  root = scene_writers.colmap(scene_writers.make(3), tmp_path / "scene")
  (root / "images" / "more").mkdir()
  for name in ("9.png", "more/a.jpg", ".hidden.png"):
    Image.new("RGB", (16, 12)).save(root / "images" / name)
  for factor in (2, 4, 8):
    (root / f"images_{factor}").mkdir()
    for i in range(3):
      size = (16 // factor, 12 // factor)
      Image.new("RGB", size).save(root / f"images_{factor}" / f"{i}.png")
  (root / "database.db").write_bytes(b"")
  (root / "poses_bounds.txt").write_text("")
  assert load_scene(root).messages == (
    "2 pictures are not used, for each has no camera: 9.png, more/a.jpg",
    "pictures are read from images, not from images_2, images_4, images_8",
    "scene: not read: database.db, poses_bounds.txt",
  )
  assert load_scene(root, downsample=4).messages[0] == (
    "pictures are read from images_4, not from images, images_2, images_8"
  )


def test_pictures_that_exif_turns_stay_as_they_are_stored(tmp_path):
  given = scene_writers.make(4)
  root = scene_writers.colmap(given, tmp_path / "scene")
  for i, orientation in enumerate((1, 6, 3)):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture = Image.fromarray(given.pictures[i])
    path = root / "images" / f"{i}.png"
    picture.save(path, "WEBP", lossless=True, exif=exif)
  scene = load_scene(root)
  np.testing.assert_array_equal(
    np.round(255 * scene.images[1]), given.pictures[1]
  )
  (message,) = scene.messages
  assert message.startswith("the EXIF orientation of 1.png, 2.png is not used")
  # Whoever stored a copy upright is told what the camera is for.
  lenses = [("PINHOLE", 12, 16, (20.0, 20.0, 6.0, 8.0))] * 4
  other = scene_writers.colmap(given, tmp_path / "turned", lenses=lenses)
  shutil.copytree(root / "images", other / "images", dirs_exist_ok=True)
  (other / "images" / "0.png").unlink()
  with pytest.raises(ValueError, match="16x12 as stored, though EXIF turns it"):
    load_scene(other)


def test_copies_that_were_rounded_down(tmp_path):
  """250 x 166 pictures, of which images_8 are 31 x 20."""
  given = scene_writers.make_ring(9, size=(250, 166))
  root = scene_writers.colmap(given, tmp_path / "room")
  (root / "images_8").mkdir()
  for camera in given.cameras:
    Image.new("RGB", (31, 20)).save(root / "images_8" / camera.name)
  camera = load_scene(root, downsample=8).cameras[0]
  assert (camera.width, camera.height) == (31, 20)
  assert camera.fl_x == pytest.approx(20 * 31 / 250)
  assert camera.fl_y == pytest.approx(20 * 20 / 166)
  assert (camera.cx, camera.cy) == (15.5, 10)


@pytest.mark.parametrize("binary", [True, False])
def test_names_with_blanks_and_folders(tmp_path, binary):
  given = scene_writers.make(3)
  names = ("day 1/photo 01.png", "day 1/photo 02.png", "day 2/photo 01.png")
  named = scene_writers.renamed(given, names)
  for name in names:
    (tmp_path / "scene" / "images" / name).parent.mkdir(
      parents=True, exist_ok=True
    )
  root = scene_writers.colmap(named, tmp_path / "scene", binary=binary)
  scene = load_scene(root)
  assert scene.cameras.names == names
  np.testing.assert_allclose(
    scene.cameras.camera_to_world, given.cameras.camera_to_world, atol=1e-12
  )
  _mask(root / "masks" / "day 2" / "photo 01.png.png", unused=3)
  masks = load_scene(root).masks
  assert [int((~mask).sum()) // 12 for mask in masks] == [0, 0, 3]


@pytest.mark.parametrize("name", ["SIMPLE_FISHEYE", "FISHEYE"])
def test_what_colmap_4_writes_is_read(tmp_path, name):
  """With rigs and frames, by pycolmap itself."""
  pycolmap = pytest.importorskip("pycolmap")
  given = scene_writers.make(3)
  focal = [20.0] if name == "SIMPLE_FISHEYE" else [20.0, 21.0]
  model = pycolmap.Reconstruction()
  model.add_camera_with_trivial_rig(
    pycolmap.Camera(
      model=name, width=16, height=12, params=[*focal, 8.0, 6.0], camera_id=1
    )
  )
  for i, camera in enumerate(given.cameras):
    world_to_camera = np.linalg.inv(camera.camera_to_world * [1, -1, -1, 1])
    image = pycolmap.Image(name=camera.name, camera_id=1, image_id=i + 1)
    pose = pycolmap.Rigid3d(world_to_camera[:3])
    model.add_image_with_trivial_frame(image, pose)
  root = tmp_path / "scene"
  scene_writers.write_pictures(given, root / "images")
  (root / "sparse" / "0").mkdir(parents=True)
  model.write_binary(root / "sparse" / "0")
  assert (root / "sparse" / "0" / "rigs.bin").exists()
  scene = load_scene(root)
  np.testing.assert_allclose(
    scene.cameras.camera_to_world, given.cameras.camera_to_world, atol=1e-9
  )
  assert scene.cameras.models == ("fisheye",) * 3
  assert scene.cameras[0].fl_y == focal[-1]
  assert not scene.cameras.distortion.any()
