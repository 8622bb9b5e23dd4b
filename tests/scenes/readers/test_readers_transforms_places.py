"""transforms.json: where its pictures lie, and what was found besides."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.scenes.readers.formats import load_scene


def _edit(root, change, name="transforms.json"):
  path = root / name
  content = json.loads(path.read_text())
  change(content)
  path.write_text(json.dumps(content))


def _only_in(root, *factors, keep=False):
  """Moves `images` of 16x12 to what `images_N` of 64x48 would hold."""
  for factor in factors:
    folder = root / f"images_{factor}"
    folder.mkdir()
    for path in (root / "images").iterdir():
      with Image.open(path) as image:
        size = (64 // factor, 48 // factor)
        image.resize(size).save(folder / path.name)
  if not keep:
    shutil.rmtree(root / "images")


_WHOLE = {"w": 64, "h": 48, "fl_x": 80.0, "fl_y": 88.0, "cx": 30.0, "cy": 20.0}


@pytest.mark.parametrize("downsample", [1, 2, 4])
def test_a_data_set_of_smaller_copies_alone(write_transforms, downsample):
  root = write_transforms(**_WHOLE)
  _only_in(root, 4)
  scene = load_scene(root, downsample=downsample)
  camera = scene.cameras[0]
  assert scene.cameras.names == tuple(f"images/{i}.png" for i in (1, 2, 3))
  assert (camera.width, camera.height) == (16, 12)
  assert (camera.fl_x, camera.fl_y) == (20, 22)
  assert (camera.cx, camera.cy) == (7.5, 5)
  assert scene.images[0].shape == (12, 16, 3)
  assert not scene.messages


def test_the_nearest_copy_is_decoded(write_transforms):
  root = write_transforms(**_WHOLE)
  _only_in(root, 1, 2, 8, keep=True)
  shutil.rmtree(root / "images")
  (root / "images_1").rename(root / "images")
  sizes = {1: 1, 2: 2, 4: 2, 8: 8, 16: 8}
  for downsample, factor in sizes.items():
    scene = load_scene(root, downsample=downsample)
    folder = "images" if factor == 1 else f"images_{factor}"
    assert scene.images.paths[0].parent.name == folder
    assert scene.images[0].shape[:2] == (48 // downsample, 64 // downsample)
    assert scene.cameras[0].fl_x == pytest.approx(80 / downsample)


def test_without_sizes_the_fields_are_of_the_whole_picture(write_transforms):
  root = write_transforms(fl_x=80.0, w=None, h=None, cx=30.0)
  _only_in(root, 4)
  camera = load_scene(root).cameras[0]
  assert (camera.fl_x, camera.cx, camera.cy) == (20, 7.5, 6)


def test_copies_may_be_rounded_and_of_another_format(write_transforms):
  """64x47 by 4 is 16x12, of JPEG, in one folder."""
  frames = [(f"images/day/{i}.png", {}) for i in (1, 2)]
  root = write_transforms(frames, **{**_WHOLE, "h": 47})
  (root / "images_4").mkdir()
  for i in (1, 2):
    with Image.open(root / "images" / "day" / f"{i}.png") as image:
      image.save(root / "images_4" / f"{i}.jpg")
  shutil.rmtree(root / "images")
  scene = load_scene(root, holdout=0)
  assert scene.cameras.names == ("images/day/1.jpg", "images/day/2.jpg")
  assert scene.cameras[0].fl_y == pytest.approx(88 * 12 / 47)


def _scannetpp(write_transforms, **fields):
  """Poses in nerfstudio/, pictures and masks in folders beside it."""
  frames = [
    (f"DSC{i}.png", {"mask_path": f"DSC{i}.png", "is_bad": i == 5})
    for i in range(6)
  ]
  root = write_transforms(frames, camera_model="OPENCV_FISHEYE", **fields)

  def hold_out(content):
    content["test_frames"] = [content["frames"].pop(i) for i in (4, 1)]

  _edit(root, hold_out)
  scene = root.parent / "scan"
  for name in ("nerfstudio", "resized_images", "resized_anon_masks"):
    (scene / "dslr" / name).mkdir(parents=True)
  shutil.move(root / "transforms.json", scene / "dslr" / "nerfstudio")
  for path in root.glob("*.png"):
    shutil.move(path, scene / "dslr" / "resized_images")
    mask = np.zeros((12, 16), np.uint8)
    mask[:3] = 1
    Image.fromarray(mask).save(scene / "dslr/resized_anon_masks" / path.name)
  return scene


@pytest.mark.parametrize("given", ["", "dslr", "dslr/nerfstudio"])
def test_folders_beside_that_of_the_poses(write_transforms, given):
  scene = load_scene(_scannetpp(write_transforms) / given)
  assert scene.cameras.names == tuple(f"DSC{i}.png" for i in range(5))
  assert scene.splits == {"train": (0, 2, 3), "test": (1, 4)}
  assert set(scene.cameras.models) == {"fisheye"}
  assert [mask.mean() for mask in scene.masks] == [0.25] * 5
  (message,) = scene.messages
  assert message == '1 frame is not used, for it "is_bad": DSC5.png'


def test_other_folders_beside_are_never_read(write_transforms):
  root = _scannetpp(write_transforms)
  (root / "dslr/resized_images").rename(root / "dslr/other")
  with pytest.raises(ValueError, match="none of its 5 frames has an image"):
    load_scene(root)
  (root / "dslr/other").rename(root / "dslr/resized_undistorted_images")
  with pytest.raises(ValueError, match="none of its 5 frames has an image"):
    load_scene(root)  # Fisheyes are not in undistorted pictures.
  source = root / "dslr/nerfstudio"
  _edit(source, lambda content: content.update(camera_model="PINHOLE"))
  assert len(load_scene(root)) == 5
  assert len(load_scene(root / "dslr", holdout=0)) == 5


def test_masks_may_be_turned_off(write_transforms):
  root = _scannetpp(write_transforms, has_mask=False)
  assert load_scene(root).masks is None


def test_undistorted_poses_beside_others_are_named(write_transforms):
  root = write_transforms()
  other = root / "transforms_undistorted.json"
  shutil.copy(root / "transforms.json", other)
  _edit(root, lambda content: content.update(fl_x=40.0), other.name)
  scene = load_scene(root)
  assert "1 file of poses is not used" in scene.messages[0]
  assert other.name in scene.messages[0]
  scene = load_scene(other)
  assert scene.cameras[0].fl_x == 40 and scene.name == root.name
  (root / "transforms.json").unlink()
  assert load_scene(root).cameras[0].fl_x == 40


def test_a_frame_in_both_lists_is_held_out(write_transforms):
  root = write_transforms()
  _edit(root, lambda c: c.update(test_frames=[c["frames"][1]]))
  scene = load_scene(root)
  assert len(scene) == 3 and scene.splits["test"] == (1,)
  # nerfstudio's lists say more.
  _edit(root, lambda c: c.update(test_filenames=["images/3.png"]))
  assert load_scene(root).splits["test"] == (2,)
  _edit(root, lambda c: c.update(test_frames=3))
  with pytest.raises(ValueError, match='"test_frames" is .3.; expected a list'):
    load_scene(root)
  _edit(root, lambda c: c.update(test_frames=[{"file_path": "a"}]))
  with pytest.raises(ValueError, match="test frame 0 .a.: no .transform_mat"):
    load_scene(root)


def test_lists_may_name_what_is_left_out(write_transforms):
  frames = [(f"{i}.png", {"is_bad": i == 2}) for i in range(4)]
  root = write_transforms(frames, test_filenames=["1.png", "2.png"])
  scene = load_scene(root)
  assert scene.splits == {"train": (0, 2), "test": (1,)}


def test_frames_that_are_all_bad(write_transforms):
  root = write_transforms([("a.png", {"is_bad": True})])
  with pytest.raises(ValueError, match='all of its frames are "is_bad"'):
    load_scene(root)


@pytest.mark.parametrize(
  "elsewhere",
  [
    "/home/someone/data/capture/",
    "/data/a/b/c/d/e/f/g/h/i/j/",
    "C:\\Users\\someone\\capture\\",
    "C:/Users/someone/",
    "../../other/",
    "/",
  ],
)
def test_paths_of_other_machines(write_transforms, elsewhere):
  root = write_transforms()

  def move(content):
    for frame in content["frames"]:
      frame["file_path"] = elsewhere + frame["file_path"]

  _edit(root, move)
  scene = load_scene(root)
  assert scene.cameras.names == tuple(f"images/{i}.png" for i in (1, 2, 3))


def test_the_longest_last_parts_count(write_transforms):
  root = write_transforms([("a/1.png", {}), ("1.png", {})])

  def move(content):
    content["frames"][0]["file_path"] = "/x/b/a/1.png"
    content["frames"][1]["file_path"] = "/x/b/1.png"

  _edit(root, move)
  assert load_scene(root, holdout=0).cameras.names == ("1.png", "a/1.png")


@pytest.mark.parametrize(
  "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"]
)
def test_encodings_of_windows(write_transforms, encoding):
  root = write_transforms([("ä.png", {}), ("b.png", {})])
  path = root / "transforms.json"
  content = json.dumps(json.loads(path.read_text()), ensure_ascii=False)
  path.write_text(content.replace("{", "{\r\n", 1), encoding, newline="")
  assert load_scene(root).cameras.names == ("b.png", "ä.png")


def test_pictures_that_no_frame_names_are_said(write_transforms, write_picture):
  frames = [(f"images/{i}.png", {}) for i in range(3)]
  frames[0][1]["depth_file_path"] = "images/depth_0.png"
  root = write_transforms(frames)
  for name in ("7.png", "8.png", "9.png", "10.jpg", "11.png", "depth_0.png"):
    write_picture(root / "images" / name, 16, 12)
  (root / "images" / "notes.txt").touch()
  unread, unused, others = load_scene(root).messages
  assert others == "images: not read: notes.txt"
  assert unused == (
    "5 pictures are not used, for each is named by no frame: images/7.png, "
    "images/8.png, images/9.png and 2 more"
  )
  assert unread == "transforms.json: not read: depth_file_path"


def test_what_else_lies_beside_the_file_is_named(
  write_transforms, write_picture
):
  root = write_transforms()
  own = ("capture.json", "capture.png", "lock")
  for name in (*own, ".lock", "sparse_pc.ply"):
    (root / name).touch()
  write_picture(root / "images_2" / "0.png", 8, 6)
  assert load_scene(root).messages == (
    f"{root.name}: not read: images_2, sparse_pc.ply",
  )


def test_of_two_file_types_one_is_used(write_transforms, write_picture):
  root = write_transforms([("images/1", {}), ("images/2", {})])
  write_picture(root / "images" / "2.jpg", 16, 12)
  scene = load_scene(root, holdout=0)
  assert scene.cameras.names == ("images/1.png", "images/2.png")
  (message,) = scene.messages
  assert message.endswith("is named by no frame: images/2.jpg")


def test_keys_that_would_matter_are_said(write_transforms):
  harmless = {"aabb_scale": 16, "ply_file_path": "sparse_pc.ply", "scale": 0.3}
  frames = [("a.png", {"sharpness": 10.0}), ("b.png", {"colmap_im_id": 3})]
  root = write_transforms(frames, **harmless)
  assert not load_scene(root).messages
  frames[1][1]["transform_matrix_end"] = frames[1][1]["a\nb"] = []
  root = write_transforms(frames, rolling_shutter=[0, 0, 1], **harmless)
  assert load_scene(root).messages == (
    "transforms.json: not read: a?b, rolling_shutter, transform_matrix_end",
  )


def test_scaled_cameras_are_said(write_transforms):
  root = write_transforms()
  plain = load_scene(root).cameras.camera_to_world

  def scale(content):
    for frame in content["frames"][1:]:
      matrix = np.array(frame["transform_matrix"])
      matrix[:3, :3] *= 2
      frame["transform_matrix"] = matrix.tolist()

  _edit(root, scale)
  scene = load_scene(root)
  np.testing.assert_allclose(scene.cameras.camera_to_world, plain, atol=1e-12)
  (message,) = scene.messages
  assert message.startswith("transforms.json, 2 frames: the camera's axes")


def test_sizes_may_differ_by_a_pixel(write_transforms, write_picture):
  root = write_transforms(w=None, h=None)
  write_picture(root / "images" / "2.png", 17, 12)
  cameras = load_scene(root).cameras
  assert list(cameras.width) == [16, 17, 16]
  write_picture(root / "images" / "2.png", 18, 12)
  with pytest.raises(ValueError, match=r"2.png.*18x12.*16x12"):
    load_scene(root)
