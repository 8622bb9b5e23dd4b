"""Average pose, focus point, slerp: plain loops and closed forms."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes.cameras import Camera, Cameras


def _cameras(poses):
  return Cameras.from_list([Camera(p, 20, 20, 8, 6, 16, 12) for p in poses])


def _random_poses(count, spread, seed=0):
  """Poses near the identity, turned by up to `spread` radians."""
  rng = np.random.default_rng(seed)
  poses = np.tile(np.eye(4), (count, 1, 1))
  turns = spread * rng.uniform(-1, 1, (count, 3))
  poses[:, :3, :3] = [_turn(turn) for turn in turns]
  poses[:, :3, 3] = rng.normal(size=(count, 3))
  return poses


def test_average_pose_equals_a_plain_loop():
  poses = _random_poses(7, 0.5)
  center, back, up = [0.0] * 3, [0.0] * 3, [0.0] * 3
  for pose in poses:
    for i in range(3):
      center[i] += pose[i, 3] / len(poses)
      back[i] += pose[i, 2]
      up[i] += pose[i, 1]

  def normalised(v):
    length = sum(x * x for x in v) ** 0.5
    return [x / length for x in v]

  def cross(a, b):
    return [
      a[1] * b[2] - a[2] * b[1],
      a[2] * b[0] - a[0] * b[2],
      a[0] * b[1] - a[1] * b[0],
    ]

  z = normalised(back)
  x = normalised(cross(up, z))
  y = normalised(cross(z, x))
  average = pose_geometry.average_pose(_cameras(poses))
  np.testing.assert_allclose(
    average[:3], np.stack([x, y, z, center], axis=-1), atol=1e-12
  )


def test_average_pose_needs_a_common_direction(look_at_origin):
  poses = [look_at_origin(a, 0.0) for a in (0, np.pi)]
  with pytest.raises(ValueError, match="cancel out"):
    pose_geometry.average_pose(_cameras(poses))


def test_focus_is_where_the_axes_meet(look_at_origin):
  shift = np.array([1.0, -2.0, 0.5])
  poses = np.stack([look_at_origin(a, 0.1 * a, 3 + a) for a in range(5)])
  poses[:, :3, 3] += shift
  np.testing.assert_allclose(
    pose_geometry.focus_point(_cameras(poses)), shift, atol=1e-12
  )


def test_focus_minimises_the_distances_to_the_axes():
  poses = _random_poses(6, 0.5, seed=3)
  # Stand back, so that the axes meet in front.
  poses[:, :3, 3] += 6 * poses[:, :3, 2]
  cameras = _cameras(poses)

  def cost(point):
    total = 0.0
    for center, axis in zip(
      cameras.centers, cameras.view_directions, strict=True
    ):
      total += np.linalg.norm(np.cross(point - center, axis)) ** 2
    return total

  focus = pose_geometry.focus_point(cameras)
  for direction in np.concatenate([np.eye(3), -np.eye(3)]):
    assert cost(focus + 1e-2 * direction) > cost(focus)


def test_without_a_focus_the_middle_stands_in(look_at_origin):
  parallel = _random_poses(4, 0.0)
  outwards = np.stack([look_at_origin(a, 0.0) for a in (0, 1, 2, 3)])
  outwards[:, :3, 0] *= -1
  outwards[:, :3, 2] *= -1
  for poses in (parallel, outwards):
    np.testing.assert_allclose(
      pose_geometry.focus_point(_cameras(poses)), poses[:, :3, 3].mean(axis=0)
    )


def test_mean_up_falls_back_to_z():
  poses = _random_poses(2, 0.0)
  np.testing.assert_allclose(pose_geometry.mean_up(_cameras(poses)), [0, 1, 0])
  poses[1, :3, :2] *= -1
  np.testing.assert_allclose(pose_geometry.mean_up(_cameras(poses)), [0, 0, 1])


_axis = st.tuples(*[st.floats(-1, 1)] * 3).filter(
  lambda v: np.linalg.norm(v) > 1e-3
)


@settings(max_examples=50, deadline=None)
@given(direction=_axis)
def test_rotation_to_z(direction):
  direction = pose_geometry.unit(np.array(direction))
  rotation = pose_geometry.rotation_to_z(direction)
  np.testing.assert_allclose(rotation @ direction, [0, 0, 1], atol=1e-6)
  np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
  assert np.linalg.det(rotation) > 0


@pytest.mark.parametrize("tilt", [1e-11, 1e-7, 1.6e-5, 1e-3])
def test_rotation_to_z_of_nearly_its_opposite(tilt):
  direction = pose_geometry.unit(np.array([tilt, 0.5 * tilt, -1.0]))
  rotation = pose_geometry.rotation_to_z(direction)
  np.testing.assert_allclose(rotation @ direction, [0, 0, 1], atol=1e-12)
  np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)


def test_rotation_to_z_of_its_opposite():
  rotation = pose_geometry.rotation_to_z(np.array([0.0, 0.0, -1.0]))
  np.testing.assert_allclose(rotation @ [0, 0, -1], [0, 0, 1])
  assert np.linalg.det(rotation) == pytest.approx(1)


@settings(max_examples=50, deadline=None)
@given(back=_axis, up=_axis)
def test_looking_along_any_direction_gives_a_pose(back, up):
  pose = pose_geometry.look_along(np.array(back), np.array(up), np.ones(3))
  np.testing.assert_allclose(
    pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-6
  )
  np.testing.assert_allclose(
    pose[:3, 2], pose_geometry.unit(np.array(back)), atol=1e-9
  )
  assert pose[:3, 1] @ up >= -1e-6


@pytest.mark.parametrize("back", [[0, 0, 1], [0, -2, 0], [1, 1, 1]])
def test_looking_along_up_still_gives_a_pose(back):
  back = np.array(back, dtype=float)
  pose = pose_geometry.look_along(back, back, np.zeros(3))
  np.testing.assert_allclose(
    pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9
  )


def _turn(vector):
  """The rotation of a rotation vector: e to the cross product with it."""
  x, y, z = vector
  return scipy.linalg.expm(np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]))


@settings(max_examples=50, deadline=None)
@given(
  start=st.tuples(*[st.floats(-3, 3)] * 3),
  axis=_axis,
  angle=st.floats(0, np.pi - 1e-3),
  fraction=st.floats(-0.5, 1.5),
)
def test_slerp_turns_at_constant_speed(start, axis, angle, fraction):
  first = _turn(start)
  turn = angle * pose_geometry.unit(np.array(axis))
  second = first @ _turn(turn)
  actual = pose_geometry.slerp(first, second, fraction)
  np.testing.assert_allclose(actual, first @ _turn(fraction * turn), atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(axis=_axis, angle=st.floats(-7, 7))
def test_rotation_about_an_axis(axis, angle):
  axis = pose_geometry.unit(np.array(axis))
  actual = pose_geometry.axis_rotation(axis, angle)
  np.testing.assert_allclose(actual, _turn(angle * axis), atol=1e-12)


def test_slerp_of_equal_and_opposite_rotations():
  first = _turn([0.3, 0.2, 0.1])
  np.testing.assert_allclose(
    pose_geometry.slerp(first, first, 0.3), first, atol=1e-9
  )
  axis = pose_geometry.unit(np.array([1.0, -2.0, 3.0]))
  second = first @ (2 * np.outer(axis, axis) - np.eye(3))
  half = pose_geometry.slerp(first, second, 0.5)
  # Either way round is short; half of it squared is all of it.
  np.testing.assert_allclose(
    first.T @ half @ first.T @ half, first.T @ second, atol=1e-6
  )
  np.testing.assert_allclose(
    pose_geometry.slerp(first, second, 1.0), second, atol=1e-6
  )


@settings(deadline=None)
@given(
  axis=_axis,
  angle=st.one_of(st.floats(0, np.pi), st.sampled_from([np.pi, np.pi - 1e-9])),
)
def test_quaternions_there_and_back(axis, angle):
  """Its parts are cosine and sine of half the angle (Hamilton)."""
  axis = pose_geometry.unit(np.array(axis))
  expected = np.array([np.cos(angle / 2), *(np.sin(angle / 2) * axis)])
  turn = _turn(angle * axis)
  found = pose_geometry.quaternion(turn)
  assert found[0] >= 0
  # A quaternion and its negative are one rotation.
  assert abs(found @ expected) == pytest.approx(1, abs=1e-12)
  for scale in (1, -1, 1.005):
    back = pose_geometry.from_quaternion(scale * found, where="", again="")
    np.testing.assert_allclose(back, turn, atol=1e-9)
