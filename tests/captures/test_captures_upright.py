"""Which way is up, and the frame of a captured scene."""

import numpy as np
import pytest
from scipy.spatial import transform

from stylized_nerf_jax.captures import upright
from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes.cameras import Camera, Cameras


def _cameras(poses):
  return Cameras.from_list([Camera(p, 20, 20, 8, 6, 16, 12) for p in poses])


def _ring(count, height, *, arc=2 * np.pi, radius=3.0):
  """Level cameras on an arc about z that look at the origin."""
  poses = []
  for angle in arc * np.arange(count) / count:
    center = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
    poses.append(pose_geometry.look_along(center, [0, 0, 1], center))
  return np.stack(poses)


def _moved(poses, seed=0):
  """Poses in another world, and the rotation that led there."""
  rng = np.random.default_rng(seed)
  rotation = transform.Rotation.random(random_state=rng).as_matrix()
  moved = poses.copy()
  moved[:, :3, :3] = rotation @ poses[:, :3, :3]
  moved[:, :3, 3] = 0.7 * poses[:, :3, 3] @ rotation.T + rng.normal(size=3)
  return moved, rotation


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("arc", [2 * np.pi, 1.5, 0.8])
def test_level_cameras_that_look_down_tell_up(arc, seed):
  # Their mean up axis leans with the arc; the ground plane does not.
  poses, rotation = _moved(_ring(12, 2.5, arc=arc), seed)
  up = upright.up_axis(_cameras(poses))
  np.testing.assert_allclose(up, rotation[:, 2], atol=1e-9)


def test_hands_that_shake_cost_little():
  rng = np.random.default_rng(3)
  poses = _ring(40, 1.5)
  roll = transform.Rotation.from_rotvec(
    np.radians(4) * rng.normal(size=(40, 1)) * [0, 0, 1]
  ).as_matrix()
  poses[:, :3, :3] = poses[:, :3, :3] @ roll
  poses, rotation = _moved(poses)
  up = upright.up_axis(_cameras(poses))
  assert np.degrees(np.arccos(up @ rotation[:, 2])) < 2


def test_forward_facing_cameras_take_their_mean_up():
  poses = np.tile(np.eye(4), (6, 1, 1))
  turns = 0.05 * np.random.default_rng(2).normal(size=(6, 3))
  poses[:, :3, :3] = transform.Rotation.from_rotvec(turns).as_matrix()
  poses[:, :3, 3] = np.random.default_rng(4).normal(size=(6, 3))
  up = upright.up_axis(_cameras(poses))
  assert up @ [0, 1, 0] > np.cos(np.radians(5))
  assert np.linalg.norm(up) == pytest.approx(1)


def test_cameras_turned_every_way_fall_back_to_the_mean():
  poses = np.tile(np.eye(4), (50, 1, 1))
  random = transform.Rotation.random(50, random_state=1)
  poses[:, :3, :3] = random.as_matrix()
  cameras = _cameras(poses)
  np.testing.assert_allclose(
    upright.up_axis(cameras), pose_geometry.mean_up(cameras)
  )


@pytest.mark.parametrize("seed", range(3))
def test_the_frame_is_upright_centred_and_of_unit_size(seed):
  poses, _ = _moved(_ring(10, 1.0, arc=2.0), seed)
  cameras = _cameras(poses)
  turned = upright.upright(cameras)
  found = turned.cameras(cameras)
  np.testing.assert_allclose(
    turned.rotation @ turned.rotation.T, np.eye(3), atol=1e-12
  )
  np.testing.assert_allclose(
    np.linalg.norm(found.centers, axis=-1), 1, atol=1e-9
  )
  np.testing.assert_allclose(pose_geometry.focus_point(found), 0, atol=1e-9)
  # Level cameras have level right axes, and the scene lies ahead.
  np.testing.assert_allclose(found.camera_to_world[:, 2, 0], 0, atol=1e-9)
  ahead = found.view_directions.mean(axis=0)
  assert ahead[0] == pytest.approx(0, abs=1e-9) and ahead[1] > 0
  assert (found.camera_to_world[:, 2, 1] > 0).all()


def test_cameras_in_one_place_keep_their_size():
  poses = np.tile(np.eye(4), (3, 1, 1))
  poses[:, :3, 3] = [1, 2, 3]
  turned = upright.upright(_cameras(poses))
  assert turned.scale == 1
  np.testing.assert_allclose(turned.points(np.array([1.0, 2, 3])), 0, atol=1e-9)
