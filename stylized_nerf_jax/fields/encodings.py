"""Fixed encodings of coordinates."""

import jax.numpy as jnp


def frequency_encoding(x, num_octaves: int):
  """Encodes coordinates as sines and cosines (NeRF, section 5.1; no pi).

  Args:
    x: [..., D].
    num_octaves: number of frequencies 1, 2, 4, ...; 0 leaves x as it is.

  Returns:
    [..., D (1 + 2 num_octaves)]: x, sin(x), cos(x), sin(2 x), cos(2 x), ...,
    each a block of D values.
  """
  scales = 2.0 ** jnp.arange(num_octaves, dtype=x.dtype)
  angles = x[..., None, :] * scales[:, None]
  waves = jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-2)
  waves = waves.reshape(*x.shape[:-1], 2 * num_octaves * x.shape[-1])
  return jnp.concatenate([x, waves], axis=-1)


def frequency_size(num_octaves: int, dimensions: int = 3) -> int:
  """Returns how many values `frequency_encoding` makes of one point."""
  return dimensions * (1 + 2 * num_octaves)
