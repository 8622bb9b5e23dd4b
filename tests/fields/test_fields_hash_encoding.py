"""Hash grids and the contraction, against loops over vertices."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.fields import hash_encoding
from stylized_nerf_jax.rendering import contraction

RNG = np.random.default_rng(0)
RESOLUTION = 3
DENSE = hash_encoding.HashEncoding(
  num_levels=1, num_features=2, log2_table_size=8, coarsest_resolution=3
)
SIX = functools.partial(
  hash_encoding.HashEncoding,
  num_levels=3,
  num_features=2,
  log2_table_size=7,
  coarsest_resolution=2,
  finest_resolution=16,
)


_contract = jax.jit(contraction.contract)
_vertex_index = jax.jit(
  hash_encoding.vertex_index, static_argnames=("resolution", "size")
)


@jax.jit
def dense(table, points):
  return DENSE.apply({"params": {"level_0": table}}, points)


def vertex_number(vertex):
  x, y, z = vertex
  return int((z * (RESOLUTION + 1) + y) * (RESOLUTION + 1) + x)


def blend_loop(table, point):
  """Blends along one axis after the other."""
  scaled = np.clip(point.astype(np.float64), 0, 1) * RESOLUTION
  cell = np.minimum(np.floor(scaled), RESOLUTION - 1).astype(int)

  def blend(vertex, axis):
    if axis == 3:
      return table[vertex_number(vertex)].astype(np.float64)
    share = scaled[axis] - cell[axis]
    below, above = ([*vertex, cell[axis] + step] for step in (0, 1))
    return (1 - share) * blend(below, axis + 1) + share * blend(above, axis + 1)

  return blend([], 0)


def random_table(features=2):
  return RNG.normal(size=(64, features)).astype(np.float32)


def test_a_dense_level_equals_the_loop():
  table = random_table()
  points = RNG.uniform(-0.2, 1.2, (200, 3)).astype(np.float32)
  expected = [blend_loop(table, point) for point in points]
  np.testing.assert_allclose(dense(table, points), expected, atol=1e-5)


def test_vertices_hold_the_table():
  table = random_table()
  grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1)
  vertices = grid.reshape(-1, 3)
  # 3 * (1 / 3) rounds to 1 exactly in float32.
  points = (vertices / np.float32(3)).astype(np.float32)
  expected = table[[vertex_number(vertex) for vertex in vertices]]
  np.testing.assert_allclose(dense(table, points), expected, atol=1e-6)


def test_linear_functions_are_reproduced():
  grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1)
  slopes = np.array([[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25]], np.float32)
  table = np.zeros((64, 2), np.float32)
  for vertex in grid.reshape(-1, 3):
    table[vertex_number(vertex)] = vertex / 3 @ slopes + 0.7
  points = RNG.uniform(0, 1, (300, 3)).astype(np.float32)
  np.testing.assert_allclose(
    dense(table, points), points @ slopes + 0.7, atol=1e-5
  )


@pytest.mark.parametrize("axes", [[1], [0, 2], [0, 1, 2]])
def test_nothing_jumps_at_borders(axes):
  table = random_table()
  points = RNG.uniform(0.05, 0.95, (100, 3))
  points[:, axes] = 2 / 3
  normal = np.zeros(3)
  normal[axes] = np.array([1.0, -2.0, 1.0])[: len(axes)]
  step = 1e-6 * normal
  below = dense(table, (points - step).astype(np.float32))
  above = dense(table, (points + step).astype(np.float32))
  np.testing.assert_allclose(below, above, atol=2e-4)


def test_weights_are_shares():
  """Features between vertices never leave the range of the table's."""
  table = np.ones((64, 2), np.float32)
  table[::2, 1] = 0
  points = RNG.uniform(-1, 2, (300, 3)).astype(np.float32)
  out = np.asarray(dense(table, points))
  np.testing.assert_allclose(out[:, 0], 1, atol=1e-6)
  assert out[:, 1].min() >= 0 and out[:, 1].max() <= 1 + 1e-6


