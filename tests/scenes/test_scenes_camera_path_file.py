"""Files of camera paths: ours, nerfstudio's, and those of other scenes."""

import dataclasses
import json

import numpy as np
import pytest

from stylized_nerf_jax.scenes import camera_path as path_lib
from stylized_nerf_jax.scenes import camera_path_file, scene_record
from stylized_nerf_jax.scenes.readers import formats


@pytest.fixture(scope="module")
def record():
  scene = formats.load_scene("synthetic", downsample=10)
  return scene_record.make_scene_record(scene)


def keyed(record, **options) -> path_lib.CameraPath:
  styles = [{}, {"a": 1.0}, {"a": 0.25, "b": 0.75}]
  keys = tuple(
    path_lib.Key(
      0.5 + 1.25 * i,
      record.cameras[4 * i].camera_to_world,
      40.0 + i,
      styles[i],
      1.0 - 0.25 * i,
    )
    for i in range(3)
  )
  return path_lib.CameraPath(keys, width=120, height=90, fps=12.0, **options)


def assert_equal(one: path_lib.CameraPath, other: path_lib.CameraPath) -> None:
  for name in ("width", "height", "fps", "loop", "tension", "closing_seconds"):
    assert getattr(one, name) == getattr(other, name), name
  assert len(one.keys) == len(other.keys)
  for key, same in zip(one.keys, other.keys):
    assert (key.time, key.fov) == (same.time, same.fov)
    assert key.styles == same.styles and key.intensity == same.intensity
    np.testing.assert_array_equal(key.camera_to_world, same.camera_to_world)
  for frame, same in zip(one.frames(), other.frames(), strict=True):
    np.testing.assert_array_equal(frame.camera_to_world, same.camera_to_world)
    assert frame.styles == same.styles


@pytest.mark.parametrize(
  "options",
  [{}, {"loop": True}, {"loop": True, "closing_seconds": 3.0, "tension": 0.5}],
)
def test_what_was_written_is_read_back(record, tmp_path, options):
  path = keyed(record, **options)
  file = tmp_path / "path.json"
  camera_path_file.write(path, record, file)
  assert_equal(path, camera_path_file.read(file, record))


def test_keys_without_styles_stay_so(record):
  path = keyed(record)
  keys = tuple(dataclasses.replace(key, styles=None) for key in path.keys)
  path = dataclasses.replace(path, keys=keys)
  text = camera_path_file.as_text(path, record)
  assert '"style"' not in text
  assert not camera_path_file.from_text(text, record, where="x").says_styles


def test_nerfstudio_finds_what_its_renderer_reads(record):
  """The fields of get_path_from_json, and those of the viewer's loader."""
  path = keyed(record, loop=True)
  fields = json.loads(camera_path_file.as_text(path, record))
  assert fields["camera_type"] == "perspective"
  assert (fields["render_width"], fields["render_height"]) == (120, 90)
  assert fields["seconds"] == path.seconds and fields["fps"] == 12
  assert fields["is_cycle"] is True
  assert len(fields["camera_path"]) == path.num_frames
  first = fields["camera_path"][0]
  assert len(first["camera_to_world"]) == 16
  np.testing.assert_allclose(
    np.reshape(first["camera_to_world"], (4, 4)),
    record.cameras[0].camera_to_world,
    atol=1e-12,
  )
  assert first["fov"] == pytest.approx(40.0)
  assert first["aspect"] == pytest.approx(4 / 3)
  assert "render_time" not in first
  steps = [key["override_transition_sec"] for key in fields["keyframes"]]
  # The first of a closed path is how long its end takes to return.
  assert steps == pytest.approx([1.25, 1.25, 1.25])
  assert all(key["override_transition_enabled"] for key in fields["keyframes"])


def _nerfstudio(frames, **changes) -> dict:
  return {
    "camera_type": "perspective",
    "render_height": 200,
    "render_width": 400,
    "camera_path": frames,
    "fps": 24,
    "seconds": 4,
    "smoothness_value": 0.5,
    "is_cycle": False,
    "crop": None,
    **changes,
  }


def test_a_file_of_nerfstudio_gives_the_poses_that_stand_in_it(record):
  """One camera at (1, 2, 3) that looks along +y with +z up; 90 degrees."""
  # Columns: right +x, up +z, back -y, centre; written row after row.
  matrix = [1, 0, 0, 1, 0, 0, -1, 2, 0, 1, 0, 3, 0, 0, 0, 1]
  frame = {"camera_to_world": matrix, "fov": 90, "aspect": 2.0}
  text = json.dumps(_nerfstudio([frame]))
  path = camera_path_file.from_text(text, record, where="x", force=True)
  (moment,) = path.frames()
  camera = moment.camera(path.width, path.height)
  assert camera.fl_x == camera.fl_y == pytest.approx(100.0)
  assert (camera.cx, camera.cy) == (200.0, 100.0)
  assert (camera.width, camera.height) == (400, 200)
  pose = camera.camera_to_world
  np.testing.assert_array_equal(pose[:3, 3], [1, 2, 3])
  np.testing.assert_array_equal(-pose[:3, 2], [0, 1, 0])
  np.testing.assert_array_equal(pose[:3, 1], [0, 0, 1])
  assert moment.styles is None and path.num_frames == 1


