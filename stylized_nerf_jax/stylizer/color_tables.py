"""Maps of colours as tables over the colour cube, and the chroma of a view.

A table [n, n, n, 3] holds what the colours of a lattice of n^3 points become;
between them it is trilinear. What a pixel becomes is a function of its colour
alone, so that a recoloured scene is as consistent as the scene was. Affine maps
are tables, exactly, and tables mix by their shares as maps do.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.stylizer import palette

SIZE = 17  # n
# Rec. 601, of sRGB values.
_LUMA = (0.299, 0.587, 0.114)


def lattice(size: int = SIZE) -> np.ndarray:
  """Returns the colours of the lattice, [n, n, n, 3] in [0, 1]."""
  steps = np.linspace(0.0, 1.0, size)
  return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)


def of_map(color_map: palette.ColorMap, size: int = SIZE) -> np.ndarray:
  """Returns the table [n, n, n, 3] of an affine map of colours in [0, 1]."""
  return lattice(size) @ np.asarray(color_map.matrix).T + color_map.offset


def mix(tables: Sequence[np.ndarray], shares: Sequence[float]) -> np.ndarray:
  """Blends tables, and what is left of 1 leaves colours as they are.

  Args:
    tables: of the same size, SIZE where there are none.
    shares: of each, none negative, 1 at most together.

  Returns:
    [n, n, n, 3].
  """
  size = len(tables[0]) if tables else SIZE
  mixed = (1.0 - sum(shares)) * lattice(size)
  for table, share in zip(tables, shares):
    mixed = mixed + share * table
  return mixed


def corners(colors, size: int, xp=np):
  """Finds the eight corners around colours, and their trilinear weights.

  Args:
    colors: [..., 3]; what lies outside [0, 1] is cut.
    size: of the lattice, n.
    xp: numpy, or jax.numpy.

  Returns:
    (places in the flat lattice, weights), both [..., 8].
  """
  places = xp.clip(colors, 0.0, 1.0) * (size - 1)
  lower = xp.minimum(xp.floor(places), size - 2)
  steps = np.stack(np.meshgrid(*3 * [[0, 1]], indexing="ij"), axis=-1)
  steps = steps.reshape(8, 3)
  shares = (places - lower)[..., None, :]
  weights = xp.prod(xp.where(steps, shares, 1.0 - shares), axis=-1)
  index = lower[..., None, :].astype(np.int32) + steps
  flat = (index[..., 0] * size + index[..., 1]) * size + index[..., 2]
  return flat, weights


def apply(colors: jax.Array, table: jax.Array) -> jax.Array:
  """Maps colours by a table.

  Args:
    colors: [..., 3], in [0, 1].
    table: [n, n, n, 3].

  Returns:
    [..., 3], which may lie outside [0, 1] where values of the table do.
  """
  # Corner by corner: eight colours a pixel would be eight pictures.
  size = table.shape[0]
  flat = jnp.asarray(table).reshape(-1, 3)
  index, weights = corners(colors, size, jnp)
  found = jnp.zeros_like(colors)
  for corner in range(8):
    found = found + weights[..., corner, None] * flat[index[..., corner]]
  return found


def luma(colors):
  """Returns the luma [..., 1] of colours [..., 3]."""
  return sum(share * colors[..., i : i + 1] for i, share in enumerate(_LUMA))


def in_chroma_of(colors: jax.Array, own: jax.Array) -> jax.Array:
  """Gives colours the chroma of others, at their own luma.

  y + s (own - luma of own), y the luma of the colours. Where that leaves the
  cube, s falls below 1 until it does not: the hue stays.

  Args:
    colors: [..., 3], in [0, 1]: the luma is theirs.
    own: [..., 3], in [0, 1]: hue and saturation are theirs.

  Returns:
    [..., 3], in [0, 1].
  """
  light = luma(colors)
  chroma = own - luma(own)
  room = jnp.where(chroma > 0.0, 1.0 - light, light)
  reach = room / jnp.maximum(jnp.abs(chroma), 1e-6)
  scale = jnp.minimum(jnp.min(reach, axis=-1, keepdims=True), 1.0)
  return jnp.clip(light + scale * chroma, 0.0, 1.0)
