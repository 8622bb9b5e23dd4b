"""What is done with pycolmap, on cameras and points that it makes up."""

import numpy as np
import pytest

from stylized_nerf_jax.captures import mapping, structure

pytest.importorskip("PIL.Image")  # After pycolmap, its PNG writer breaks.
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
  assert mapping.free_principal_points(reconstruction)
  (camera,) = reconstruction.cameras.values()
  np.testing.assert_allclose(camera.params, _TRUE, rtol=1e-3)


def test_of_few_images_it_stays_in_the_middle():
  reconstruction, camera = _made_up(20)
  before = list(camera.params)
  assert not mapping.free_principal_points(reconstruction)
  assert list(camera.params) == before


def _database(path, matches):
  """Writes images 1, 2, ... and how many matches pairs of them have."""
  count = max(number for pair in matches for number in pair)
  with pycolmap.Database.open(path) as database:
    camera = pycolmap.Camera.create_from_model_name(0, "OPENCV", 100.0, 128, 96)
    number = database.write_camera(camera)
    for i in range(count):
      image = pycolmap.Image(name=f"{i + 1}.png", camera_id=number)
      database.write_image(image)
    for pair, inliers in matches.items():
      geometry = pycolmap.TwoViewGeometry()
      geometry.config = pycolmap.TwoViewGeometryConfiguration.UNCALIBRATED
      rows = np.arange(inliers, dtype=np.uint32)
      geometry.inlier_matches = np.stack([rows, rows], axis=-1)
      database.write_two_view_geometry(*pair, geometry)


def test_images_that_matches_hold_together_are_counted(tmp_path):
  _database(
    tmp_path / "database.db",
    # Two chains of three and four, and a bridge that mapping would not take.
    {(1, 2): 20, (2, 3): 15, (3, 4): 14, (4, 5): 40, (6, 7): 16, (7, 5): 30},
  )
  assert structure.connected(tmp_path) == 4


def test_images_that_share_nothing_are_none(tmp_path):
  _database(tmp_path / "database.db", {(1, 2): 3})
  assert structure.connected(tmp_path) == 0


@pytest.mark.parametrize("lens", mapping.ONE_FOCAL)
def test_one_focal_length_replaces_two(tmp_path, lens):
  _database(tmp_path / "database.db", {(1, 2): 20})
  with pycolmap.Database.open(tmp_path / "database.db") as database:
    camera = pycolmap.Camera.create_from_model_name(
      1, structure.LENSES[lens], 90.0, 128, 96
    )
    camera.has_prior_focal_length = True
    database.update_camera(camera)
  before = (tmp_path / "database.db").read_bytes()
  (tmp_path / "copy").mkdir()
  copy = mapping.with_one_focal(
    tmp_path / "database.db", tmp_path / "copy", lens
  )
  with pycolmap.Database.open(copy) as database:
    (changed,) = database.read_all_cameras()
  assert len(changed.focal_length_idxs()) == 1
  assert changed.focal_length == 90 and changed.has_prior_focal_length
  assert (changed.principal_point_x, changed.principal_point_y) == (64, 48)
  assert (tmp_path / "database.db").read_bytes() == before


def test_a_model_whose_focal_lengths_ran_away_is_not_plausible(tmp_path):
  reconstruction, camera = _made_up(6)
  reconstruction.write_binary(tmp_path)
  model = mapping.Model(str(tmp_path), (), 0, 0.0)
  kept = mapping.keep(model, tmp_path, tmp_path / "kept")
  assert kept.plausible and len(kept.images) == 6
  assert kept.images == tuple(sorted(kept.images)) and kept.num_points > 100
  camera.model = pycolmap.CameraModelId.PINHOLE
  camera.params = [300.0, 500.0, 320.0, 240.0]
  reconstruction.write_binary(tmp_path)
  assert not mapping.keep(model, tmp_path, tmp_path / "kept").plausible
