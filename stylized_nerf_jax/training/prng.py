"""Random keys as a pure function of seed, purpose and step.

Nothing is split and carried along, so a resumed run draws what the
uninterrupted one would have drawn.
"""

import zlib

import jax


def stream_key(seed: int, name: str) -> jax.Array:
  """Returns the key of a named stream of randomness, such as a phase."""
  return jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))
