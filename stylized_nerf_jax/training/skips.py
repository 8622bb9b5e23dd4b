"""Steps that were skipped because something was not finite."""

import flax
import jax
import jax.numpy as jnp


@flax.struct.dataclass
class Skips:
  """Which of some steps were skipped.

  Attributes:
    count: [], int32, how many.
    row: [], int32, how many of them follow each other up to the last step.
    finite: for each metric whether it was finite, [], in the first step of
      that row.
  """

  count: jax.Array
  row: jax.Array
  finite: dict[str, jax.Array]


def describe(good, metrics) -> Skips:
  """Describes which of S steps were not good: [S] bool, metrics [S, ...]."""
  number = jnp.arange(good.shape[0])
  row = number[-1] - jnp.max(jnp.where(good, number, -1))
  first = jnp.minimum(good.shape[0] - row, number[-1])
  return Skips(
    count=jnp.sum(~good, dtype=jnp.int32),
    row=row.astype(jnp.int32),
    finite={
      n: jnp.isfinite(values[first]).all() for n, values in metrics.items()
    },
  )


def mean_of_good(good, metrics):
  """Averages metrics [S, ...] over the good ones of S steps, or over all."""
  chosen = good | ~good.any()

  def mean(values):
    of_step = chosen.reshape(-1, *[1] * (values.ndim - 1))
    return jnp.where(of_step, values, 0.0).sum(axis=0) / chosen.sum()

  return jax.tree.map(mean, metrics)
