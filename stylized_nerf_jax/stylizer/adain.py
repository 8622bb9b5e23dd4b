"""Adaptive instance normalisation (method, section 4).

Features are NHWC; statistics are over height and width.
"""

import jax
import jax.numpy as jnp

# Added to the variance, so that a constant channel has a standard deviation.
EPSILON = 1e-5


def style_statistics(features: jax.Array) -> tuple[jax.Array, jax.Array]:
  """Compute the mean and standard deviation of each channel.

  Args:
    features: [..., H, W, C].

  Returns:
    Mean and standard deviation, both [..., C]. The variance under the root is
    unbiased plus `EPSILON`; that of a single position is `EPSILON`.
  """
  count = features.shape[-3] * features.shape[-2]
  mean = features.mean((-3, -2))
  offset = features - mean[..., None, None, :]
  variance = jnp.square(offset).sum((-3, -2)) / max(count - 1, 1)
  return mean, jnp.sqrt(variance + EPSILON)


def normalise(features: jax.Array) -> jax.Array:
  """Give every channel of [..., H, W, C] mean 0 and standard deviation 1."""
  mean, std = style_statistics(features)
  return (features - mean[..., None, None, :]) / std[..., None, None, :]


def restyle(
  normalised: jax.Array, style_mean: jax.Array, style_std: jax.Array
) -> jax.Array:
  """Give normalised features the channel statistics of a style.

  Args:
    normalised: [..., H, W, C], of `normalise`.
    style_mean: [..., C].
    style_std: [..., C], not negative.

  Returns:
    [..., H, W, C].
  """
  return (
    normalised * style_std[..., None, None, :] + style_mean[..., None, None, :]
  )


def adain(
  content: jax.Array,
  style_mean: jax.Array,
  style_std: jax.Array,
  alpha: jax.typing.ArrayLike = 1.0,
) -> jax.Array:
  """Give content features the channel statistics of a style.

  Args:
    content: [..., H, W, C].
    style_mean: [..., C].
    style_std: [..., C], not negative.
    alpha: strength; 0 returns the content, 1 the statistics of the style.

  Returns:
    [..., H, W, C].
  """
  styled = restyle(normalise(content), style_mean, style_std)
  return alpha * styled + (1.0 - alpha) * content


def as_vector(mean: jax.Array, std: jax.Array) -> jax.Array:
  """Join mean and standard deviation [..., C] as the VAE reads them.

  Returns:
    [..., 2 C], the mean first.
  """
  return jnp.concatenate([mean, std], -1)
