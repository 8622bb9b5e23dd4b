"""Camera paths: closed forms of each curve, frames, intrinsics, refusals."""

import numpy as np
import pytest

from stylized_nerf_jax.scenes import normalization as normalization_lib
from stylized_nerf_jax.scenes import paths
from stylized_nerf_jax.scenes.cameras import Camera, Cameras
from stylized_nerf_jax.scenes.readers.formats import load_scene
from stylized_nerf_jax.scenes.scene import Scene


def _scene(poses, layout, **changes):
  cameras = Cameras.from_list(
    [
      Camera(p, 20, 22, 8.5, 6, 16, 12, (0.1, 0, 0, 0), "opencv", f"{i}.png")
      for i, p in enumerate(poses)
    ]
  )
  count = len(cameras)
  fields = {
    "name": "tiny",
    "format": "synthetic",
    "path": "",
    "cameras": cameras,
    "images": [None] * count,
    "masks": None,
    "alphas": None,
    "depths": None,
    "layout": layout,
    "near": 2.0,
    "far": 8.0,
    "bounding_box": None,
    "splits": {"train": tuple(range(1, count)), "test": (0,)},
  }
  return Scene(**{**fields, **changes})


def _make(kind, scene, **options):
  return paths.make_path(
    kind,
    scene.cameras,
    normalization=normalization_lib.normalize_scene(scene),
    near=scene.near,
    far=scene.far,
    splits=scene.splits,
    **options,
  )


@pytest.fixture
def facing():
  """A grid of cameras that look along -z, at (5, 1, -2)."""
  poses = np.tile(np.eye(4), (9, 1, 1))
  grid = np.stack(np.meshgrid([-1, 0, 1], [-0.5, 0, 0.5]), -1).reshape(9, 2)
  poses[:, :2, 3] = grid
  poses[:, :3, 3] += [5, 1, -2]
  return _scene(poses, "forward_facing")


@pytest.fixture
def around(look_at_origin):
  """A ring of 12 cameras around the origin, z up."""
  poses = [look_at_origin(2 * np.pi * i / 12, 0.4) for i in range(12)]
  return _scene(poses, "bounded", bounding_box=((-1,) * 3, (1,) * 3))


@pytest.mark.parametrize("kind", ["spiral", "orbit", "interpolate"])
@pytest.mark.parametrize("num_frames", [1, 2, 25])
def test_made_paths_are_rigid_pinhole_cameras(facing, around, kind, num_frames):
  for scene in (facing, around):
    path = _make(kind, scene, num_frames=num_frames)
    assert len(path) == num_frames
    assert set(path.models) == {"pinhole"}
    assert not path.distortion.any()
    first = path[0]
    assert (first.fl_x, first.fl_y, first.cx) == (20, 22, 8.5)
    assert (first.width, first.height) == (16, 12)
    rotations = path.camera_to_world[:, :3, :3]
    np.testing.assert_allclose(
      rotations @ np.swapaxes(rotations, 1, 2),
      np.broadcast_to(np.eye(3), rotations.shape),
      atol=1e-9,
    )


def test_spiral_of_a_forward_facing_scene_is_nerfs(facing):
  """Every frame of the loop in NeRF's own units, mapped to the file."""
  path = _make("spiral", facing, num_frames=24)
  depth = 1 / (0.25 / (0.9 * 2) + 0.75 / (5 * 8))
  for i, camera in enumerate(path):
    angle = 2 * np.pi * 2 * i / 24
    # 90th percentiles of |x| and |y| over the grid; all z are the same.
    center = np.array([5 + 1.0 * np.cos(angle), 1 - 0.5 * np.sin(angle), -2.0])
    np.testing.assert_allclose(camera.camera_to_world[:3, 3], center)
    axis = np.array([5, 1, -2 - depth]) - center
    np.testing.assert_allclose(
      -camera.camera_to_world[:3, 2], axis / np.linalg.norm(axis), atol=1e-12
    )
    # No roll: the picture's x axis is level.
    assert abs(camera.camera_to_world[1, 0]) < 1e-12


