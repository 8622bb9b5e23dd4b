"""The geometry folder: what is written is read back, what is wrong named."""

import dataclasses
import json

import numpy as np
import painted_wall
import pytest

from stylized_nerf_jax.evaluation import geometry
from stylized_nerf_jax.scenes import cameras as cameras_lib


@pytest.fixture
def folder(tmp_path):
  painted_wall.save_wall(tmp_path / "path", painted_wall.make_wall(3, step=0.5))
  return tmp_path / "path"


def test_round_trip(tmp_path):
  wall = painted_wall.make_wall(3, step=0.5)
  views = [
    dataclasses.replace(
      view, distortion=(0.1, -0.02, 0.003, 0.0004), model="opencv"
    )
    for view in wall.cameras
  ]
  wall = dataclasses.replace(wall, cameras=cameras_lib.Cameras.from_list(views))
  painted_wall.save_wall(tmp_path / "path", wall, sources=["a", "b", None])
  found = geometry.read_geometry(tmp_path / "path")
  for name in ("camera_to_world", "fl_x", "fl_y", "cx", "cy", "distortion"):
    np.testing.assert_array_equal(
      getattr(found.cameras, name), getattr(wall.cameras, name)
    )
  assert found.cameras.models == ("opencv",) * 3
  assert found.cameras.names == ("a", "b", "")
  np.testing.assert_array_equal(found.depths[1], wall.depths[1])
  assert found.depths[1].dtype == np.float32
  np.testing.assert_allclose(found.content[2], wall.content[2], atol=1 / 500)
  assert found.scene_scale == pytest.approx(np.median(wall.depths[0]))
  assert found.tolerance == pytest.approx(0.05 * found.scene_scale)


def test_lenses_of_every_model_come_back(tmp_path):
  lenses = [
    ("fisheye", (0.1, 0.0, 0.02, -0.01)),
    ("full_opencv", (0.1, 0.2, 0.0, 0.01, 0.3, 0.4, 0.5, 0.6)),
    ("pinhole", (0.0,) * 4),
  ]
  views = [
    dataclasses.replace(view, model=model, distortion=terms)
    for view, (model, terms) in zip(
      painted_wall.make_wall(3, step=0.5).cameras, lenses, strict=True
    )
  ]
  path = geometry.write_cameras(tmp_path, cameras_lib.Cameras.from_list(views))
  records = json.loads(path.read_text())["frames"]
  for record, view in zip(records, views, strict=True):
    found = geometry._read_camera(record, "here")
    assert (found.model, found.distortion) == (view.model, view.distortion)
  assert records[0]["camera_model"] == "OPENCV_FISHEYE"
  assert "camera_model" not in records[2]


def test_the_schema_of_cameras_json(folder):
  content = json.loads((folder / "cameras.json").read_text())
  assert set(content) == {"frames"}
  frame = content["frames"][2]
  keys = "file_path depth_path transform_matrix fl_x fl_y cx cy w h"
  keys += " k1 k2 p1 p2 style source"
  assert set(frame) == set(keys.split())
  assert frame["file_path"] == "00002.png"
  assert frame["depth_path"] == "depth/00002.npy"
  assert frame["w"] == painted_wall.WIDTH
  assert frame["style"] is None
  assert np.shape(frame["transform_matrix"]) == (4, 4)


def test_lists_of_the_wrong_length_are_refused(tmp_path):
  cameras = painted_wall.make_wall(3, step=0.5).cameras
  with pytest.raises(ValueError, match="2 values of 'style' for 3 cameras"):
    geometry.write_cameras(tmp_path, cameras, styles=["a", "b"])


def test_stylized_pictures_are_no_content(tmp_path):
  wall = painted_wall.make_wall(2, step=0.5)
  painted_wall.save_wall(tmp_path / "styled", wall, styles=["rain"] * 2)
  assert geometry.read_geometry(tmp_path / "styled").content is None
  painted_wall.save_wall(tmp_path / "plain", wall, styles=["none", None])
  assert geometry.read_geometry(tmp_path / "plain").content is not None
  (tmp_path / "plain" / "00001.png").unlink()
  assert geometry.read_geometry(tmp_path / "plain").content is None


@pytest.mark.parametrize(
  "key, value, message",
  [
    ("fl_x", None, "frame 1: missing key 'fl_x'"),
    ("fl_x", 0.0, "frame 1: focal length fl_x is 0"),
    ("h", 31, r"00001.npy: expected float32 \(31, 40\)"),
    ("w", 40.5, "frame 1: 'w' is 40.5"),
    ("cx", "20", "frame 1: .cx. is '20'"),
    ("transform_matrix", [[1, 0], [0, 1]], r"frame 1: .*\[2, 2\]"),
    ("transform_matrix", np.diag([2.0, 1, 1, 1]).tolist(), "no rigid motion"),
    ("transform_matrix", np.full((4, 4), np.nan).tolist(), "NaN"),
    ("depth_path", None, "frame 1: no 'depth_path'.*--save-depth"),
    ("depth_path", "depth/7.npy", "7.npy: no such depth map"),
    ("depth_path", "00001.png", "cannot be read as a .npy"),
    ("depth_path", "../00001.npy", "frame 1: 'depth_path' is .* leads out of"),
    ("w", float("nan"), "frame 1: .w. is nan; expected a finite number"),
    ("file_path", "/etc/hostname", "frame 1: 'file_path' is .* leads out of"),
  ],
)
def test_a_wrong_frame_is_named(folder, key, value, message):
  painted_wall.edit_cameras(
    folder, lambda content: content["frames"][1].update({key: value})
  )
  with pytest.raises(ValueError, match=message):
    geometry.read_geometry(folder)


@pytest.mark.parametrize("wrong, found", [(np.nan, "1 NaN"), (-1.0, "1 neg")])
def test_wrong_depths_are_counted(folder, wrong, found):
  depth = np.load(folder / "depth" / "00002.npy")
  depth[3, 4] = wrong
  np.save(folder / "depth" / "00002.npy", depth)
  with pytest.raises(ValueError, match=f"00002.npy.*{found}"):
    geometry.read_geometry(folder)


def test_depths_are_never_unpickled(folder):
  objects = np.array([[{}]], object)
  np.save(folder / "depth" / "00000.npy", objects, allow_pickle=True)
  with pytest.raises(ValueError, match="00000.npy: cannot be read"):
    geometry.read_geometry(folder)


def test_a_picture_of_another_size_is_named(folder):
  painted_wall.save_picture(folder / "00000.png", np.zeros((8, 9, 3)))
  with pytest.raises(ValueError, match="00000.png: the picture is 9x8"):
    geometry.read_geometry(folder)


def test_wrong_files_are_named(tmp_path):
  with pytest.raises(ValueError, match="cameras.json: no such file"):
    geometry.read_geometry(tmp_path)
  path = tmp_path / "cameras.json"
  for text, message in (
    ("{", "not valid JSON"),
    ("[]", "at least one frame"),
    ('{"frames": []}', "at least one frame"),
    ('{"frames": [1]}', "frame 0 is not an object"),
  ):
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
      geometry.read_geometry(tmp_path)
