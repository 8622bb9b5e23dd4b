"""Style fields of several paintings as one.

Those of a run begin as the same field and share its space of codes, so that a
mix of styles is a mean of parameters as it is one of codes.
"""

import jax
import jax.numpy as jnp

# What is left of 1 by no more than rounding is nobody's.
LEAST_SHARE = 1e-6


def mix(base, finished, shares: jax.Array):
  """Blends style fields of styles.

  Args:
    base: parameters of the one that mutual learning left.
    finished: those of S styles, leaves [S, ...].
    shares: [S], none negative, 1 at most together; the rest is the base's.

  Returns:
    Parameters, float32; those of one style as they are where its share is 1.
  """
  left = 1.0 - shares.sum()

  def blend(of_base, of_styles):
    weights = shares.reshape(-1, *[1] * (of_styles.ndim - 1))
    # What has no share may be anything.
    parts = jnp.where(weights > 0, weights * of_styles.astype(jnp.float32), 0.0)
    return parts.sum(0) + jnp.where(left > LEAST_SHARE, left * of_base, 0.0)

  return jax.tree.map(blend, base, finished)


def of_each(params):
  """Returns the style field that each style is painted with.

  Args:
    params: of a model, {"style_field"} and, where it has a finish, "finished".

  Returns:
    Parameters float32, leaves [S, ...] with a finish; else what all share.
  """
  if "finished" not in params:
    return params["style_field"]
  return jax.tree.map(lambda v: v.astype(jnp.float32), params["finished"])
