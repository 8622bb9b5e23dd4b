"""What the style field and the stylizer learn from each other.

Each loss holds constant what it may not update, so that a caller who
differentiates with respect to everything still trains the right half.
"""

import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error

NORMALISATIONS = ("variance", "standard_deviation")


def mimic_2d_to_3d(rendered: jax.Array, target: jax.Array) -> jax.Array:
  """Draws the style field and its codes to the stylizer's images.

  Args:
    rendered: [..., 3], colours of rays in a style; learns.
    target: [..., 3], stylized images at their pixels; constant.

  Returns:
    Scalar, mean squared error.
  """
  return jnp.mean((rendered - jax.lax.stop_gradient(target)) ** 2)


def mimic_3d_to_2d(stylized: jax.Array, rendered: jax.Array) -> jax.Array:
  """Draws the stylizer's decoder to what the style field renders.

  Args:
    stylized: [..., 3], the decoder's output at pixels; learns.
    rendered: [..., 3], colours of their rays in the style; constant.

  Returns:
    Scalar, mean squared error.
  """
  return jnp.mean((stylized - jax.lax.stop_gradient(rendered)) ** 2)


def ray_spread(weights, colors):
  """Draws the colours along each ray together.

  A soft surface is several samples deep. Where they differ in colour, what
  lies behind each other in one view moves apart in the next.

  Args:
    weights: [..., K], of the samples; constant.
    colors: [..., K, 3], theirs; learn.

  Returns:
    Scalar, the mean over rays and channels of the weighted squared differences
    from the ray's weighted mean colour.
  """
  weights = jax.lax.stop_gradient(weights)[..., None]
  total = jnp.maximum(weights.sum(-2, keepdims=True), 1e-6)
  mean = (weights * colors).sum(-2, keepdims=True) / total
  return jnp.mean((weights * (colors - mean) ** 2).sum(-2))


def latent_nll(latents, means, variances, *, normalise: str = "variance"):
  """Measures how far codes are from their style, up to a constant.

  Args:
    latents: [..., L].
    means: [..., L], of each code's style.
    variances: [..., L], positive.
    normalise: "variance" for the negative log-likelihood of the Gaussian, or
      "standard_deviation" for what the authors' release divides by.

  Returns:
    [...], 0.5 sum((z - mean)^2 / variance) over L.

  Raises:
    ValueError: for an unknown normalisation.
  """
  if normalise not in NORMALISATIONS:
    raise user_error.UserError(
      f"normalise is {normalise!r}; expected one of {NORMALISATIONS}"
    )
  scale = variances if normalise == "variance" else jnp.sqrt(variances)
  return 0.5 * jnp.sum((latents - means) ** 2 / scale, axis=-1)


def latent_loss(
  latents: jax.Array,
  means: jax.Array,
  variances: jax.Array,
  *,
  normalise: str = "variance",
) -> jax.Array:
  """Keeps latent codes near their styles.

  Args:
    latents: [..., L], codes z[s, v]; learn.
    means: [..., L], of each code's style; constant.
    variances: [..., L], positive; constant.
    normalise: as in `latent_nll`.

  Returns:
    Scalar, the mean over codes of 0.5 sum((z - mean)^2 / variance).

  Raises:
    ValueError: for an unknown normalisation.
  """
  means, variances = jax.lax.stop_gradient((means, variances))
  return jnp.mean(latent_nll(latents, means, variances, normalise=normalise))
