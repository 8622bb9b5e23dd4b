"""Passes over a picture: nested, whole, and in their places."""

import numpy as np
import pytest

from stylized_nerf_jax.viewer import lattice

_SIZES = [(48, 64), (378, 504), (3, 5), (1, 1), (7, 2), (61, 83)]


@pytest.mark.parametrize(("height", "width"), _SIZES)
def test_each_lattice_holds_the_one_before_it(height, width):
  before: set = set()
  for stride in lattice.STRIDES:
    found = lattice.pixels(height, width, stride)
    assert len(set(found.tolist())) == len(found) > 0
    rows, columns = lattice.size(height, width, stride)
    assert rows * columns == len(found)
    if min(height, width) > max(lattice.STRIDES):
      assert before <= set(found.tolist())
    before = set(found.tolist())
  assert before == set(range(height * width))


@pytest.mark.parametrize(("height", "width"), _SIZES)
def test_coarser_lattices_come_first(height, width):
  order, places, ends = lattice.order(height, width)
  np.testing.assert_array_equal(np.sort(order), np.arange(height * width))
  np.testing.assert_array_equal(order[places], np.arange(height * width))
  for stride in lattice.STRIDES:
    first = set(order[: ends[stride]].tolist())
    assert first >= set(lattice.pixels(height, width, stride).tolist())
  assert ends[8] <= ends[4] <= ends[2] <= ends[1] == height * width


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_a_slope_is_spread_to_where_it_was(stride):
  height, width = 48, 64
  y, x = np.mgrid[:height, :width]
  picture = np.stack([3 * x, 4 * y, 2 * x + y], axis=-1).astype(np.uint8)
  small = picture[np.ix_(*(lattice.axis(n, stride) for n in (height, width)))]
  spread = lattice.spread(small, height, width, stride).astype(int)
  middle = (slice(stride, -stride), slice(stride, -stride))
  assert np.abs(spread - picture)[middle].max() <= 3


def test_all_pixels_are_spread_as_they_are():
  picture = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
  np.testing.assert_array_equal(lattice.spread(picture, 6, 8, 1), picture)
