"""Multi-resolution hash encoding (Muller et al. 2022, section 3).

Points live in the unit cube. A level whose grid has fewer vertices than the
table has entries is stored densely, without collisions.
"""

import functools
import itertools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

# The paper's primes; the first is 1 to keep neighbours in x close in memory.
_PRIMES = (1, 2654435761, 805459861)
_LEVEL = "level_"
_IN_BOUNDS = {"mode": "promise_in_bounds", "wrap_negative_indices": False}


def _initial_features(key, shape, dtype=jnp.float32):
  return jax.random.uniform(key, shape, dtype, -1e-4, 1e-4)


def tables(params) -> list:
  """Lists the feature tables in a tree of parameters, all levels of all grids.

  Args:
    params: of any module; what is no hash grid is passed over.

  Returns:
    Arrays [entries, features].
  """
  found = jax.tree.leaves_with_path(params)
  return [leaf for path, leaf in found if is_table(path)]


def is_table(path) -> bool:
  """Tells whether the path of a leaf in a tree is that of a feature table."""
  return path[-1].key.startswith(_LEVEL)


class HashEncoding(nn.Module):
  """Learned features on grids of growing resolution.

  Between the vertices of a cell they are blended trilinearly. Gradients are
  those of reverse mode; there is no forward mode (`jax.jvp`).

  Attributes:
    num_levels: number of grids.
    num_features: features of each grid.
    log2_table_size: base-2 logarithm of the most entries of one grid.
    coarsest_resolution: cells a side of the first grid.
    finest_resolution: cells a side of the last; those between grow
      geometrically.
  """

  num_levels: int = 8
  num_features: int = 4
  log2_table_size: int = 17
  coarsest_resolution: int = 16
  finest_resolution: int = 512

  def resolutions(self) -> list[int]:
    """Returns the cells a side of every grid."""
    if self.num_levels == 1:
      return [self.coarsest_resolution]
    growth = self.finest_resolution / self.coarsest_resolution
    exponents = np.arange(self.num_levels) / (self.num_levels - 1)
    return [int(round(r)) for r in self.coarsest_resolution * growth**exponents]

  @nn.compact
  def __call__(self, points: jax.Array) -> jax.Array:
    """Encodes points.

    Args:
      points: [..., 3], in [0, 1]; what lies outside is moved to the border.

    Returns:
      [..., num_levels * num_features].
    """
    flat = jnp.clip(points.reshape(-1, 3).T, 0.0, 1.0)
    encoded = []
    for level, resolution in enumerate(self.resolutions()):
      size = min(2**self.log2_table_size, (resolution + 1) ** 3)
      table = self.param(
        f"{_LEVEL}{level}",
        _initial_features,
        (size, self.num_features),
      )
      encoded.append(_interpolate(jnp.asarray(table), flat, resolution))
    features = jnp.concatenate(encoded, axis=-1)
    return features.reshape(*points.shape[:-1], features.shape[-1])


def vertex_index(x, y, z, *, resolution: int, size: int) -> jax.Array:
  """Returns the table entry of integer grid vertices.

  Args:
    x, y, z: [...], uint32, each in 0..resolution.
    resolution: cells a side.
    size: entries of the table.

  Returns:
    [...], uint32, below `size`.
  """
  side = resolution + 1
  if side**3 <= size:
    return (z * side + y) * side + x
  a, b, c = (jnp.uint32(prime) for prime in _PRIMES)
  return ((x * a) ^ (y * b) ^ (z * c)) % jnp.uint32(size)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _interpolate(table, points, resolution):
  """Blends the features of a cell's eight vertices: [3, N] to [N, F]."""
  return _blend(table, points, resolution)


def _blend(table, points, resolution):
  # Vertex by vertex, gather and blend fuse into one loop over the points: on
  # a CPU ten times faster than gathering [N, 8, F] first.
  return sum(
    weight[:, None] * table.at[index].get(**_IN_BOUNDS)
    for index, weight in _corners(points, resolution, table.shape[0])
  )


def _forward(table, points, resolution):
  return _interpolate(table, points, resolution), (table, points)


def _backward(resolution, kept, cotangent):
  """Adds to one table vertex after vertex, whose entries are found again.

  Left to itself, JAX would keep the entries of all vertices, which takes as
  long as finding them, and add up a table for each.
  """
  table, points = kept
  table_bar = jnp.zeros_like(table)
  for index, weight in _corners(points, resolution, table.shape[0]):
    added = weight[:, None] * cotangent
    table_bar = table_bar.at[index].add(added, **_IN_BOUNDS)
  # Nothing of this is computed where points are constant.
  _, vjp = jax.vjp(
    functools.partial(_blend, table, resolution=resolution), points
  )
  return table_bar, *vjp(cotangent)


_interpolate.defvjp(_forward, _backward)


def _corners(points, resolution, size):
  """Yields table entry [N], int32, and weight [N] of each vertex of cells.

  Args:
    points: [3, N], in [0, 1].
    resolution: cells a side.
    size: entries of the table.
  """
  scaled = points * resolution
  cell = jnp.minimum(jnp.floor(scaled), resolution - 1)
  offset = scaled - cell
  cell = cell.astype(jnp.uint32)
  for corner in itertools.product((0, 1), repeat=3):
    vertex = [c + jnp.uint32(step) for c, step in zip(cell, corner)]
    index = vertex_index(*vertex, resolution=resolution, size=size)
    weight = 1.0
    for step, along in zip(corner, offset):
      weight *= along if step else 1.0 - along
    yield index.astype(jnp.int32), weight
