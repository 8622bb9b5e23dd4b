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
from jax import lax

# The paper's primes; the first is 1 to keep neighbours in x close in memory.
_PRIMES = (1, 2654435761, 805459861)
_CORNERS = tuple(itertools.product((0, 1), repeat=3))
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
    flat = jnp.clip(points.reshape(-1, 3), 0.0, 1.0)
    tables = []
    for level, resolution in enumerate(self.resolutions()):
      size = min(2**self.log2_table_size, (resolution + 1) ** 3)
      table = self.param(
        f"{_LEVEL}{level}",
        _initial_features,
        (size, self.num_features),
      )
      tables.append(jnp.asarray(table))
    if self.is_initializing():
      size = self.num_levels * self.num_features
      return jnp.zeros((*points.shape[:-1], size), flat.dtype)
    features = _interpolate(tables, flat, tuple(self.resolutions()))
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
  return _entry(_terms((x, y, z), resolution, size), resolution, size)


def _is_dense(resolution: int, size: int) -> bool:
  return (resolution + 1) ** 3 <= size


def _terms(vertex, resolution: int, size: int) -> list[jax.Array]:
  """What x, y and z of vertices, uint32, bring into their entries."""
  side = resolution + 1
  dense = _is_dense(resolution, size)
  factors = (1, side, side * side) if dense else _PRIMES
  return [along * np.uint32(factor) for along, factor in zip(vertex, factors)]


def _entry(terms, resolution: int, size: int) -> jax.Array:
  """Puts together what `_terms` made."""
  x, y, z = terms
  if _is_dense(resolution, size):
    return lax.add(lax.add(x, y), z)
  hashed = lax.bitwise_xor(lax.bitwise_xor(x, y), z)
  return lax.rem(hashed, lax.full_like(hashed, size))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _interpolate(tables, points, resolutions):
  """Blends the features of cells' vertices, level by level.

  Args:
    tables: L arrays [entries, F].
    points: [N, 3], in [0, 1].
    resolutions: L numbers of cells a side.

  Returns:
    [N, L * F].
  """
  return _blend(tables, points, resolutions)


def _blend(tables, points, resolutions):
  # Vertex by vertex, gather and blend fuse into one loop over the points: on
  # a CPU ten times faster than gathering [N, 8, F] first. What is traced so
  # often is written in operations of `lax`, or tracing takes seconds.
  encoded = []
  for table, resolution in zip(tables, resolutions):
    size, features = table.shape
    cell, offset = _cells(points, resolution)
    steps = [
      _terms(vertex, resolution, size) for vertex in (cell, cell + np.uint32(1))
    ]
    weights = (list(1.0 - offset), list(offset))
    sums = None
    for x, y, z in _CORNERS:
      index = _entry((steps[x][0], steps[y][1], steps[z][2]), resolution, size)
      weight = lax.mul(lax.mul(weights[x][0], weights[y][1]), weights[z][2])
      weight = lax.broadcast_in_dim(weight, (*weight.shape, features), (0,))
      part = lax.mul(weight, _rows(table, index))
      sums = part if sums is None else lax.add(sums, part)
    encoded.append(sums)
  return jnp.concatenate(encoded, axis=-1)


def _rows(table, index):
  """Returns rows [N, F] of a table [entries, F]; no index [N] is outside."""
  return lax.gather(
    table,
    lax.expand_dims(index.astype(jnp.int32), (1,)),
    lax.GatherDimensionNumbers(
      offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,)
    ),
    slice_sizes=(1, table.shape[1]),
    mode=lax.GatherScatterMode.PROMISE_IN_BOUNDS,
  )


def _forward(tables, points, resolutions):
  values = [table.value for table in tables]
  encoded = _interpolate(values, points.value, resolutions)
  # Whether points are constant is known here, and told by what there is.
  return encoded, (values, points.value, () if points.perturbed else None)


def _backward(resolutions, kept, cotangent):
  """Adds to all tables, corner after corner of their cells.

  Left to itself, JAX would keep the entries of all vertices, which takes as
  long as finding them, and add up a table for each. Cells are found before the
  loop, and only there: within it, XLA would find them again for every feature.
  """
  tables, points, perturbed = kept
  cells = [_cells(points, resolution) for resolution in resolutions]
  cotangents = jnp.split(cotangent, len(tables), axis=-1)

  def add(bars, steps):
    added = []
    for bar, cell, bar_out, resolution in zip(
      bars, cells, cotangents, resolutions
    ):
      index, weight = _corner(*cell, steps, resolution, bar.shape[0])
      part = weight[:, None] * bar_out
      added.append(bar.at[index].add(part, **_IN_BOUNDS))
    return added, None

  zeros = [jnp.zeros_like(table) for table in tables]
  corners = jnp.asarray(_CORNERS, jnp.uint32)
  # An accelerator would wait for each turn of a loop.
  unroll = jax.default_backend() != "cpu"
  table_bars, _ = lax.scan(add, zeros, corners, unroll=unroll)
  if perturbed is None:
    return table_bars, jnp.zeros_like(points)
  _, vjp = jax.vjp(
    functools.partial(_blend, tables, resolutions=resolutions), points
  )
  return table_bars, *vjp(cotangent)


_interpolate.defvjp(_forward, _backward, symbolic_zeros=True)


def _cells(points, resolution):
  """Returns the first vertex of cells, uint32, and offsets in it, [3, N]."""
  scaled = points.T * resolution
  cell = jnp.minimum(jnp.floor(scaled), resolution - 1)
  return cell.astype(jnp.uint32), scaled - cell


def _corner(cell, offset, steps, resolution, size):
  """Returns table entry [N], int32, and weight [N] of a vertex of cells.

  Args:
    cell, offset: of `_cells`.
    steps: 0 or 1 in x, y and z: which vertex.
    resolution: cells a side.
    size: entries of the table.
  """
  vertex = [c + jnp.uint32(step) for c, step in zip(cell, steps)]
  index = vertex_index(*vertex, resolution=resolution, size=size)
  weight = 1.0
  for step, along in zip(steps, offset):
    weight *= jnp.where(step == 1, along, 1.0 - along)
  return index.astype(jnp.int32), weight
