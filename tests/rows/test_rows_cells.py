"""Cells of points, against a dictionary of cubes."""

import numpy as np
import pytest

from stylized_nerf_jax.rows import cells


@pytest.mark.parametrize("per_octave", [1, 2])
def test_points_share_a_cell_where_their_cubes_are_the_same(per_octave):
  random = np.random.default_rng(per_octave)
  points = random.uniform(-1, 1, (400, 3))
  sizes = 2.0 ** random.uniform(-3, 0, 400)
  number, count = cells.number(points, sizes, per_octave=per_octave)
  cubes = []
  for point, size in zip(points, sizes):
    step = round(per_octave * np.log2(size))
    side = 2.0 ** (step / per_octave)
    assert 1 <= size / side * 2 ** (0.5 / per_octave) <= 2 ** (1 / per_octave)
    cubes.append((step, *(int(np.floor(x / side)) for x in point)))
  assert count == len(set(cubes)) == number.max() + 1
  of_cube = dict(zip(cubes, number))
  assert [of_cube[cube] for cube in cubes] == number.tolist()
  assert len(set(of_cube.values())) == count
