"""What is done with pycolmap, on cameras and points that it makes up."""

import numpy as np
import pytest

from stylized_nerf_jax.captures import structure

pycolmap = pytest.importorskip("pycolmap")

_TRUE = [800.0, 340.0, 230.0, 0.05]  # focal length, principal point, k


def _made_up(num_images: int):
  """A reconstruction whose camera starts from the middle of its picture."""
  pycolmap.set_random_seed(0)
  options = pycolmap.SyntheticDatasetOptions()
  options.num_rigs, options.num_frames_per_rig = 1, num_images
  options.num_points3D = 300
  options.camera_width, options.camera_height = 640, 480
  options.camera_params = _TRUE
  reconstruction = pycolmap.synthesize_dataset(options)
  (camera,) = reconstruction.cameras.values()
  camera.params = [810.0, 320.0, 240.0, 0.04]
  return reconstruction, camera


def test_many_images_tell_where_the_principal_point_is():
  reconstruction, _ = _made_up(40)
  assert structure.free_principal_points(reconstruction)
  (camera,) = reconstruction.cameras.values()
  np.testing.assert_allclose(camera.params, _TRUE, rtol=1e-3)


def test_of_few_images_it_stays_in_the_middle():
  reconstruction, camera = _made_up(20)
  before = list(camera.params)
  assert not structure.free_principal_points(reconstruction)
  assert list(camera.params) == before
