"""Alignment of two estimates: known similarities, and a search around them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import transform

from stylized_nerf_jax.evaluation import pose_errors
from stylized_nerf_jax.scenes import similarity
from stylized_nerf_jax.scenes.cameras import Camera, Cameras


def _cameras(count, seed=0):
  rng = np.random.default_rng(seed)
  poses = np.tile(np.eye(4), (count, 1, 1))
  random = transform.Rotation.random(count, random_state=seed)
  poses[:, :3, :3] = random.as_matrix()
  poses[:, :3, 3] = rng.normal(size=(count, 3))
  return Cameras.from_list([Camera(p, 20, 20, 8, 6, 16, 12) for p in poses])


def _similarity(seed, scale=0.3):
  rng = np.random.default_rng(seed)
  rotation = transform.Rotation.random(random_state=seed).as_matrix()
  return similarity.Similarity(scale, rotation, rng.normal(size=3))


@settings(max_examples=30, deadline=None)
@given(
  count=st.integers(3, 12),
  seed=st.integers(0, 1000),
  scale=st.floats(1e-3, 1e3),
)
def test_a_similarity_leaves_no_error(count, seed, scale):
  cameras = _cameras(count, seed)
  moved = _similarity(seed + 1, scale).cameras(cameras)
  errors = pose_errors.compare(moved, cameras)
  assert errors.alignment.scale == pytest.approx(1 / scale)
  np.testing.assert_allclose(errors.centers, 0, atol=1e-9)
  np.testing.assert_allclose(errors.rotations, 0, atol=1e-5)


@pytest.mark.parametrize("flat", [False, True])
def test_no_similarity_near_by_fits_better(flat):
  rng = np.random.default_rng(5)
  points = rng.normal(size=(9, 3)) * [1, 1, 0 if flat else 1]
  reference = _similarity(2).points(points) + 0.02 * rng.normal(size=(9, 3))
  found = pose_errors.align_points(points, reference)
  assert np.linalg.det(found.rotation) == pytest.approx(1)

  def cost(fitted):
    return ((fitted.points(points) - reference) ** 2).sum()

  least = cost(found)
  for step in 1e-3 * np.concatenate([np.eye(7), -np.eye(7)]):
    turn = transform.Rotation.from_rotvec(step[:3]).as_matrix()
    other = similarity.Similarity(
      found.scale * (1 + step[6]),
      turn @ found.rotation,
      found.translation + step[3:6],
    )
    assert cost(other) > least


def test_a_mirror_image_is_not_aligned_by_mirroring():
  points = np.random.default_rng(0).normal(size=(8, 3))
  found = pose_errors.align_points(points, points * [1, 1, -1])
  assert np.linalg.det(found.rotation) == pytest.approx(1)


@pytest.mark.parametrize("degrees", [1e-4, 0.5, 30, 179.9])
def test_a_camera_that_is_turned_shows_by_how_much(degrees):
  cameras = _cameras(6)
  poses = cameras.camera_to_world.copy()
  turn = transform.Rotation.from_rotvec([0, np.radians(degrees), 0])
  poses[2, :3, :3] = poses[2, :3, :3] @ turn.as_matrix()
  turned = dataclasses.replace(cameras, camera_to_world=poses)
  errors = pose_errors.compare(_similarity(3).cameras(turned), cameras)
  assert errors.rotations[2] == pytest.approx(degrees, rel=1e-3)
  np.testing.assert_allclose(np.delete(errors.rotations, 2), 0, atol=1e-5)


def test_centres_are_measured_in_the_extent():
  cameras = _cameras(400)
  poses = cameras.camera_to_world.copy()
  poses[7, :3, 3] += [0.2, 0, 0]
  moved = dataclasses.replace(cameras, camera_to_world=poses)
  errors = pose_errors.compare(moved, cameras)
  distances = [
    np.linalg.norm(a - b) for a in cameras.centers for b in cameras.centers
  ]
  assert errors.extent == pytest.approx(max(distances))
  # One of many hardly moves the alignment.
  assert errors.centers[7] == pytest.approx(0.2 / errors.extent, rel=0.02)


def test_what_leaves_the_rotation_open_is_refused():
  line = np.outer(np.arange(5.0), [1, 2, 3])
  for points in (line, line[:2], np.ones((4, 3))):
    with pytest.raises(ValueError, match="lie on a line; expected three"):
      pose_errors.align_points(points, points)
  with pytest.raises(ValueError, match="4 cameras and 3 references"):
    pose_errors.compare(_cameras(4), _cameras(3))
