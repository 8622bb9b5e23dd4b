"""What is done to rows block after block: means, and row-wise functions."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from stylized_nerf_jax.rows import division


def mean_over_blocks(of_rows: Callable, first, batch, *, most: int):
  """Averages a function of rows over blocks of them.

  Args:
    of_rows: (first, batch) -> tree of means over these rows.
    first: [], number of the first row in the whole batch.
    batch: tree of [R, ...].
    most: rows of a block; 0: any number, and `of_rows` is called once.

  Returns:
    The mean over all R rows.
  """
  count = length(batch)
  number, each, left = division.blocks(count, most)
  if number == 1:
    return of_rows(first, batch)

  def cut(start, size):
    return jax.tree.map(
      lambda values: jax.lax.dynamic_slice_in_dim(values, start, size), batch
    )

  def add(total, start):
    found = of_rows(first + start, cut(start, each))
    return jax.tree.map(jnp.add, total, found), None

  shapes = jax.eval_shape(lambda: of_rows(first, cut(0, each)))
  zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
  total, _ = jax.lax.scan(add, zeros, each * jnp.arange(number))
  mean = weighted(each / count, total)
  if left:
    start = number * each
    rest = of_rows(first + start, cut(start, left))
    mean = jax.tree.map(jnp.add, mean, weighted(left / count, rest))
  return mean


def map_blocks(
  of_rows: Callable,
  rows,
  *,
  most: int,
  lanes: int = 1,
  over: Callable | None = None,
):
  """Applies a row-wise function to blocks of rows, one after the other.

  Args:
    of_rows: tree of [B, ...] -> tree of [B, ...].
    rows: tree of [R, ...].
    most: rows of a block; 0: any number, and `of_rows` is called once.
    lanes: blocks that are taken side by side, L.
    over: (applies, blocks) -> found, as `jax.lax.map`, which None is. `applies`
      and what stands for it take a tuple of L blocks to a tuple of L results.

  Returns:
    Tree of [R, ...].
  """
  number, each, left = division.blocks(length(rows), most, lanes=lanes)
  if number == 1:
    return of_rows(rows)
  end = number * each

  def split(values):
    """Splits rows into lanes of blocks, each [number / L, each, ...]."""
    blocks = values[:end].reshape(number, each, *values.shape[1:])
    return jnp.split(blocks, lanes)

  def join(*parts):
    return jnp.concatenate([p.reshape(-1, *p.shape[2:]) for p in parts])

  by_lane = jax.tree.transpose(
    jax.tree.structure(rows), None, jax.tree.map(split, rows)
  )
  found = (over or jax.lax.map)(
    lambda blocks: tuple(of_rows(block) for block in blocks), tuple(by_lane)
  )
  found = jax.tree.map(join, *found)
  if not left:
    return found
  rest = of_rows(jax.tree.map(lambda values: values[end:], rows))
  return jax.tree.map(lambda *parts: jnp.concatenate(parts), found, rest)


def weighted(weight, tree):
  """Multiplies a tree; what has no weight is 0, even if it is not finite."""
  return jax.tree.map(
    lambda values: jnp.where(weight > 0, weight * values, 0.0), tree
  )


def length(batch) -> int:
  """Number of rows of a batch."""
  return jax.tree.leaves(batch)[0].shape[0]
