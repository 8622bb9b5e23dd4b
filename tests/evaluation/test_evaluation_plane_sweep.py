"""The plane sweep's parts against loops, and its verdict on a noisy wall."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.evaluation import plane_sweep
from stylized_nerf_jax.scenes.cameras import Camera, Cameras

_SIZE = (40, 30)  # width, height
_DISTANCE = 4.0


def test_window_means_equal_a_loop():
  values = np.random.default_rng(0).random((12, 9)).astype(np.float32)
  half = plane_sweep._WINDOW // 2
  padded = np.pad(values, half)
  expected = [
    [padded[y : y + 7, x : x + 7].sum() / 49 for x in range(9)]
    for y in range(12)
  ]
  actual = jax.jit(plane_sweep._window_mean)(values)
  np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_samples_equal_a_loop():
  random = np.random.default_rng(0)
  picture = random.random((5, 6)).astype(np.float32)
  xy = random.uniform(-1, 7, (200, 2)).astype(np.float32)
  xy[:3] = [[0.5, 0.5], [5.5, 4.5], [0.49, 2.0]]
  values, inside = jax.jit(plane_sweep._sample)(picture, xy)
  for (x, y), value, is_in in zip(xy - np.float32(0.5), values, inside):
    assert is_in == (0 <= x <= 5 and 0 <= y <= 4)
    if is_in:
      column, row = min(int(x), 4), min(int(y), 3)
      u, v = x - column, y - row
      four = picture[row : row + 2, column : column + 2]
      expected = np.array([1 - v, v]) @ four @ np.array([1 - u, u])
      assert value == pytest.approx(expected, abs=1e-5)


def _wall(count=3, step=0.5):
  """Views of a wall of smooth noise, 4 units away, moving along x."""
  noise = np.random.default_rng(3).random((60, 60))
  cameras, pictures = [], {}
  for i in range(count):
    pose = np.eye(4)
    pose[0, 3] = i * step
    cameras.append(Camera(pose, 40, 40, 20, 15, *_SIZE))
    x, y = np.meshgrid(np.arange(40) - 19.5, np.arange(30) - 14.5)
    # A cell of noise is 5 pixels wide.
    x = (x * _DISTANCE / 40 + i * step) * 2 + 20
    y = y * _DISTANCE / 40 * 2 + 20
    column, row = x.astype(int), y.astype(int)
    u, v = x - column, y - row
    pictures[i] = (
      noise[row, column] * (1 - u) * (1 - v)
      + noise[row, column + 1] * u * (1 - v)
      + noise[row + 1, column] * (1 - u) * v
      + noise[row + 1, column + 1] * u * v
    )
  return pictures, Cameras.from_list(cameras)


def test_true_poses_correlate_and_wrong_ones_do_not():
  pictures, cameras = _wall()
  pairs = [(0, 1), (1, 2), (1, 0)]
  bounds = {"near": 1.0, "far": 100.0}
  true = plane_sweep.score_pairs(pictures, cameras, pairs, **bounds)
  assert (true > 0.9).all()
  upwards = cameras.camera_to_world.copy()
  upwards[:, :2, 3] = upwards[:, 1::-1, 3]
  wrong = [
    plane_sweep.score_pairs(
      pictures,
      dataclasses.replace(cameras, camera_to_world=poses),
      pairs,
      **bounds,
    )
    for poses in (
      cameras.camera_to_world * [-1, 1, 1, 1],
      upwards,
    )
  ]
  assert np.max(wrong) < true.min() - 0.2


def test_views_that_share_nothing_score_nothing():
  pictures, cameras = _wall(2)
  poses = cameras.camera_to_world.copy()
  poses[1, :3, :3] = np.diag([-1.0, 1, -1])  # looks away
  turned = dataclasses.replace(cameras, camera_to_world=poses)
  score = plane_sweep.score_pairs(pictures, turned, [(0, 1)], near=1, far=9)
  assert score == [0.0]
  flat = {i: np.full((30, 40), 0.5) for i in range(2)}
  score = plane_sweep.score_pairs(flat, cameras, [(0, 1)], near=1, far=9)
  assert score == [0.0]
  assert jnp.isfinite(score).all()
