"""Maps over rows against the plain function, on four devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.rows import mapping

RNG = np.random.default_rng(0)


def row_function(constants, rows):
  return {
    "sum": jnp.sum(rows["a"], axis=-1) * constants,
    "b": jnp.sin(rows["b"]),
  }


@pytest.fixture(scope="module")
def mapped():
  return mapping.make_map(row_function, rows_per_device=2)


@pytest.mark.parametrize("count", [1, 3, 8, 17])
def test_a_map_equals_the_plain_function(mapped, count):
  rows = {
    "a": RNG.normal(size=(count, 3)).astype(np.float32),
    "b": RNG.normal(size=(count,)).astype(np.float32),
  }
  out = mapped(np.float32(2), rows)
  assert isinstance(out["sum"], np.ndarray)
  np.testing.assert_allclose(out["sum"], 2 * rows["a"].sum(-1), rtol=1e-5)
  np.testing.assert_allclose(out["b"], np.sin(rows["b"]), rtol=1e-5)


def test_every_chunk_of_a_map_has_one_shape():
  traces = []

  def fn(constants, rows):
    traces.append(rows.shape)
    return rows + constants

  mapped = mapping.make_map(fn, rows_per_device=2)
  for count in (9, 16, 30):
    rows = np.arange(count, dtype=np.float32)
    np.testing.assert_array_equal(mapped(np.float32(1), rows), rows + 1)
  assert set(traces) == {(2,)}


@pytest.mark.parametrize("count", [1, 3, 24, 100])
def test_a_map_in_blocks_equals_the_plain_function(count):
  shapes = set()

  def fn(constants, rows):
    shapes.add(rows["a"].shape)
    return row_function(constants, rows)

  mapped = mapping.make_map(fn, rows_per_device=9, rows_at_once=3)
  rows = {
    "a": RNG.normal(size=(count, 3)).astype(np.float32),
    "b": RNG.normal(size=(count,)).astype(np.float32),
  }
  out = mapped(np.float32(2), rows)
  assert all(rows <= 3 for rows, _ in shapes)
  np.testing.assert_allclose(out["sum"], 2 * rows["a"].sum(-1), rtol=1e-5)
  np.testing.assert_allclose(out["b"], np.sin(rows["b"]), rtol=1e-5)


@pytest.mark.parametrize("count", [1, 3, 8, 17])
def test_blocks_that_stay_on_devices_are_taken_as_they_are(count):
  """What a last block is filled with is left out when it is fetched."""
  rows = RNG.normal(size=(count, 3)).astype(np.float32)
  first = mapping.make_block_map(lambda c, rows, kept: c * rows)
  kept = first(np.float32(2), rows)
  assert isinstance(kept, jax.Array) and kept.shape[0] == jax.device_count()
  second = mapping.make_block_map(
    lambda c, rows, kept: {"sum": rows + kept[0] - c * kept[1]}
  )
  found = second(np.float32(3), rows, (kept, kept))
  assert isinstance(found["sum"], jax.Array)
  fetched = mapping.fetch(found, count)["sum"]
  assert isinstance(fetched, np.ndarray) and fetched.shape == (count, 3)
  np.testing.assert_allclose(fetched, -3 * rows, rtol=1e-5)
