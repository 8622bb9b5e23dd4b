"""Colours of a rendered image, mapped and mixed behind the compositing.

A pixel that shows background through something has its own colour taken out,
mapped and put back: the background stays as it is.
"""

import jax
import jax.numpy as jnp

from stylized_nerf_jax.stylizer import color_tables

# Below this opacity a pixel has no colour of its own.
_NOTHING = 1e-3


@jax.jit
def mapped(
  rgb: jax.Array,
  opacity: jax.Array,
  table: jax.Array,
  background: jax.Array,
) -> jax.Array:
  """Maps the colours of what is seen, and cuts them to [0, 1] once.

  Args:
    rgb: [..., 3], composited.
    opacity: [...], in [0, 1].
    table: [n, n, n, 3], see `stylizer.color_tables`.
    background: [3], that rgb was composited over.

  Returns:
    [..., 3].
  """
  weight = jnp.clip(opacity, 0.0, 1.0)[..., None]
  behind = (1.0 - weight) * background
  own = (rgb - behind) / jnp.maximum(weight, _NOTHING)
  found = jnp.clip(color_tables.apply(own, table), 0.0, 1.0)
  return weight * found + behind


@jax.jit
def toward(first: jax.Array, second: jax.Array, share: jax.Array) -> jax.Array:
  """Returns first + share (second - first)."""
  return first + share * (second - first)


@jax.jit
def in_palette(
  stylized: jax.Array, own: jax.Array, amount: jax.Array
) -> jax.Array:
  """Mixes stylized colours and the same luma in the scene's own chroma.

  Args:
    stylized: [..., 3], in [0, 1].
    own: [..., 3], of the same pixels as photographed.
    amount: [], in [0, 1]: 0 is the scene's own chroma, 1 the stylized colours.
  """
  kept = color_tables.in_chroma_of(stylized, own)
  return toward(kept, stylized, amount)
