"""Neighbouring views and crops that look at one part of the scene."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.views import rendered_views as views_lib
from stylized_nerf_jax.views import view_crops

project = jax.jit(rays_lib.project)
unproject = jax.jit(rays_lib.unproject_depth)


@pytest.fixture(scope="module")
def views(tmp_path_factory):
  """Exact views of the embedded scene, as phase 1 leaves its own."""
  folder = tmp_path_factory.mktemp("views")
  scene = embedded.make_scene(num_train=6, num_test=0, width=40, height=30)
  for i in range(6):
    rgb = np.round(scene.images[i] * 255).astype(np.uint8)
    np.save(folder / f"rgb_{i:05d}.npy", rgb)
    np.save(folder / f"depth_{i:05d}.npy", scene.depths[i])
  return views_lib.Views(folder, scene.cameras)


@pytest.fixture(scope="module")
def features():
  """Something to tell places apart by: 4 x 5 of them in each of 6 views."""
  random = np.random.default_rng(1)
  return random.normal(size=(6, 4, 5, 512)).astype(np.float16)


@pytest.fixture(scope="module")
def draws(views, features):
  sampler = view_crops.CropSampler(views, features, crop=16, neighbours=2)
  random = np.random.default_rng(0)
  return [sampler.draw(random, 3) for _ in range(8)]


def test_views_are_read_as_they_were_written(views):
  assert len(views) == 6
  assert views.rgb(2).shape == (30, 40, 3) and views.depth(2).shape == (30, 40)
  assert views.rgb(2).dtype == views.depth(2).dtype == np.float32
  assert views.rgb(2).min() >= 0 and views.rgb(2).max() <= 1


def test_crops_are_cut_from_their_views(views, features, draws):
  for crops in draws:
    assert crops.features.shape == (3, 2, 2, 512)
    assert crops.features.dtype == np.float32
    assert crops.depth.shape == (3, 16, 16)
    for i, (view, (x, y)) in enumerate(zip(crops.view, crops.corner)):
      window = np.s_[y : y + 16, x : x + 16]
      assert x % 8 == y % 8 == 0
      window_8 = np.s_[y // 8 : y // 8 + 2, x // 8 : x // 8 + 2]
      np.testing.assert_array_equal(crops.features[i], features[view][window_8])
      np.testing.assert_array_equal(crops.depth[i], views.depth(view)[window])
  assert len({tuple(crops.corner[0]) for crops in draws}) > 4


def test_the_others_are_different_neighbours(views, draws):
  near = views_lib.neighbours(views.cameras, 2)
  for crops in draws:
    assert set(crops.view[1:]) == set(near[crops.view[0]])


def camera_of(crops, index):
  return rays_lib.CameraArrays(
    **{
      name: getattr(crops.cameras, name)[index]
      for name in ("camera_to_model", "intrinsics", "lens_terms")
    }
  )


def test_neighbours_show_the_point_at_the_first_crops_middle(views, draws):
  seen = 0
  for crops in draws:
    depth = crops.depth[0, 8, 8]
    if not depth > 0:
      continue
    middle = np.array([8.5, 8.5], np.float32)
    point = unproject(camera_of(crops, 0), middle, depth)
    for i in (1, 2):
      whole = rays_lib.camera_arrays(views.cameras[int(crops.view[i])], None)
      full, _ = project(point, whole)
      inside = full[0] >= 0 and full[1] >= 0 and full[0] < 40 and full[1] < 30
      xy, z = project(point, camera_of(crops, i))
      np.testing.assert_allclose(xy + crops.corner[i], full, atol=1e-3)
      if inside:
        seen += 1
        assert z > 0 and np.all(np.asarray(xy) >= 0) and np.all(xy <= 16)
  assert seen >= 6


@pytest.mark.parametrize(
  ("crop", "size"), [(16, 16), (20, 16), (0, 24), (128, 24), (3, 8)]
)
def test_crops_are_multiples_of_8_that_fit(views, features, crop, size):
  sampler = view_crops.CropSampler(views, features, crop=crop, neighbours=1)
  assert sampler.size == size
  crops = sampler.draw(np.random.default_rng(0), 2)
  assert crops.depth.shape == (2, size, size)
  assert crops.features.shape == (2, size // 8, size // 8, 512)


def test_draws_follow_their_generator(views, features):
  sampler = view_crops.CropSampler(views, features, crop=8, neighbours=3)
  one, two, other = (
    sampler.draw(np.random.default_rng(seed), 4) for seed in (0, 0, 1)
  )
  np.testing.assert_array_equal(one.features, two.features)
  assert one.view.tolist() != other.view.tolist() or np.any(
    one.corner != other.corner
  )


def test_more_crops_than_neighbours_repeat_views(views, features):
  sampler = view_crops.CropSampler(views, features, crop=8, neighbours=1)
  crops = sampler.draw(np.random.default_rng(0), 4)
  assert len(crops.view) == 4 and len(set(crops.view)) == 2


def cameras_at(centers, turns):
  cameras = []
  for center, turn in zip(centers, turns):
    pose = np.eye(4)
    pose[[0, 0, 2, 2], [0, 2, 0, 2]] = (
      np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn)
    )  # fmt: skip
    pose[0, 3] = center
    cameras.append(scene_lib.Camera(pose, 8, 8, 4, 4, 8, 8))
  return scene_lib.Cameras.from_list(cameras)


def test_neighbours_are_the_nearest():
  cameras = cameras_at([0, 1, 3, 3.5], np.zeros(4))
  expected = [[1, 2], [0, 2], [3, 1], [2, 1]]
  np.testing.assert_array_equal(views_lib.neighbours(cameras, 2), expected)
  everyone = views_lib.neighbours(cameras, 9)
  assert everyone.shape == (4, 3)
  assert [sorted({0, 1, 2, 3} - {v}) for v in range(4)] == [
    sorted(row) for row in everyone.tolist()
  ]


def test_cameras_on_one_spot_differ_by_direction():
  cameras = cameras_at(np.zeros(4), np.deg2rad([0, 100, 20, 85]))
  near = views_lib.neighbours(cameras, 1)
  np.testing.assert_array_equal(near[:, 0], [2, 3, 0, 1])
