"""Splats in other frames, and the frame of viewers."""

import dataclasses

import numpy as np
from scipy.spatial import transform

from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes import normalization as normalization_lib
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.splatting import frames
from stylized_nerf_jax.splatting import splats as splats_lib


def _covariances(splats):
  turn = transform.Rotation.from_quat(splats.rotations, scalar_first=True)
  half = turn.as_matrix() * np.exp(splats.log_scales)[:, None, :]
  return half @ np.swapaxes(half, 1, 2)


def test_moved_splats_have_moved_covariances():
  random = np.random.default_rng(0)
  rotations = random.normal(size=(9, 4))
  splats = splats_lib.Splats(
    random.normal(size=(9, 3)),
    random.normal(-1.0, 0.5, (9, 3)),
    rotations / np.linalg.norm(rotations, axis=-1, keepdims=True),
    random.normal(size=9),
  )
  turn = transform.Rotation.random(random_state=1).as_matrix()
  matrix = np.eye(4)
  matrix[:3, :3], matrix[:3, 3] = 2.5 * turn, [1.0, -2.0, 3.0]
  found = frames.moved(splats, matrix)
  np.testing.assert_allclose(
    found.means, 2.5 * splats.means @ turn.T + matrix[:3, 3], rtol=1e-5
  )
  expected = 2.5**2 * turn @ _covariances(splats) @ turn.T
  np.testing.assert_allclose(_covariances(found), expected, rtol=1e-4)
  np.testing.assert_array_equal(found.logits, np.float32(splats.logits))


def test_viewers_see_the_scene_upright():
  """Down is +y, the cameras look towards +z, lengths stay."""
  scene = embedded.make_scene(width=20, height=15)
  normalization = normalization_lib.normalize_scene(scene)
  half = [i for i, d in enumerate(scene.cameras.view_directions) if d[1] > 0.3]
  cameras = scene.cameras[half]
  matrix = frames.upright(cameras, normalization)
  np.testing.assert_allclose(
    matrix[:3, :3] @ [0, 0, 1.0], [0, -1, 0], atol=1e-9
  )
  np.testing.assert_allclose(
    matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-9
  )
  assert np.linalg.det(matrix[:3, :3]) > 0
  ahead = cameras.view_directions.mean(axis=0) @ matrix[:3, :3].T
  assert ahead[2] > 0.3 and abs(ahead[0]) < 1e-6


def test_cameras_that_look_straight_down_have_a_way_forward():
  scene = embedded.make_scene(width=20, height=15)
  normalization = normalization_lib.normalize_scene(scene)
  down = np.eye(4)
  down[:3, 3] = [0.0, 0.0, 3.0]
  camera = dataclasses.replace(scene.cameras[0], camera_to_world=down)
  cameras = cameras_lib.Cameras.from_list([camera])
  matrix = frames.upright(cameras, normalization)
  assert np.isfinite(matrix).all() and abs(np.linalg.det(matrix) - 1) < 1e-9
