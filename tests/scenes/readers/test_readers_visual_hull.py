"""The box of silhouettes: nothing seen is lost, and it fits."""

import dataclasses

import numpy as np
import pytest

from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes.readers import visual_hull

_BOX = ((-1.5,) * 3, (1.5,) * 3)
_CENTER, _RADIUS = np.array([0.3, -0.4, 0.2]), 0.5


def _look_at_origin(position):
  forward = -position / np.linalg.norm(position)
  right = np.cross(forward, [0.0, 0.0, 1.0])
  right /= np.linalg.norm(right)
  pose = np.eye(4)
  pose[:3, 0], pose[:3, 1] = right, np.cross(right, forward)
  pose[:3, 2], pose[:3, 3] = -forward, position
  return pose


@pytest.fixture(scope="module")
def cameras():
  angles = np.linspace(0, 2 * np.pi, 9)[:-1]
  heights = np.tile([-0.5, 0.3, 1.5], 3)[:8]
  return camera_lib.Cameras.from_list(
    [
      camera_lib.Camera(
        _look_at_origin(4 * np.array([np.cos(a), np.sin(a), h])),
        *(40.0, 40.0, 32.0, 24.0, 64, 48),
        name=str(i),
      )
      for i, (a, h) in enumerate(zip(angles, heights))
    ]
  )


def _silhouette(camera):
  """Which pixels' rays meet the sphere: loops over nothing but pixels."""
  alpha = np.zeros((camera.height, camera.width), np.float32)
  for row, column in np.ndindex(alpha.shape):
    local = [
      (column + 0.5 - camera.cx) / camera.fl_x,
      -(row + 0.5 - camera.cy) / camera.fl_y,
      -1.0,
    ]
    ray = camera.camera_to_world[:3, :3] @ local
    to_center = _CENTER - camera.camera_to_world[:3, 3]
    along = to_center @ ray / (ray @ ray)
    alpha[row, column] = np.linalg.norm(to_center - along * ray) < _RADIUS
  return alpha


def test_the_box_of_a_sphere_holds_it_and_fits(cameras):
  alphas = [_silhouette(camera) for camera in cameras]
  low, high = np.array(visual_hull.bounding_box(cameras, alphas, _BOX))
  assert (low <= _CENTER - _RADIUS).all()
  assert (high >= _CENTER + _RADIUS).all()
  # A pixel is a tenth of a unit where the sphere is.
  assert (low >= _CENTER - _RADIUS - 0.4).all()
  assert (high <= _CENTER + _RADIUS + 0.4).all()


def test_a_single_opaque_pixel_is_kept(cameras):
  random = np.random.default_rng(0)
  for _ in range(5):
    point = random.uniform(-0.7, 0.7, 3)
    alphas = []
    for camera in cameras:
      alpha = np.zeros((camera.height, camera.width), np.float32)
      pose = camera.camera_to_world
      x, y, z = pose[:3, :3].T @ (point - pose[:3, 3])
      column = int(camera.cx - camera.fl_x * x / z)
      row = int(camera.cy + camera.fl_y * y / z)
      alpha[row, column] = 0.1
      alphas.append(alpha)
    low, high = np.array(visual_hull.bounding_box(cameras, alphas, _BOX))
    assert (low <= point).all()
    assert (point <= high).all()
    assert (high - low < 1.0).all()


def test_what_no_view_sees_may_be_there(cameras):
  """All pictures are empty but for their middle, and show little more."""
  middle = np.zeros((48, 64), np.float32)
  middle[22:26, 30:34] = 1
  narrow = [
    dataclasses.replace(camera, fl_x=200.0, fl_y=200.0) for camera in cameras
  ]
  narrow = camera_lib.Cameras.from_list(narrow)
  middle = [middle] * len(narrow)
  assert visual_hull.bounding_box(narrow, middle, _BOX) == _BOX


def test_an_empty_picture_set_leaves_the_box(cameras):
  alphas = [np.zeros((48, 64), np.float32)] * len(cameras)
  wide = camera_lib.Cameras.from_list(
    [
      camera_lib.Camera(
        camera.camera_to_world, *(12.0, 12.0, 32.0, 24.0, 64, 48)
      )
      for camera in cameras
    ]
  )
  assert visual_hull.bounding_box(wide, alphas, _BOX) == _BOX


def _moved(cameras, scale, offset):
  """The same pictures of a scene that is scaled and moved."""
  poses = cameras.camera_to_world.copy()
  poses[:, :3, 3] = poses[:, :3, 3] * scale + offset
  return dataclasses.replace(cameras, camera_to_world=poses)


def test_a_sphere_is_found_wherever_it_is(cameras):
  scale = 6.0
  alphas = [_silhouette(camera) for camera in cameras]
  assert visual_hull.can_tell(cameras)
  offset = np.array([10.0, -3.0, 5.0])
  moved = _moved(cameras, scale, offset)
  box = visual_hull.find_box(moved, alphas, offset)
  low, high = (np.array(box) - offset) / scale
  assert (low <= _CENTER - _RADIUS).all()
  assert (high >= _CENTER + _RADIUS).all()
  assert (low >= _CENTER - _RADIUS - 0.4).all()
  assert (high <= _CENTER + _RADIUS + 0.4).all()
  assert visual_hull.can_hold(box, moved, alphas)
  assert not visual_hull.can_hold(
    (tuple(box[0]), tuple(offset + scale * _CENTER)), moved, alphas
  )


def test_pictures_without_silhouettes_tell_nothing(cameras):
  full = [np.ones((48, 64), np.float32)] * len(cameras)
  assert visual_hull.find_box(cameras, full, np.zeros(3)) is None


def test_what_reaches_over_the_rim_may_go_on(cameras):
  """A bar that all pictures cut off is not shortened to what they show."""
  bar = np.zeros((48, 64), np.float32)
  bar[22:26] = 1
  narrow = camera_lib.Cameras.from_list(
    [dataclasses.replace(camera, fl_x=200.0, fl_y=200.0) for camera in cameras]
  )
  assert visual_hull.find_box(narrow, [bar] * 8, np.zeros(3)) is None
