"""Polycam, Record3D and Stray Scanner: conventions, what is left out."""

import json

import export_writers
import numpy as np
import pytest
import scene_writers
from PIL import Image
from scipy.spatial.transform import Rotation

from stylized_nerf_jax.scenes.exports import export
from stylized_nerf_jax.scenes.readers.formats import load_scene


def _edit(path, **fields):
  """Puts fields into a JSON file, or takes those away that are None."""
  content = {**json.loads(path.read_text()), **fields}
  path.write_text(json.dumps({k: v for k, v in content.items() if v != "-"}))


def test_quaternions_are_scalar_last_as_scipy_has_them():
  random = np.random.default_rng(3)
  for quaternion in random.normal(size=(20, 4)):
    quaternion /= np.linalg.norm(quaternion)
    np.testing.assert_allclose(
      export.rotation(quaternion, where=""),
      Rotation.from_quat(quaternion).as_matrix(),
      atol=1e-12,
    )
  with pytest.raises(ValueError, match="pose 3: the quaternion has length 2"):
    export.rotation([2, 0, 0, 0], where="pose 3")


def test_polycam_is_what_nerfstudio_makes_of_it_but_for_the_world(tmp_path):
  """Rows of its world are y, z, x of ours; columns are the same."""
  root = export_writers.polycam(scene_writers.make(), tmp_path / "scan")
  scene = load_scene(root)
  sources = sorted((root / "keyframes" / "cameras").iterdir())
  for camera, source in zip(scene.cameras, sources, strict=True):
    content = json.loads(source.read_text())
    for row, taken in enumerate((2, 0, 1)):
      for column in range(4):
        expected = content[f"t_{taken}{column}"]
        assert camera.camera_to_world[[2, 0, 1][row], column] == expected
  assert scene.layout == "unbounded" and scene.masks is None
  assert "cameras: not read: manual_keyframe" in scene.messages


def test_polycam_takes_corrected_pictures_without_their_rim(tmp_path):
  given = scene_writers.make(3, size=(80, 60))
  root = export_writers.polycam(given, tmp_path / "scan", corrected=True)
  (root / "keyframes" / "images").mkdir()
  (root / "keyframes" / "depth").mkdir()
  scene = load_scene(root)
  assert scene.cameras.names[0].startswith("keyframes/corrected_images/")
  expected = np.zeros((60, 80), bool)
  expected[15:-15, 15:-15] = True
  np.testing.assert_array_equal(scene.masks[1], expected)
  assert "15 pixels at every side" in scene.messages[-1]
  assert "keyframes: not read: depth, images" in scene.messages
  # 15 of 80 columns are 3.75 of 20: a part of a pixel counts as a whole one.
  quarter = load_scene(root, downsample=4).masks[0]
  assert quarter[4:-4, 4:-4].all()
  assert quarter.sum() == 12 * 7


def test_polycam_leaves_out_blurred_and_lonely_pictures(tmp_path):
  root = export_writers.polycam(scene_writers.make(), tmp_path / "scan")
  folder = root / "keyframes"
  _edit(folder / "cameras" / "70001.json", blur_score=3.5)
  _edit(folder / "cameras" / "70004.json", blur_score="-")
  (folder / "images" / "70002.png").unlink()
  (folder / "cameras" / "70003.json").unlink()
  scene = load_scene(root, holdout=0)
  assert scene.cameras.names == (
    "keyframes/images/70000.png", "keyframes/images/70004.png",
  )  # fmt: skip
  told = " ".join(scene.messages)
  assert "it has no camera: 70003.png" in told
  assert "it has no picture: 70002.json" in told
  assert "it is blurred (blur_score below 25): 70001.png" in told
  for i in (0, 4):
    _edit(folder / "cameras" / f"7000{i}.json", blur_score=1)
  # Where nothing is sharp, nothing is left out.
  assert len(load_scene(root, holdout=0)) == 3


def test_record3d_scales_its_matrix_to_the_pictures(tmp_path):
  given = scene_writers.make(3)
  k = [80, 0, 0, 0, 84, 0, 33, 23, 1]
  root = export_writers.record3d(given, tmp_path / "scan", w=64, h=48, K=k)
  camera = load_scene(root).cameras[0]
  found = (camera.fl_x, camera.fl_y, camera.cx, camera.cy)
  np.testing.assert_allclose(found, (20, 21, 8.25, 5.75))
  rows = [[40, 42, 16, 12], [44, 46, 16, 12], [48, 50, 16, 12]]
  _edit(root / "metadata", w=32, h=24, perFrameIntrinsicCoeffs=rows)
  scene = load_scene(root)
  np.testing.assert_allclose(scene.cameras.fl_x, [20, 22, 24])
  np.testing.assert_allclose(scene.cameras.fl_y, [21, 23, 25])
  # A matrix of pictures that were turned since.
  _edit(root / "metadata", perFrameIntrinsicCoeffs=[[40, 40, 12, 16]] * 3)
  scene = load_scene(root)
  np.testing.assert_allclose(scene.cameras.cx, 8)
  np.testing.assert_allclose(scene.cameras.cy, 6)
  assert "the principal point of 3 frames is not" in " ".join(scene.messages)


