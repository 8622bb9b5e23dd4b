"""Random keys as a pure function of seed, purpose, step and row.

Nothing is split and carried along, so a resumed run draws what the
uninterrupted one would have drawn; and a row of a batch draws the same numbers
on whichever of however many devices it lies.
"""

import math
import zlib

import jax
import jax.numpy as jnp
from jax.extend import random as extended

_THREEFRY = extended.threefry_prng_impl


def stream_key(seed: int, name: str) -> jax.Array:
  """Returns the key of a named stream of randomness, such as a phase."""
  return jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))


def step_key(key: jax.Array, step: jax.Array, first: jax.Array) -> jax.Array:
  """Returns the key of a step of a phase, for rows from `first` on.

  Args:
    key: of the phase.
    step: [], steps taken before it.
    first: as in `share_key`.
  """
  return share_key(jax.random.fold_in(key, step), first)


def share_key(key: jax.Array, first: jax.Array) -> jax.Array:
  """Returns the key with which a device draws its rows of the whole batch.

  What `jax.random` draws with it in a shape [R, ...] are rows `first`,
  `first` + 1, ... of a draw of all rows. Of keys that are split or folded from
  it the same is true. Scalars are equal on all devices.

  Args:
    key: of the step, as `jax.random.key` makes it.
    first: [], index of the first row.
  """
  data = jax.random.key_data(key)
  place = jnp.asarray(first, jnp.uint32)[None]
  return jax.random.wrap_key_data(jnp.concatenate([data, place]), impl=_ROWS)


def _bits(key: jax.Array, bit_width: int, shape: tuple[int, ...]) -> jax.Array:
  """Threefry of a counter that goes on from row to row.

  A draw of all rows has fewer than 2**32 numbers.
  """
  size = math.prod(shape)
  row = math.prod(shape[1:])
  first = key[2] * jnp.uint32(row) if shape else jnp.uint32(0)
  low = (first + jnp.arange(size, dtype=jnp.uint32)).reshape(shape)
  counter = jnp.stack([jnp.zeros_like(low), low])
  high, low = extended.threefry_2x32((key[0], key[1]), counter)
  if bit_width == 64:
    return (high.astype(jnp.uint64) << 32) | low.astype(jnp.uint64)
  return (high ^ low).astype(f"uint{bit_width}")


def _split(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
  data = _THREEFRY.split(key[:2], shape)
  place = jnp.broadcast_to(key[2], (*shape, 1))
  return jnp.concatenate([data, place], axis=-1)


def _fold_in(key: jax.Array, data: jax.Array) -> jax.Array:
  return jnp.append(_THREEFRY.fold_in(key[:2], data), key[2])


def _seed(seed: jax.Array) -> jax.Array:
  return jnp.append(_THREEFRY.seed(seed), jnp.uint32(0))


_ROWS = extended.define_prng_impl(
  key_shape=(3,),
  seed=_seed,
  split=_split,
  random_bits=_bits,
  fold_in=_fold_in,
  name="threefry_of_rows",
  tag="rows",
)
