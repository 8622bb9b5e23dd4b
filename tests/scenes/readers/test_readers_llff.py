"""LLFF: axes, sizes, pairing, splits, layouts, and what is refused."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes.readers.formats import load_scene


def _edit(root, change):
  table = np.load(root / "poses_bounds.npy")
  np.save(root / "poses_bounds.npy", change(table))


def test_axes_are_turned_and_nothing_is_moved(write_llff):
  root, table = write_llff(3, all_round=True)
  cameras = load_scene(root).cameras
  for camera, row in zip(cameras, table, strict=True):
    down, right, back, center, _ = row[:15].reshape(3, 5).T
    expected = np.stack([right, -down, back, center], axis=-1)
    np.testing.assert_allclose(camera.camera_to_world[:3], expected)
    np.testing.assert_array_equal(camera.camera_to_world[3], [0, 0, 0, 1])


def test_focal_length_follows_the_size_of_the_images(write_llff):
  root, _ = write_llff(2, folder="images_4", size=(8, 6))
  camera = load_scene(root, downsample=4).cameras[0]
  assert (camera.width, camera.height) == (8, 6)
  assert (camera.fl_x, camera.fl_y) == (10.0, 10.0)
  assert (camera.cx, camera.cy) == (4.0, 3.0)


def test_missing_folder_is_made_from_the_nearest_larger(write_llff):
  write_llff(2, folder="images", size=(16, 12))
  root, _ = write_llff(2, folder="images_2", size=(8, 6))
  scene = load_scene(root, downsample=4)
  assert scene.images[0].shape == (3, 4, 3)
  half = load_scene(root, downsample=2).images[0]
  expected = half.reshape(3, 2, 4, 2, 3).mean(axis=(1, 3))
  np.testing.assert_allclose(scene.images[0], expected, atol=1e-6)
  assert scene.cameras[0].fl_x == pytest.approx(5.0)


def test_poses_pair_with_plain_order_images_come_in_natural_order(write_llff):
  names = ["im10.png", "im2.png", "im1.png"]
  root, table = write_llff(names=names)
  scene = load_scene(root)
  assert scene.cameras.names == ("im1.png", "im2.png", "im10.png")
  # LLFF wrote row 0 for im1, row 1 for im10, row 2 for im2.
  x = scene.cameras.centers[:, 0]
  np.testing.assert_allclose(x, table[[0, 2, 1], 3])


@pytest.mark.parametrize(
  ("holdout", "test"), [(8, (0, 8)), (3, (0, 3, 6, 9)), (0, ())]
)
def test_every_nth_image_is_held_out(write_llff, holdout, test):
  root, _ = write_llff(10)
  scene = load_scene(root, holdout=holdout)
  assert scene.splits["test"] == test
  assert sorted(scene.splits["train"] + test) == list(range(10))


def test_bounds_become_near_and_far(write_llff):
  root, _ = write_llff(4)
  scene = load_scene(root)
  assert (scene.near, scene.far) == (2.0, 13.0)


def test_layout_is_seen_from_the_viewing_directions(write_llff):
  root, _ = write_llff(4)
  scene = load_scene(root)
  assert scene.layout == "forward_facing"
  assert "forward-facing" in scene.messages[0]
  root, _ = write_llff(8, all_round=True)
  scene = load_scene(root)
  assert scene.layout == "bounded"
  assert "all-round" in scene.messages[0]


def test_forward_facing_angle_of_one_camera(write_llff):
  root, _ = write_llff(1)
  facing, angle = pose_geometry.is_forward_facing(
    load_scene(root, holdout=0).cameras
  )
  assert facing
  assert angle == pytest.approx(np.degrees(np.arctan(np.hypot(8, 6) / 20)))


@pytest.mark.parametrize(
  ("change", "words"),
  [
    (lambda t: t[:-1], ["3 poses", "4 images"]),
    (lambda t: t[:, :16], ["[4, 16]", "[images, 17]"]),
    (lambda t: t[0], ["[17]"]),
    (lambda t: np.where(np.arange(17) == 3, np.nan, t), ["row 0", "NaN"]),
    (lambda t: t * np.where(np.arange(17) == 14, 0, 1), ["fl_x is 0"]),
    (lambda t: t[:, [*range(15), 16, 15]], ["near bound is 10", "far bound"]),
    (lambda t: t * np.where(np.arange(17) < 15, 2, 1), ["row 0", "rigid"]),
    (lambda t: t * np.where(np.arange(17) % 5 == 0, -1, 1), ["mirrors"]),
    (lambda t: t * np.where(np.arange(17) == 4, 2, 1), ["aspect"]),
    (lambda t: t * np.where(np.arange(17) == 4, 0, 1), ["height 0"]),
    (lambda t: t.astype(str), ["numbers"]),
  ],
)
def test_bad_tables_are_refused(write_llff, change, words):
  root, _ = write_llff(4)
  _edit(root, change)
  with pytest.raises(ValueError, match="poses_bounds.npy") as error:
    load_scene(root)
  for word in words:
    assert word in str(error.value)
  assert "\n" not in str(error.value)


def test_unreadable_table_is_refused(write_llff):
  root, _ = write_llff(2)
  (root / "poses_bounds.npy").write_bytes(b"")
  with pytest.raises(ValueError, match="not a readable .npy"):
    load_scene(root)
  np.save(root / "poses_bounds.npy", np.array([{}]), allow_pickle=True)
  with pytest.raises(ValueError, match="not a readable .npy"):
    load_scene(root)


def test_bad_folders_are_refused(write_llff):
  root, _ = write_llff(2, folder="images_4", size=(4, 3))
  with pytest.raises(ValueError, match="images_4.*set downsample to 4"):
    load_scene(root)
  for path in (root / "images_4").iterdir():
    path.unlink()
  with pytest.raises(ValueError, match="images_4: no images"):
    load_scene(root, downsample=4)


def test_a_damaged_image_is_refused(write_llff):
  root, _ = write_llff(3)
  path = root / "images/image002.png"
  path.write_bytes(path.read_bytes()[:-30])
  with pytest.raises(ValueError, match="image002.png: the image is damaged"):
    load_scene(root)


def test_images_of_different_sizes_are_refused(write_llff, write_picture):
  root, _ = write_llff(3)
  write_picture(root / "images" / "image002.png", 32, 24)
  with pytest.raises(ValueError, match=r"image002.png.*32x24.*16x12"):
    load_scene(root)


_finite = st.floats(-3, 3, allow_nan=False)


@settings(
  max_examples=60,
  deadline=None,
  suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
  column=st.integers(0, 16),
  row=st.integers(0, 2),
  value=st.one_of(_finite, st.just(np.nan), st.just(np.inf), st.just(0.0)),
)
def test_a_changed_number_loads_rigid_or_is_refused(
  write_llff, column, row, value
):
  """Whatever one number becomes: a rigid scene, or one line that says why."""
  root, table = write_llff(3, size=(4, 3))
  table[row, column] = value
  np.save(root / "poses_bounds.npy", table)
  try:
    scene = load_scene(root)
  except ValueError as error:
    message = str(error)
    assert "poses_bounds.npy" in message
    assert "\n" not in message
    return
  rotations = scene.cameras.camera_to_world[:, :3, :3]
  gram = np.swapaxes(rotations, 1, 2) @ rotations
  assert np.abs(gram - np.eye(3)).max() <= 1e-3
  assert np.isfinite(scene.cameras.camera_to_world).all()
  assert 0 < scene.near < scene.far
  assert (scene.cameras.fl_x > 0).all()


@pytest.mark.real_data
def test_fern(real_data):
  scene = load_scene(real_data / "scenes" / "fern", downsample=8)
  assert len(scene) == len(scene.images) == 20
  assert scene.layout == "forward_facing"
  assert scene.splits["test"] == (0, 8, 16)
  assert len(scene.split("train")) == 17
  image = scene.images[0]
  assert image.shape == (378, 504, 3)
  assert image.dtype == np.float32
  assert 0 <= image.min() < image.max() <= 1
  assert scene.cameras[0].fl_x == pytest.approx(3260.52633 / 8)
  quarter = load_scene(real_data / "scenes" / "fern", downsample=4)
  assert quarter.images[3].shape == (756, 1008, 3)
  with pytest.raises(ValueError, match="images_4, images_8"):
    load_scene(real_data / "scenes" / "fern", downsample=2)
