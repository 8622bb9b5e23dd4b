"""How rows are dealt to devices, against plain counting."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from stylized_nerf_jax.rows import division as division_lib


@pytest.mark.parametrize("devices", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("total", [1, 2, 3, 7, 8, 16, 29])
def test_every_row_counts_the_same(total, devices):
  division = division_lib.Division(total, devices)
  places = np.arange(devices)
  counted = np.zeros(total)
  weight = 1 / (total * division.repeats)
  np.add.at(counted, division.rows(places), weight)
  row, counts = division.extra(places)
  if division.left_over:
    np.add.at(counted, row[counts], weight)
    assert counts.sum() == division.left_over < devices
  np.testing.assert_allclose(counted, 1 / total)
  assert division.first(places)[0] == 0


@pytest.mark.parametrize(("rows", "most"), [(7, 0), (7, 3), (8, 4), (5, 1)])
def test_blocks_hold_all_rows_and_no_more_than_fit(rows, most):
  number, each, left = division_lib.blocks(rows, most)
  assert number * each + left == rows
  assert left < max(number, 2)
  if most:
    assert 0 < each <= most
    assert number == -(-rows // most)


@hypothesis.given(
  rows=st.integers(1, 60),
  most=st.integers(1, 20),
  lanes=st.integers(1, 5),
)
def test_blocks_fill_their_lanes(rows, most, lanes):
  number, each, left = division_lib.blocks(rows, most, lanes=lanes)
  assert number * each + left == rows
  assert left < max(number, 2)
  if number == 1:
    assert rows <= max(most, lanes)
  else:
    assert number % lanes == 0
    assert 0 < each <= most


def test_nothing_is_copied_where_all_rows_are_taken():
  values = np.arange(6).reshape(2, 3)
  assert division_lib.take(values, np.arange(3)) is values
  np.testing.assert_array_equal(
    division_lib.take(values, np.array([2, 0])), [[2, 0], [5, 3]]
  )


@hypothesis.given(
  st.integers(1, 500), st.integers(1, 8), st.integers(1, 60), st.integers(0, 70)
)
def test_chunks_are_of_few_shapes_and_whole_blocks(rows, devices, most, block):
  found = division_lib.chunk(rows, devices, most=most, multiple=block)
  assert 1 <= found <= most
  if block and found > block:
    assert found % block == 0
  # A shape of its own only where all rows fit into one call.
  if found * devices < rows:
    assert found == division_lib.chunk(
      10**6, devices, most=most, multiple=block
    )
