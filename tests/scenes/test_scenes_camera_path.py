"""Camera paths: through their keys, closed, and steady between them."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.spatial import transform

from stylized_nerf_jax.scenes import camera_path as path_lib
from stylized_nerf_jax.scenes import cameras as camera_lib


def make_path(count: int = 5, seed: int = 0, **options) -> path_lib.CameraPath:
  """A path through random keys at uneven times."""
  random = np.random.default_rng(seed)
  times = np.cumsum(random.uniform(0.3, 2.0, count))
  keys = []
  for time in times:
    pose = np.eye(4)
    turn = transform.Rotation.from_rotvec(random.uniform(-1, 1, 3))
    pose[:3, :3] = turn.as_matrix()
    pose[:3, 3] = random.normal(size=3)
    keys.append(path_lib.Key(time, pose, random.uniform(20, 80)))
  return path_lib.CameraPath(tuple(keys), **options)


def assert_same(one, other, tolerance=1e-9):
  np.testing.assert_allclose(
    one.camera_to_world, other.camera_to_world, atol=tolerance
  )
  assert one.fov == pytest.approx(other.fov, abs=tolerance)


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("tension", [0.0, 0.7, 1.0])
def test_it_passes_through_its_keys(count, loop, tension):
  path = make_path(count, loop=loop, tension=tension)
  for key in path.keys:
    assert_same(path.at(key.time - path.keys[0].time), key)


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_a_closed_path_ends_where_it_begins_at_the_same_speed(count):
  path = make_path(count, seed=count, loop=True)
  assert_same(path.at(path.seconds), path.at(0.0))
  step = 1e-4
  away = (path.at(step).camera_to_world - path.at(0).camera_to_world) / step
  back = path.at(path.seconds).camera_to_world
  back = (back - path.at(path.seconds - step).camera_to_world) / step
  np.testing.assert_allclose(away, back, atol=2e-2)


def test_frames_of_a_closed_path_show_no_pose_twice():
  path = make_path(3, loop=True, fps=10.0)
  frames = list(path.frames())
  assert len(frames) == path.num_frames == round(10 * path.seconds)
  assert_same(frames[0], path.keys[0])
  last = frames[-1].camera_to_world - frames[0].camera_to_world
  assert np.abs(last).max() > 1e-3


def test_frames_of_an_open_path_hold_both_ends():
  keys = make_path(3).keys
  keys = [dataclasses.replace(k, time=i * 0.5) for i, k in enumerate(keys)]
  frames = list(path_lib.CameraPath(tuple(keys), fps=8.0).frames())
  assert len(frames) == 9
  for frame, key in zip(frames[::4], keys):
    assert_same(frame, key)


@pytest.mark.parametrize("loop", [False, True])
def test_every_pose_is_rigid_and_every_view_between_those_of_the_keys(loop):
  path = make_path(6, loop=loop, fps=20.0)
  fovs = [key.fov for key in path.keys]
  for frame in path.frames():
    camera_lib.check_pose(frame.camera_to_world, where="frame")
    assert min(fovs) - 1e-9 <= frame.fov <= max(fovs) + 1e-9


def test_a_straight_walk_at_even_times_is_at_an_even_pace():
  """Three-point tangents are exact for parabolas, and so for lines."""
  keys = []
  for time in (0.0, 1.0, 1.5, 4.0):
    pose = np.eye(4)
    pose[:3, 3] = time * np.array([1.0, -2.0, 0.5])
    keys.append(path_lib.Key(time, pose, 50.0))
  path = path_lib.CameraPath(tuple(keys))
  for time in np.linspace(0, 4, 13):
    np.testing.assert_allclose(
      path.at(time).camera_to_world[:3, 3],
      time * np.array([1.0, -2.0, 0.5]),
      atol=1e-9,
    )


def test_styles_go_over_into_each_other():
  poses = [key.camera_to_world for key in make_path(4).keys]
  said = [
    ({}, 1.0),
    ({"a": 2.0}, 1.0),
    ({"b": 1.0}, 0.5),
    ({"a": 1.0, "b": 3.0}, 1.0),
  ]
  path = path_lib.CameraPath(
    tuple(
      path_lib.Key(float(i), pose, 40.0, styles, intensity)
      for i, (pose, (styles, intensity)) in enumerate(zip(poses, said))
    )
  )
  # From the scene as photographed to a: a's intensity grows.
  assert path.at(0.0).styles == {}
  assert path.at(0.25).styles == {"a": 1.0}
  assert path.at(0.25).intensity == pytest.approx(0.25)
  # From all of a to half of b: 0.5 of a and 0.25 of b are shown.
  middle = path.at(1.5)
  assert middle.intensity == pytest.approx(0.75)
  assert middle.styles == pytest.approx({"a": 2 / 3, "b": 1 / 3})
  end = path.at(3.0)
  assert end.styles == pytest.approx({"a": 0.25, "b": 0.75})
  assert end.intensity == 1.0
  for time in np.linspace(0.01, 3, 50):
    assert sum(path.at(time).styles.values()) == pytest.approx(1.0)


def test_a_closed_path_takes_its_styles_back():
  poses = [key.camera_to_world for key in make_path(2).keys]
  path = path_lib.CameraPath(
    tuple(
      path_lib.Key(float(i), pose, 40.0, {name: 1.0})
      for i, (pose, name) in enumerate(zip(poses, "ab"))
    ),
    loop=True,
    closing_seconds=2.0,
  )
  assert path.seconds == 3.0
  assert path.at(2.0).styles == pytest.approx({"a": 0.5, "b": 0.5})
  assert path.at(3.0).styles == pytest.approx({"a": 1.0})


def test_without_styles_it_says_none():
  path = make_path(3)
  assert not path.says_styles
  assert path.at(0.4).styles is None and path.at(0.4).intensity == 1.0


def test_the_field_of_view_is_that_of_the_height():
  moment = make_path(1).at(0.0)
  moment = dataclasses.replace(moment, fov=90.0)
  camera = moment.camera(300, 200)
  assert camera.fl_x == camera.fl_y == pytest.approx(100.0)
  assert (camera.cx, camera.cy) == (150.0, 100.0)
  assert path_lib.fov_of(camera) == pytest.approx(90.0)


def test_another_size_shows_as_much_from_top_to_bottom():
  camera = camera_lib.Camera(np.eye(4), 50.0, 60.0, 42.0, 31.0, 80, 60)
  wide = path_lib.resized(camera, 240, 120)
  assert path_lib.fov_of(wide) == pytest.approx(path_lib.fov_of(camera))
  assert (wide.width, wide.height) == (240, 120)
  # The ray through the principal point stays, and pixels stay as they were.
  assert wide.fl_x / wide.fl_y == pytest.approx(50 / 60)
  assert (wide.cx - 120) / 2 == pytest.approx(42 - 40)
  same = path_lib.resized(camera, 40, 30)
  assert (same.cx, same.cy) == (21.0, 15.5)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"fov": 0.0}, "field of view is 0"),
    ({"fov": math.nan}, "field of view is nan"),
    ({"intensity": 1.5}, "intensity is 1.5"),
    ({"styles": {"a": -1.0, "b": 2.0}}, "weights of styles"),
    ({"styles": {"a": 0.0}}, "weights of styles"),
    ({"camera_to_world": np.eye(4) * 2}, "the last row"),
  ],
)
def test_bad_keys_are_named(change, message):
  key = make_path(1).keys[0]
  with pytest.raises(ValueError, match=message):
    dataclasses.replace(key, **change)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"keys": ()}, "no keys"),
    ({"fps": 0.0}, "frames per second"),
    ({"width": 0}, "width is 0"),
    ({"tension": 2.0}, "tension is 2"),
    ({"closing_seconds": 0.0, "loop": True}, "closing_seconds is 0"),
    ({"fps": 1000.0, "closing_seconds": 1e6, "loop": True}, "more than"),
  ],
)
def test_bad_paths_are_named(change, message):
  with pytest.raises(ValueError, match=message):
    dataclasses.replace(make_path(3), **change)


def test_times_have_to_grow():
  keys = make_path(3).keys
  with pytest.raises(ValueError, match="times that grow"):
    path_lib.CameraPath((keys[0], keys[2], keys[1]))
