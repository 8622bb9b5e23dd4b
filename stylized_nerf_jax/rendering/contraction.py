"""Scene contraction: all of space inside a ball (mip-NeRF 360, equation 10)."""

import jax.numpy as jnp


def contract(points):
  """Maps the unit ball to itself and what lies outside into the ball of 2.

  Args:
    points: [..., 3], any finite coordinates.

  Returns:
    [..., 3], of norm below 2.
  """
  squared = jnp.sum(points**2, axis=-1, keepdims=True)
  # The clip keeps the gradient of the unused branch finite at the origin.
  norm = jnp.sqrt(jnp.maximum(squared, 1.0))
  return jnp.where(squared <= 1.0, points, (2.0 - 1.0 / norm) * points / norm)