def test_spiral_of_an_all_round_scene_stays_by_a_photograph(around):
  path = _make("spiral", around, num_frames=24)
  apart = np.linalg.norm(
    path.centers[:, None] - around.cameras.centers, axis=-1
  )
  assert apart.min(axis=1).max() < 4 * 0.1 * 1.8
  towards = -path.centers / np.linalg.norm(path.centers, axis=-1)[:, None]
  np.testing.assert_allclose(path.view_directions, towards, atol=1e-9)


def test_orbit_is_a_level_circle_around_the_focus(around):
  path = _make("orbit", around, num_frames=12)
  np.testing.assert_allclose(
    path.camera_to_world, around.cameras.camera_to_world, atol=1e-9
  )


def test_orbit_swings_where_photographs_cover_an_arc(look_at_origin):
  azimuths = np.linspace(-0.7, 0.9, 9)
  scene = _scene([look_at_origin(a) for a in azimuths], "unbounded")
  path = _make("orbit", scene, num_frames=40)
  # The scene's cameras are level, so their mean up is nearly z.
  angles = np.arctan2(path.centers[:, 1], path.centers[:, 0])
  assert angles.min() == pytest.approx(-0.7, abs=0.05)
  assert angles.max() == pytest.approx(0.9, abs=0.05)
  np.testing.assert_allclose(angles[1:20], angles[:20:-1], atol=1e-6)
  np.testing.assert_allclose(
    np.linalg.norm(path.centers, axis=-1), 4, atol=1e-6
  )


def test_orbit_of_parallel_cameras_looks_ahead(facing):
  path = _make("orbit", facing, num_frames=10)
  assert (path.view_directions[:, 2] < -0.7).all()


def test_interpolation_passes_through_every_camera(around):
  train = around.cameras[np.arange(1, 12)]
  path = paths.interpolate_path(train, num_frames=10 * 6 + 1)
  np.testing.assert_allclose(
    path.camera_to_world[::6], train.camera_to_world, atol=1e-9
  )
  # Half way between two cameras, easing changes nothing.
  middle = (train.centers[0] + train.centers[1]) / 2
  np.testing.assert_allclose(path.centers[3], middle, atol=1e-9)
  steps = np.linalg.norm(np.diff(path.centers, axis=0), axis=-1)
  assert steps[0] < 0.5 * steps[2]


def test_sparse_interpolation_moves_evenly(facing):
  path = paths.interpolate_path(facing.cameras[:3], num_frames=5)
  np.testing.assert_allclose(path.centers[:, 0], [4, 4.5, 5, 5.5, 6])


def test_interpolation_takes_the_training_cameras(facing):
  path = _make("interpolate", facing, num_frames=9)
  np.testing.assert_allclose(
    path.centers[[0, -1]], facing.cameras.centers[[1, 8]]
  )


def test_given_views_keep_their_lens(facing):
  test = _make("test", facing)
  assert test.names == ("0.png",)
  assert test.models == ("opencv",)
  np.testing.assert_array_equal(test.distortion, [[0.1, 0, 0, 0]])
  train = _make("train", facing, num_frames=3)
  assert train.names == tuple(f"{i}.png" for i in range(1, 9))


def test_impossible_paths_are_refused(facing):
  with pytest.raises(ValueError, match="'zoom'; expected one of spiral"):
    _make("zoom", facing)
  with pytest.raises(ValueError, match="num_frames is 0"):
    _make("orbit", facing, num_frames=0)
  nothing = _scene(
    facing.cameras.camera_to_world,
    "forward_facing",
    splits={"train": tuple(range(9)), "test": ()},
  )
  with pytest.raises(ValueError, match="'test' split is empty"):
    _make("test", nothing)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["fern", "fox", "lego"])
def test_real_scenes_are_seen_from_where_photographs_are(real_data, name):
  scene = load_scene(real_data / "scenes" / name, downsample=8)
  size = np.linalg.norm(np.ptp(scene.cameras.centers, axis=0))
  for kind in ("spiral", "orbit"):
    path = _make(kind, scene, num_frames=20)
    apart = np.linalg.norm(
      path.centers[:, None] - scene.cameras.centers, axis=-1
    )
    assert apart.min(axis=1).max() < 0.3 * size
