"""Losses that train the decoder and the statistics VAE (method, 4 and 5)."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.stylizer import adain


def content_loss(features: jax.Array, target: jax.Array) -> jax.Array:
  """Compute the mean squared difference of features.

  Args:
    features: E(D(t)) at relu4_1, [..., h, w, C].
    target: t, the same shape.

  Returns:
    A scalar.
  """
  return jnp.square(features - target).mean()


def layer_statistics(
  features: Mapping[str, jax.Array],
) -> dict[str, tuple[jax.Array, jax.Array]]:
  """Compute mean and standard deviation [N, C] of every layer [N, h, w, C]."""
  return {
    name: adain.style_statistics(value) for name, value in features.items()
  }


def style_loss(
  features: Mapping[str, jax.Array],
  style_statistics: Mapping[str, tuple[jax.Array, jax.Array]],
) -> jax.Array:
  """Compare channel statistics with those of a style, over all layers.

  Args:
    features: layer name to E(D(t)), [N, h, w, C].
    style_statistics: layer name to mean and standard deviation of E(style),
      each [N, C] or [1, C].

  Returns:
    A scalar: sum over layers of MSE(mean) + MSE(standard deviation).

  Raises:
    ValueError: the two name different layers.
  """
  if set(features) != set(style_statistics):
    raise user_error.UserError(
      f"style_statistics names the layers {sorted(style_statistics)}, expected"
      f" those of the features, {sorted(features)}"
    )
  total = jnp.zeros(())
  for name, (mean, std) in layer_statistics(features).items():
    style_mean, style_std = style_statistics[name]
    total += jnp.square(mean - style_mean).mean()
    total += jnp.square(std - style_std).mean()
  return total


def side_by_side(features: jax.Array) -> jax.Array:
  """Join features [N, h, w, C] of patches to those of one: [1, N h, w, C].

  As one picture they may differ from each other: a wall may be plain where
  leaves are not.
  """
  return features.reshape(1, -1, *features.shape[2:])


# Rows: luma, and two chroma differences that are zero on grey.
_OPPONENT = (
  (0.299, 0.587, 0.114),
  (-0.169, -0.331, 0.5),
  (0.5, -0.419, -0.081),
)


def _luma_and_chroma(rgb: jax.Array, chroma_weight: float) -> jax.Array:
  """Turn colours, or their differences, to luma and weighted chroma."""
  weights = jnp.asarray([1.0, chroma_weight, chroma_weight], rgb.dtype)
  return (rgb @ jnp.asarray(_OPPONENT, rgb.dtype).T) * weights


def reconstruction_loss(
  images: jax.Array, target: jax.Array, *, chroma_weight: float = 1.0
) -> jax.Array:
  """Compute L1 on pixels plus L1 on their differences to the next pixel.

  Chroma is small in natural images, so that unweighted L1 leaves it for last.

  Args:
    images: [N, H, W, 3] RGB.
    target: the same shape.
    chroma_weight: weight of the two chroma channels; luma has 1.

  Returns:
    A scalar.
  """
  error = _luma_and_chroma(images - target, chroma_weight)
  return (
    jnp.abs(error).mean()
    + jnp.abs(jnp.diff(error, axis=1)).mean()
    + jnp.abs(jnp.diff(error, axis=2)).mean()
  )


def palette_loss(
  images: jax.Array, palette: jax.Array, *, chroma_weight: float = 1.0
) -> jax.Array:
  """Compare the colours of images with those of a painting, places aside.

  Deep statistics know colours only dimly, and the decoder follows them last;
  mean and standard deviation of the colours themselves are a short way.

  Args:
    images: [N, H, W, 3] RGB.
    palette: of the paintings, [N or 1, h, w, 3] RGB.
    chroma_weight: weight of the two chroma channels; luma has 1.

  Returns:
    A scalar: MSE(mean) + MSE(standard deviation) of luma and chroma.
  """
  mean, std = adain.style_statistics(_luma_and_chroma(images, chroma_weight))
  expected = adain.style_statistics(_luma_and_chroma(palette, chroma_weight))
  return (
    jnp.square(mean - expected[0]).mean() + jnp.square(std - expected[1]).mean()
  )


def block_loss(outputs: jax.Array, features: jax.Array) -> jax.Array:
  """Compare what will pass a ReLU with features that have passed one.

  Outputs below zero are right where the feature is zero; elsewhere they still
  get a gradient, which they would not behind the ReLU.

  Args:
    outputs: [N, h, w, C], before the ReLU.
    features: the same shape, not negative.

  Returns:
    A scalar: the mean squared error over the mean square of the features.
  """
  error = jnp.where(features > 0.0, outputs, jnp.maximum(outputs, 0.0))
  error = error - features
  return jnp.square(error).mean() / (jnp.square(features).mean() + 1e-6)


def vae_loss(
  reconstruction: jax.Array,
  statistics: jax.Array,
  mean: jax.Array,
  log_variance: jax.Array,
  *,
  kl_weight: float = 0.1,
) -> jax.Array:
  """Compute the loss of the statistics VAE, averaged over the batch.

  Args:
    reconstruction: [N, 2 C].
    statistics: what was encoded, [N, 2 C].
    mean: of the latent, [N, L].
    log_variance: of the latent, [N, L].
    kl_weight: weight of the divergence from the unit Gaussian.

  Returns:
    A scalar: the squared error summed over values, plus the weighted KL.
  """
  error = jnp.square(reconstruction - statistics).sum(-1)
  divergence = 0.5 * (
    jnp.square(mean) + jnp.exp(log_variance) - 1.0 - log_variance
  ).sum(-1)
  return (error + kl_weight * divergence).mean()