def test_gradients_are_those_of_the_loop():
  """Those of the features, and of the points, by differences of the loop."""
  table, cotangent = random_table(), RNG.normal(size=(20, 2))
  inside = RNG.integers(0, RESOLUTION, (20, 3)) + RNG.uniform(0.1, 0.9, (20, 3))
  points = (inside / RESOLUTION).astype(np.float32)

  @jax.jit
  def pull(table, points, cotangent):
    return jax.vjp(dense, table, points)[1](cotangent)

  of_table, of_points = pull(table, points, np.float32(cotangent))
  # The loop is linear in the table: its gradient is what it makes of ones.
  wanted = np.zeros((64, 2))
  for entry in range(64):
    one = np.zeros((64, 1))
    one[entry] = 1.0
    share = np.array([blend_loop(one, point) for point in points])
    wanted[entry] = (share * cotangent).sum(axis=0)
  np.testing.assert_allclose(of_table, wanted, atol=1e-5)
  step = 1e-3
  for axis in range(3):
    ends = []
    for sign in (1, -1):
      moved = points.astype(np.float64)
      moved[:, axis] += sign * step
      ends.append([blend_loop(table, point) for point in moved])
    slope = np.subtract(*ends) / (2 * step)
    np.testing.assert_allclose(
      of_points[:, axis], (slope * cotangent).sum(axis=1), atol=1e-3
    )


@pytest.mark.parametrize("backend", ["cpu", "gpu"])
def test_every_level_has_its_own_gradient(monkeypatch, backend):
  """As JAX finds it by itself, level by level; in a loop, and without one."""
  encoding = hash_encoding.HashEncoding(
    num_levels=3, num_features=2, log2_table_size=8, finest_resolution=40
  )
  points = RNG.uniform(0, 1, (200, 3)).astype(np.float32)
  shapes = jax.eval_shape(encoding.init, jax.random.key(0), points)["params"]
  rng = np.random.default_rng(1)
  params = jax.tree.map(
    lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes
  )
  cotangent = RNG.normal(size=(200, 6)).astype(np.float32)

  def pull(params):
    return jax.vjp(
      lambda params: encoding.apply({"params": params}, points), params
    )[1](cotangent)[0]

  monkeypatch.setattr(jax, "default_backend", lambda: backend)

  @jax.jit
  def pull_each(params):
    own = {}
    for level, resolution in enumerate(encoding.resolutions()):
      blend = functools.partial(
        hash_encoding._blend, points=points, resolutions=(resolution,)
      )
      name, columns = f"level_{level}", slice(2 * level, 2 * level + 2)
      own[name] = jax.vjp(blend, [params[name]])[1](cotangent[:, columns])[0][0]
    return own

  found, wanted = jax.jit(pull)(params), pull_each(params)
  assert found.keys() == wanted.keys()
  for name, values in wanted.items():
    np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5)


def test_sizes_of_tables():
  shapes = jax.eval_shape(SIX().init, jax.random.PRNGKey(0), np.zeros((5, 3)))[
    "params"
  ]
  assert {name: leaf.shape for name, leaf in shapes.items()} == {
    "level_0": (27, 2),
    "level_1": (128, 2),
    "level_2": (128, 2),
  }
  assert SIX().resolutions() == [2, 6, 16]
  assert SIX(num_levels=1).resolutions() == [2]
  default = hash_encoding.HashEncoding().resolutions()
  assert (default[0], default[-1], len(default)) == (16, 512, 8)


def test_new_tables_are_small_and_differ_by_key():
  points = np.zeros((1, 3))
  init = jax.jit(SIX(num_levels=1).init)
  tables = [
    init(jax.random.PRNGKey(seed), points)["params"]["level_0"]
    for seed in (0, 1)
  ]
  assert 5e-5 < np.abs(tables[0]).max() <= 1e-4
  assert np.abs(tables[0] - tables[1]).max() > 1e-5


@pytest.mark.parametrize("size", [2**7, 2**17])
@pytest.mark.parametrize("resolution", [2, 40, 512, 4096])
def test_indices_are_below_the_size(resolution, size):
  vertices = RNG.integers(0, resolution + 1, (3, 2000)).astype(np.uint32)
  vertices[:, 0], vertices[:, 1] = 0, resolution
  index = np.asarray(
    _vertex_index(*vertices, resolution=resolution, size=size)
  ).astype(np.int64)
  assert index.dtype == np.int64 and index.min() >= 0 and index.max() < size
  x, y, z = vertices.astype(np.int64)
  side = resolution + 1
  if side**3 <= size:
    np.testing.assert_array_equal(index, (z * side + y) * side + x)
  else:
    primes = 1, 2654435761, 805459861
    wrapped = [(v * p) % 2**32 for v, p in zip((x, y, z), primes)]
    expected = (wrapped[0] ^ wrapped[1] ^ wrapped[2]) % size
    np.testing.assert_array_equal(index, expected)