def test_record3d_pairs_pictures_and_poses_by_number(tmp_path):
  given = scene_writers.make(3)
  base = tmp_path / "scan"
  root = export_writers.record3d(given, base / "EXR_RGBD", frameTimestamps=[1])
  (root / "metadata").rename(root / "metadata.json")
  (root / "rgb" / "0.png").unlink()
  for name in ("7.png", "notes.png"):
    Image.new("RGB", (16, 12)).save(root / "rgb" / name)
  (root / "depth").mkdir()
  scene = load_scene(base, holdout=0)
  assert scene.format == "record3d"
  assert scene.cameras.names == ("EXR_RGBD/rgb/1.png", "EXR_RGBD/rgb/2.png")
  np.testing.assert_allclose(
    scene.cameras.camera_to_world, given.cameras.camera_to_world[1:], atol=1e-9
  )
  told = " ".join(scene.messages)
  for words in (
    "it is not called by a number: notes.png",
    "it has no pose: 7.png",
    "it has no picture: 0",
    "metadata.json: not read: fps, frameTimestamps",
    "EXR_RGBD: not read: depth",
  ):
    assert words in told


def test_long_recordings_are_thinned(monkeypatch, tmp_path):
  monkeypatch.setattr(export, "MOST_FRAMES", 4)
  root = export_writers.stray(scene_writers.make(10), tmp_path / "scan")
  scene = load_scene(root)
  assert [name[-5] for name in scene.cameras.names] == ["0", "3", "6", "9"]
  assert "rgb: 4 of 10 frames are used, spread evenly" in scene.messages


def test_stray_takes_intrinsics_of_its_rows(tmp_path):
  given = scene_writers.make(3)
  root = export_writers.stray(given, tmp_path / "scan", per_frame=True)
  assert load_scene(root).cameras.fl_x.tolist() == [20, 20, 20]
  lines = (root / "odometry.csv").read_text().splitlines()
  # Newer versions may have columns with nothing in them.
  lines = [lines[0] + ", distortion_center_x", *(x + ", " for x in lines[1:])]
  (root / "odometry.csv").write_text("\n".join(lines) + "\n\n")
  assert load_scene(root).cameras.fl_x.tolist() == [20, 20, 20]
  bare = [",".join(line.split(",")[:9]) for line in lines]
  (root / "odometry.csv").write_text("\n".join(bare))
  assert load_scene(root).cameras.fl_x.tolist() == [999, 999, 999]


def test_stray_says_how_its_video_is_taken_apart(tmp_path):
  root = export_writers.stray(scene_writers.make(3), tmp_path / "scan")
  for i in (2, 1, 0):
    (root / "rgb" / f"{i:06d}.png").rename(root / "rgb" / f"{i + 1:06d}.png")
  with pytest.raises(ValueError, match="again with -start_number 0"):
    load_scene(root)
  for path in (root / "rgb").iterdir():
    path.unlink()
  (root / "rgb").rmdir()
  (root / "rgb.mp4").write_bytes(b"")
  with pytest.raises(ValueError, match="ffmpeg -noautorotate -i rgb.mp4"):
    load_scene(root)


@pytest.mark.parametrize(
  ("name", "file", "text", "words"),
  [
    ("polycam", "keyframes/cameras/70001.json", "[]", "no JSON object"),
    ("polycam", "keyframes/cameras/70001.json", "{", "not valid JSON"),
    ("polycam", "keyframes/cameras/70001.json", "{}", 'no "t_00"'),
    ("record3d", "metadata", "{}", '"poses" is None'),
    ("record3d", "metadata", '{"poses": [1]}', '"w": missing'),
    ("stray", "odometry.csv", "x, y", "line 1: no column frame"),
    ("stray", "odometry.csv", "frame,x,y,z,qx,qy,qz,qw\n", "no rows"),
    ("stray", "camera_matrix.csv", "1, 2", "2 numbers; expected 9"),
    (
      "stray",
      "odometry.csv",
      "frame,x,y,z,qx,qy,qz,qw\n0,1,2,3,0,0,0,1\n0,1,2,3,0,0,0,1",
      "line 3: frame is 0; expected",
    ),
    (
      "stray",
      "odometry.csv",
      "frame,x,y,z,qx,qy,qz,qw\n0,1,2,3",
      "line 2: qx: missing; expected a finite number",
    ),
  ],
)
def test_wrong_files_are_named(name, file, text, words, tmp_path):
  given = scene_writers.make(2)
  root = export_writers.WRITERS[name](given, tmp_path / "scan")
  (root / file).write_text(text)
  with pytest.raises(ValueError) as error:
    load_scene(root)
  assert file in str(error.value) and words in str(error.value)
  assert "\n" not in str(error.value)
