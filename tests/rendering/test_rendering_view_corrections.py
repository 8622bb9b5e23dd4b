"""Exposure against its closed form; twists against matrix exponentials."""

import jax
import numpy as np
import pytest
import scipy.linalg
from skimage import color

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import view_corrections

_move = jax.jit(view_corrections.move)
_expose = jax.jit(view_corrections.expose)
_to_linear = jax.jit(view_corrections.to_linear)
_from_linear = jax.jit(view_corrections.from_linear)
_rotation = jax.jit(view_corrections.rotation)
_turning = jax.jit(jax.jacobian(view_corrections.rotation))
_without_shared = jax.jit(view_corrections.without_shared)


def _cameras(count=5, seed=0):
  rng = np.random.default_rng(seed)
  poses = np.zeros((count, 3, 4))
  for i in range(count):
    skew = _cross(rng.normal(size=3))
    poses[i, :, :3] = scipy.linalg.expm(skew)
    poses[i, :, 3] = rng.normal(size=3)
  return rays_lib.CameraArrays(
    np.float32(poses), np.ones((count, 4)), np.zeros((count, 4))
  )


def _cross(vector):
  """Returns the matrix of a cross product with a vector."""
  return np.cross(np.eye(3), vector)


def test_srgb_is_that_of_others():
  """scikit-image converts to XYZ; of a grey its Y is the linear light."""
  values = np.linspace(0, 1, 101)
  greys = np.repeat(values[:, None], 3, axis=1)
  expected = color.rgb2xyz(greys[None])[0, :, 1]
  actual = _to_linear(np.float32(values))
  np.testing.assert_allclose(actual, expected, atol=1e-5)
  again = _from_linear(actual)
  np.testing.assert_allclose(again, values, atol=1e-6)


def test_a_stop_doubles_the_light():
  colors = np.float32([[0.2, 0.5, 0.0]])
  brighter = _expose(colors, np.float32([[1.0, -1.0, 3.0]]))
  light = _to_linear(brighter)
  before = np.asarray(_to_linear(colors))
  np.testing.assert_allclose(light, before * np.array([2, 0.5, 8]), rtol=1e-4)


def test_exposure_has_derivatives_at_black():
  gradients = jax.jit(
    jax.grad(
      lambda colors, stops: view_corrections.expose(colors, stops).sum(),
      argnums=(0, 1),
    )
  )(np.zeros(3), np.zeros(3))
  assert all(np.isfinite(leaf).all() for leaf in gradients)


@pytest.mark.parametrize("size", [0.0, 1e-5, 1e-3, 0.3, 3.0])
def test_turns_are_matrix_exponentials(size):
  vector = size * np.array([2.0, -1.0, 2.0]) / 3
  expected = scipy.linalg.expm(_cross(vector))
  actual = _rotation(np.float32(vector))
  np.testing.assert_allclose(actual, expected, atol=1e-6)
  derivative = _turning(np.float32(vector))
  assert np.isfinite(derivative).all()
  if size == 0.0:
    for axis in range(3):
      np.testing.assert_array_equal(
        derivative[..., axis], _cross(np.eye(3)[axis])
      )


def test_a_twist_turns_a_camera_about_its_centre_and_shifts_it():
  cameras = _cameras()
  twists = np.random.default_rng(1).normal(size=(5, 6)) * 0.2
  moved = _move(cameras, np.float32(twists)).camera_to_model
  for i in range(5):
    pose = np.asarray(cameras.camera_to_model[i], np.float64)
    turn = scipy.linalg.expm(_cross(twists[i, :3]))
    np.testing.assert_allclose(moved[i, :, :3], turn @ pose[:, :3], atol=1e-6)
    np.testing.assert_allclose(
      moved[i, :, 3], pose[:, 3] + twists[i, 3:], atol=1e-6
    )


def test_what_moves_the_whole_capture_is_taken_out():
  """A small turn about any point, a shift and a scaling leave nothing."""
  cameras = _cameras(6)
  centers = np.asarray(cameras.camera_to_model[:, :, 3])
  shared = view_corrections.shared_motions(centers)
  assert shared.shape == (6, 6, 7)
  turn, pivot = np.array([0.1, -0.2, 0.3]), np.array([2.0, 0.5, -1.0])
  shift = np.cross(turn, centers - pivot) + 0.4 * (centers - pivot)
  twists = np.concatenate([np.tile(turn, (6, 1)), shift], axis=1)
  left = _without_shared(twists, shared)
  np.testing.assert_allclose(left, 0, atol=1e-5)
  # What one camera does by itself mostly stays, and stays when asked again.
  twists = np.zeros((6, 6))
  twists[2, 4] = 1.0
  left = _without_shared(twists, shared)
  assert np.linalg.norm(left) > 0.7
  again = _without_shared(left, shared)
  np.testing.assert_allclose(again, left, atol=1e-6)


def test_a_single_view_has_nothing_of_its_own():
  shared = view_corrections.shared_motions(np.array([[1.0, 2.0, 3.0]]))
  left = _without_shared(np.ones((1, 6)), shared)
  np.testing.assert_allclose(left, 0, atol=1e-6)


def test_the_mean_exposure_is_no_difference():
  stops = np.float32(np.random.default_rng(2).normal(size=(4, 3)) + 3)
  left = np.asarray(jax.jit(view_corrections.centred)(stops))
  np.testing.assert_allclose(left.mean(axis=0), 0, atol=1e-6)
  np.testing.assert_allclose(left[0] - left[1], stops[0] - stops[1], atol=1e-5)
