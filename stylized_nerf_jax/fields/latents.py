"""Latent codes of styles as training views see them.

A table [S, V, L] holds one code for each pair of style and training view.
A style's codes are drawn from, and kept near, the Gaussian N(mean, variance)
that the statistics VAE gives that style. Novel frames never index the table:
they take a style's mean, a mixture of means, or one training view's code
scaled towards the mean.
"""

import collections
import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax import user_error


@dataclasses.dataclass(frozen=True)
class LatentKeys:
  """What the rows and columns of a table stand for.

  Attributes:
    styles: content hashes of the S styles.
    views: names of the V training views.

  Raises:
    ValueError: where a name or hash occurs twice.
  """

  styles: tuple[str, ...]
  views: tuple[str, ...]

  def __post_init__(self):
    for what, names in (("style", self.styles), ("view", self.views)):
      for name, count in collections.Counter(names).items():
        if count > 1:
          raise user_error.UserError(
            f"{what} {name!r} occurs {count} times; codes are kept by {what}, "
            "so each must occur once: remove the copies"
          )


def init_latents(
  key: jax.Array, means: jax.Array, variances: jax.Array, num_views: int
) -> jax.Array:
  """Draws a first code for every style and training view.

  Args:
    key: random key.
    means: [S, L].
    variances: [S, L], not negative.
    num_views: number of training views, V.

  Returns:
    [S, V, L], samples of N(mean, variance).
  """
  styles, size = means.shape
  noise = jax.random.normal(key, (styles, num_views, size), means.dtype)
  return means[:, None] + jnp.sqrt(variances)[:, None] * noise


def mix(means, weights: Sequence[float]):
  """Blends styles.

  Args:
    means: [S, L].
    weights: S values, none negative, not all zero; any scale.

  Returns:
    [L], the mean of the means under the weights divided by their sum.

  Raises:
    ValueError: for weights of another number, negative, not finite, or all
      zero.
  """
  shares = np.asarray(weights, np.float64)
  if shares.shape != (means.shape[0],):
    raise user_error.UserError(
      f"weights have shape {shares.shape}; expected one for each of the "
      f"{means.shape[0]} styles"
    )
  if not np.all(np.isfinite(shares)) or np.any(shares < 0):
    raise user_error.UserError(
      f"weights are {shares.tolist()}; expected finite values, none negative"
    )
  if not np.any(shares > 0):
    raise user_error.UserError(
      "weights are all zero; give at least one style weight"
    )
  of_one = jnp.asarray(shares / shares.sum(), means.dtype)
  return jnp.sum(of_one[:, None] * means, axis=0)


def spread(mean, code, amount):
  """Moves from a style's mean towards one training view's code.

  Args:
    mean: [..., L].
    code: [..., L], z[s, v].
    amount: 0 gives the mean, 1 the code.

  Returns:
    [..., L].
  """
  return mean + amount * (code - mean)


def merge_latents(
  old_keys: LatentKeys, old_table, new_keys: LatentKeys, new_init
) -> np.ndarray:
  """Carries trained codes over to another set of styles and views.

  Args:
    old_keys: styles and views of the old table.
    old_table: [S, V, L], trained codes.
    new_keys: styles and views wanted.
    new_init: [S', V', L], first codes for them.

  Returns:
    [S', V', L]: the old code where style and view are in both, else the first
    one.

  Raises:
    ValueError: for a table that does not fit its keys, or codes of another
      length.
  """
  old_table, merged = np.asarray(old_table), np.array(new_init)
  for what, keys, table in (
    ("old_table", old_keys, old_table),
    ("new_init", new_keys, merged),
  ):
    expected = (len(keys.styles), len(keys.views), merged.shape[-1])
    if table.shape != expected:
      raise user_error.UserError(
        f"{what} has shape {table.shape}; its keys and the new codes' length "
        f"ask for {expected}"
      )
  old_rows, new_rows = _shared(old_keys.styles, new_keys.styles)
  old_columns, new_columns = _shared(old_keys.views, new_keys.views)
  merged[np.ix_(new_rows, new_columns)] = old_table[
    np.ix_(old_rows, old_columns)
  ]
  return merged


def _shared(old: Sequence[str], new: Sequence[str]):
  """Indices into `old` and into `new` of the names that both hold."""
  place = {name: index for index, name in enumerate(old)}
  pairs = [(place[name], i) for i, name in enumerate(new) if name in place]
  return [a for a, _ in pairs], [b for _, b in pairs]
