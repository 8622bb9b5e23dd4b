"""The page's world: there and back, and cameras that see the same."""

import numpy as np
import pytest

from stylized_nerf_jax.scenes import camera_path, scene_record
from stylized_nerf_jax.scenes.readers import formats
from stylized_nerf_jax.viewer.world import World


@pytest.fixture(scope="module")
def record():
  scene = formats.load_scene("synthetic", downsample=10)
  return scene_record.make_scene_record(scene)


def test_poses_go_there_and_back(record):
  world = World(record)
  for camera in record.cameras:
    wxyz, position = world.pose(camera.camera_to_world)
    np.testing.assert_allclose(
      world.camera_to_world(wxyz, position), camera.camera_to_world, atol=1e-9
    )


def test_cameras_of_the_page_look_along_their_z_with_y_down(record):
  world = World(record)
  pose = world.camera_to_world([1.0, 0, 0, 0], [0.0, 0, 0])
  np.testing.assert_allclose(-pose[:3, 2], [0, 0, 1], atol=1e-12)
  np.testing.assert_allclose(pose[:3, 1], [0, -1, 0], atol=1e-12)


def test_fields_of_view_and_sizes(record):
  camera = World(record).camera(
    [1.0, 0, 0, 0], [0.0, 0, 0], fov=np.pi / 2, aspect=1.5, rows=100
  )
  assert (camera.width, camera.height) == (150, 100)
  assert camera_path.fov_of(camera) == pytest.approx(90.0)


def test_what_is_looked_at_is_at_a_size_that_suits_the_controls(record):
  world = World(record)
  centers = world.point(record.cameras.centers)
  away = np.linalg.norm(centers - world.target, axis=-1)
  assert away.mean() == pytest.approx(4.0)
  np.testing.assert_allclose(np.linalg.norm(world.up), 1.0)
  assert 0 < world.spacing < 4
