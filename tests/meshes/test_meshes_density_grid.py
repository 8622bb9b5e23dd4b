"""Grids, and the level that is a surface."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.meshes import agreement, density_grid
from stylized_nerf_jax.rendering import rays
from stylized_nerf_jax.scenes.synthetic import embedded


def test_grid_holds_its_points_and_no_straggler():
  random = np.random.default_rng(0)
  points = random.uniform((-1, -2, 0), (1, 2, 0.5), size=(5000, 3))
  grid = density_grid.around(np.concatenate([points, [[90, 0, 0]]]), 64)
  assert max(grid.shape) == grid.shape[1] and 62 <= grid.shape[1] <= 65
  places = grid.places(points)
  inside = np.all((places >= 0) & (places <= np.array(grid.shape) - 1), axis=-1)
  assert inside.mean() > 0.97
  lattice = grid.points(np.ones(grid.shape, bool))
  np.testing.assert_allclose(
    grid.places(lattice), np.argwhere(np.ones(grid.shape)), atol=1e-4
  )


def test_near_marks_a_cube_around_each_point():
  grid = density_grid.Grid(np.zeros(3), 0.5, (9, 9, 9))
  mask = density_grid.near(grid, np.array([[2.0, 2.0, 2.0], [50, 0, 0]]), 2)
  index = np.argwhere(mask)
  assert len(index) == 5**3
  np.testing.assert_array_equal(
    [index.min(axis=0), index.max(axis=0)], [[2] * 3, [6] * 3]
  )


def test_logarithms_lie_where_the_mask_is():
  mask = np.zeros((2, 2, 2), bool)
  mask[0, 1, 1] = mask[1, 0, 0] = True
  values = density_grid.filled(mask, np.array([np.e, 0.0]))
  assert values[0, 1, 1] == pytest.approx(1.0)
  assert (values[~mask] == density_grid.EMPTY).all()
  assert values[1, 0, 0] == density_grid.EMPTY


@pytest.mark.parametrize("where", [-0.1, 0.0, 0.22])
def test_level_is_where_rays_end(where):
  """Logarithms fall evenly outwards; rays end at one of them."""
  grid = density_grid.Grid(np.full(3, -1.6), 0.1, (33,) * 3)
  points = grid.points(np.ones(grid.shape, bool)).reshape(*grid.shape, 3)
  values = 5 * (1 - np.linalg.norm(points, axis=-1)).astype(np.float32)
  random = np.random.default_rng(0)
  outward = random.normal(size=(500, 3))
  outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
  steps = np.arange(-6, 7)
  norms = (1 + where) - 0.05 * steps
  ways = outward[:, None] * norms[:, None]
  found = density_grid.level(grid, values, ways)
  # The middle is the first above it, and the step before is not.
  assert -5 * where - 0.3 <= found <= -5 * where + 0.05


def test_level_of_nothing():
  grid = density_grid.Grid(np.zeros(3), 1.0, (3, 3, 3))
  empty = np.full(grid.shape, density_grid.EMPTY, np.float32)
  assert density_grid.level(grid, empty, np.ones((2, 3, 3))) == 0.0


def test_haze_before_one_camera_is_outvoted():
  scene = embedded.make_scene(num_train=7, num_test=0, width=48, height=36)
  cameras, depths = list(scene.cameras), [scene.depths[i] for i in range(7)]
  camera = cameras[3]
  arrays = rays.camera_arrays(camera, None)
  xy = np.asarray(rays.pixel_grid(36, 48)).reshape(-1, 2)
  depth = depths[3].ravel()
  hit = depth > 0
  unproject = jax.jit(rays.unproject_depth)
  surface = np.asarray(unproject(arrays, xy, depth))[hit]
  haze = np.asarray(unproject(arrays, xy, 0.6 * depth))[hit]
  true = agreement.agreed(surface, cameras, depths)
  assert true.mean() > 0.85, true.mean()
  # A camera that hangs in haze sees it; six look through it.
  hazy = [d if i != 3 else 0.6 * d for i, d in enumerate(depths)]
  assert agreement.agreed(haze, cameras, hazy).mean() < 0.25