def test_a_hash_spreads_over_the_whole_table():
  grid = np.stack(np.meshgrid(*[np.arange(41)] * 3), axis=0).reshape(3, -1)
  index = _vertex_index(*grid.astype(np.uint32), resolution=40, size=2**10)
  counts = np.bincount(np.asarray(index), minlength=2**10)
  assert counts.min() > 0.3 * counts.mean()
  assert counts.max() < 3 * counts.mean()


@pytest.fixture(scope="module")
def encode():
  shapes = jax.eval_shape(SIX().init, jax.random.PRNGKey(0), np.zeros((1, 3)))
  params = jax.tree.map(
    lambda leaf: RNG.normal(size=leaf.shape).astype(np.float32), shapes
  )
  return functools.partial(jax.jit(SIX().apply), params)


def test_leading_shapes_agree(encode):
  points = RNG.uniform(0, 1, (2, 3, 3)).astype(np.float32)
  whole = np.asarray(encode(points))
  assert whole.shape == (2, 3, 6)
  np.testing.assert_allclose(encode(points.reshape(6, 3)), whole.reshape(6, 6))
  np.testing.assert_allclose(encode(points[1, 2]), whole[1, 2])


def test_points_outside_are_moved_to_the_border(encode):
  outside = np.array([[-3, 0.5, 2], [1e30, -1e30, 0.2]], np.float32)
  np.testing.assert_array_equal(encode(outside), encode(np.clip(outside, 0, 1)))


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, -7.0, 1e8, 1 / 3])
def test_gradients_are_finite(encode, value):
  (params,) = encode.args
  points = np.full((1, 3), value, np.float32)
  slopes = gradients(params, points)
  for leaf in jax.tree.leaves(slopes):
    assert np.isfinite(leaf).all()
  # The shares of a point's vertices sum to 1 in each level and feature.
  total = sum(float(np.sum(leaf)) for leaf in jax.tree.leaves(slopes[0]))
  assert total == pytest.approx(6, abs=1e-4)


@jax.jit
def gradients(params, points):
  def total(params, points):
    return jnp.sum(SIX().apply(params, points))

  return jax.grad(total, argnums=(0, 1))(params, points)


def contract_loop(point):
  norm = np.linalg.norm(point.astype(np.float64))
  return point if norm <= 1 else (2 - 1 / norm) * point / norm


def test_contraction_equals_the_formula():
  points = RNG.normal(size=(5, 20, 3)).astype(np.float32)
  points *= np.logspace(-2, 3, 20)[:, None].astype(np.float32)
  expected = [contract_loop(point) for point in points.reshape(-1, 3)]
  found = np.asarray(_contract(points))
  np.testing.assert_allclose(found.reshape(-1, 3), expected, atol=1e-6)
  np.testing.assert_array_equal(_contract(points[1, 2]), found[1, 2])


def test_contraction_stays_in_the_ball_and_is_smooth():
  slope = jax.jit(jax.vmap(jax.jacfwd(contraction.contract)))
  directions = RNG.normal(size=(20, 3))
  directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
  for scale in (0.0, 1e-30, 1.0, 1e6, 1e15):
    points = (scale * directions).astype(np.float32)
    assert np.linalg.norm(_contract(points), axis=-1).max() <= 2
    assert np.isfinite(slope(points)).all()
  inside = slope((0.9999 * directions).astype(np.float32))
  outside = slope((1.0001 * directions).astype(np.float32))
  np.testing.assert_allclose(inside, outside, atol=1e-3)


def test_tables_are_found_wherever_they_lie():
  first, second, other = (np.full((2, 4), value) for value in (1.0, 2.0, 3.0))
  params = {
    "encoding": {"level_0": first},
    "inner": {"grid": {"level_11": second}, "dense": {"kernel": other}},
  }
  found = hash_encoding.tables(params)
  np.testing.assert_array_equal(found, [first, second])
