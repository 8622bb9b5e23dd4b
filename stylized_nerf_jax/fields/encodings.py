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


def octave_encoding(x, first: int, last: int, *, interleaved: bool = False):
  """Encodes coordinates in the order of JaxNeRF's `posenc` (2022).

  Cosines are sines a quarter turn ahead, in the precision of x: of high
  frequencies neither is exact, and weights were trained on these.

  Args:
    x: [..., D].
    first: exponent of the lowest frequency, 2 ** first.
    last: exponent that the highest stays below; `first` leaves x as it is.
    interleaved: sine and cosine of each frequency lie together, as in the
      versions before 2021 (its flag `legacy_posenc_order`); otherwise all
      sines come before all cosines.

  Returns:
    [..., D (1 + 2 (last - first))]: x, then the waves, frequency by frequency
    in blocks of D values.
  """
  if first == last:
    return x
  scales = 2.0 ** jnp.arange(first, last, dtype=x.dtype)
  angles = x[..., None, :] * scales[:, None]
  ahead = angles + 0.5 * jnp.pi
  axis = -2 if interleaved else -3
  waves = jnp.sin(jnp.stack([angles, ahead], axis=axis))
  return jnp.concatenate([x, waves.reshape(*x.shape[:-1], -1)], axis=-1)


def frequency_size(num_octaves: int, dimensions: int = 3) -> int:
  """Returns how many values `frequency_encoding` makes of one point."""
  return dimensions * (1 + 2 * num_octaves)
