"""Layers of many rows, block after block.

A CPU computes narrow layers of some thousand rows in its caches, and those of
a hundred thousand in memory, which takes longer than the products themselves.
"""

import functools

import flax.linen as nn
import jax

from stylized_nerf_jax.rows import accumulation

# Of a layer, float32: cut where it has more than the first, into blocks of the
# second.
_LARGE = 1 << 20
_BLOCK = 1 << 18
# Blocks that are taken side by side. Layers of one block follow each other, and
# each is too small for XLA to give all cores something to do.
_LANES = 2


def apply(module: nn.Module, layers, rows, *, width: int):
  """Applies layers of a module to rows, in blocks where a CPU has many.

  What a block's layers hold is computed again for their gradient instead of
  being kept, so that memory does not grow with rows times layers.

  Args:
    module: whose parameters the layers have.
    layers: (module, tree of [B, ...]) -> tree of [B, ...], row by row.
    rows: tree of [N, ...].
    width: floats of a row in its widest layer.

  Returns:
    What `layers` returns for all rows, tree of [N, ...].
  """
  total = jax.tree.leaves(rows)[0].shape[0]
  if jax.default_backend() != "cpu" or total * width <= _LARGE:
    return layers(module, rows)
  lanes_after_lanes = nn.scan(
    nn.remat(
      lambda module, carry, lanes: (
        carry,
        tuple(layers(module, rows) for rows in lanes),
      )
    ),
    variable_broadcast="params",
    split_rngs={"params": False},
  )
  return accumulation.map_blocks(
    functools.partial(layers, module),
    rows,
    most=max(_BLOCK // width, 1),
    lanes=_LANES,
    # The layers inside are those of the module that is lifted.
    over=lambda _, blocks: lanes_after_lanes(module, None, blocks)[1],
  )