def test_keyframes_of_nerfstudio_become_keys(record):
  cameras = record.cameras
  keyframes = [
    {
      "matrix": cameras[i].camera_to_world.ravel().tolist(),
      "fov": 50.0,
      "aspect": 2.0,
      "override_transition_enabled": i == 1,
      "override_transition_sec": 0.5 if i == 1 else None,
    }
    for i in range(3)
  ]
  frame = {
    "camera_to_world": keyframes[1]["matrix"],
    "fov": 50.0,
    "aspect": 2.0,
  }
  fields = _nerfstudio(
    [frame] * 7, keyframes=keyframes, default_transition_sec=3.0, is_cycle=True
  )
  path = camera_path_file.from_text(json.dumps(fields), record, where="x")
  assert [key.time for key in path.keys] == [0.0, 0.5, 3.5]
  assert path.closing_seconds == 3.0 and path.loop
  # Its own frames are shown, not what our splines make of its keys.
  assert path.num_frames == 7
  np.testing.assert_array_equal(
    next(path.frames()).camera_to_world, cameras[1].camera_to_world
  )


def test_keyframes_of_nerfstudio_before_its_first_release(record):
  """Matrices and properties are JSON within JSON, column after column."""
  poses = [record.cameras[i].camera_to_world for i in range(3)]
  keyframes = [
    {
      "matrix": json.dumps(pose.T.ravel().tolist()),
      "fov": 50,
      "aspect": 1.0,
      "properties": json.dumps([["FOV", 50], ["NAME", "1"], ["TIME", time]]),
    }
    for pose, time in zip(poses, (0.0, 0.25, 1.0))
  ]
  fields = _nerfstudio([], keyframes=keyframes)
  path = camera_path_file.from_text(json.dumps(fields), record, where="x")
  assert [key.time for key in path.keys] == [0.0, 1.0, 4.0]
  for key, pose in zip(path.keys, poses):
    np.testing.assert_allclose(key.camera_to_world, pose, atol=1e-12)


def test_a_path_of_another_scene_is_refused(record, tmp_path):
  file = tmp_path / "path.json"
  camera_path_file.write(keyed(record), record, file)
  cameras = dataclasses.replace(
    record.cameras,
    camera_to_world=record.cameras.camera_to_world
    * np.array([1, 1, 1, 2.0])[:, None].T,
  )
  other = dataclasses.replace(
    record, name="other", content_hash="0" * 64, cameras=cameras
  )
  with pytest.raises(ValueError, match="a path of another scene, 'synthetic'"):
    camera_path_file.read(file, other)
  found = camera_path_file.read(file, other, force=True)
  assert len(found.keys) == 3


def test_the_same_scene_at_another_size_takes_it(record, tmp_path):
  file = tmp_path / "path.json"
  camera_path_file.write(keyed(record), record, file)
  smaller = dataclasses.replace(record, content_hash="0" * 64)
  assert len(camera_path_file.read(file, smaller).keys) == 3


def test_a_path_without_a_note_is_refused_by_its_place(record):
  pose = np.eye(4)
  pose[:3, 3] = 1000.0
  frame = {"camera_to_world": pose.ravel().tolist(), "fov": 50, "aspect": 1}
  text = json.dumps(_nerfstudio([frame]))
  with pytest.raises(ValueError, match="it leads to 1.73e\\+03"):
    camera_path_file.from_text(text, record, where="x")
  assert camera_path_file.from_text(text, record, where="x", force=True).given


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("", "not JSON"),
    ("[" * 100_000, "not JSON"),
    ("[1]", "neither camera_path nor keyframes"),
    ('{"camera_path": [{}]}', "'camera_to_world' is missing"),
    ('{"camera_path": 3}', "a field is wrong"),
    ('{"camera_path": [{"camera_to_world": [1, 2], "fov": 3}]}', "a field"),
    ('{"camera_path": [1], "camera_type": "fisheye"}', "'fisheye'; expected"),
    (
      '{"camera_path": [1], "stylized_nerf": {"version": 99}}',
      "a later version",
    ),
  ],
)
def test_bad_files_end_in_one_line(record, tmp_path, text, message):
  file = tmp_path / "bad.json"
  file.write_text(text)
  with pytest.raises(ValueError, match=message) as raised:
    camera_path_file.read(file, record)
  line = str(raised.value)
  assert line.count(str(file)) == 1 and "\n" not in line


def test_a_file_that_is_not_there_or_no_text(record, tmp_path):
  with pytest.raises(ValueError, match="cannot be read: No such file"):
    camera_path_file.read(tmp_path / "absent.json", record)
  (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x81")
  with pytest.raises(ValueError, match="cannot be read: no text"):
    camera_path_file.read(tmp_path / "binary.json", record)
