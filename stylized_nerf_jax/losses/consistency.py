"""The consistency loss between stylized views of one scene."""

import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error


def consistency_loss(
  images: jax.Array, warped: jax.Array, masks: jax.Array
) -> jax.Array:
  """Compare stylized views with view 0 warped into them.

  sum(M |I_v - W(I_0)|^2) / (3 sum M) over the views v other than 0: view 0
  warped into itself agrees by construction, and counting it or the pixels
  that M excludes would only dilute the weight of the loss.

  Args:
    images: stylized views, [V, H, W, 3]; the first is the source.
    warped: view 0 warped into each *other* view, [V - 1, H, W, 3].
    masks: where `warped` is valid, [V - 1, H, W] bool.

  Returns:
    A scalar: the mean squared difference per colour value; 0, with zero
    gradients, where no pixel is valid.

  Raises:
    ValueError: the shapes do not fit each other.
  """
  others = images[1:]
  if others.shape != warped.shape or others.shape[:-1] != masks.shape:
    raise user_error.UserError(
      f"consistency: images {images.shape}, warped {warped.shape}, masks"
      f" {masks.shape}; expected [V, H, W, 3], [V - 1, H, W, 3] and"
      " [V - 1, H, W]: view 0 is not compared with itself"
    )
  # Selected before it is squared: what lies outside the masks may be anything,
  # and 0 * inf would reach the gradient.
  difference = jnp.where(masks[..., None], others - warped, 0.0)
  count = images.shape[-1] * jnp.sum(masks)
  return jnp.sum(difference**2) / jnp.maximum(count, 1)
