"""One small matrix times very many vectors, right on every device.

A matrix product would be rounded on devices that round what goes into one. A
product that is summed, as `sum(matrix * vectors[..., None, :], axis=-1)`, is
not: but where the result is summed again over the row, as for a norm, XLA's CPU
backend (jaxlib 0.10.2, under jit) returns wrong rows from the 10,922nd on.
"""

import jax


def apply(matrix: jax.Array, vectors: jax.Array) -> jax.Array:
  """Multiplies matrices with vectors, column by column.

  Args:
    matrix: [..., N, K]; leading dimensions broadcast with those of `vectors`.
    vectors: [..., K].

  Returns:
    [..., N].
  """
  columns = (
    matrix[..., :, k] * vectors[..., k : k + 1]
    for k in range(vectors.shape[-1])
  )
  return sum(columns)
