"""PSNR and SSIM of pictures against their references.

Pictures are [..., H, W, C] float32 in [0, 1], sRGB values as stored in files
(never linearised); every metric returns one value per picture, [...].
"""

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax import user_error

# Wang et al. 2004: an 11 x 11 Gaussian window of sigma 1.5, K1 and K2.
_SSIM_SIGMA = 1.5
_SSIM_RADIUS = 5
# Pixels a side that a picture must have.
SSIM_WINDOW = 2 * _SSIM_RADIUS + 1
_SSIM_C1 = 0.01**2
_SSIM_C2 = 0.03**2


def gaussian_kernel(sigma: float, radius: int) -> np.ndarray:
  """Sample a Gaussian at whole pixels.

  Args:
    sigma: standard deviation, pixels.
    radius: how far from the middle the window reaches, pixels.

  Returns:
    [2 radius + 1], sums to 1.
  """
  offsets = np.arange(-radius, radius + 1)
  weights = np.exp(-0.5 * (offsets / sigma) ** 2)
  return (weights / weights.sum()).astype(np.float32)


def filter_valid(images: jax.Array, kernel: np.ndarray) -> jax.Array:
  """Filter rows and columns with one kernel, where it fits entirely.

  Args:
    images: [..., H, W, C].
    kernel: [K], symmetric.

  Returns:
    [..., H - K + 1, W - K + 1, C].
  """
  # Shifted sums instead of a convolution: accelerators round the operands of
  # convolutions, and SSIM subtracts nearly equal sums.
  size = len(kernel)
  for axis in (-3, -2):
    length = images.shape[axis] - size + 1
    images = sum(
      float(weight)
      * jax.lax.slice_in_dim(
        images, start, start + length, axis=images.ndim + axis
      )
      for start, weight in enumerate(kernel)
    )
  return images


def psnr(images: jax.Array, references: jax.Array) -> jax.Array:
  """Compute the peak signal-to-noise ratio for a peak of 1.

  Args:
    images: [..., H, W, C], [0, 1].
    references: the same shape and range.

  Returns:
    [...], dB; infinite where the pictures are equal.
  """
  _check_shapes(images, references)
  error = jnp.mean((images - references) ** 2, axis=(-3, -2, -1))
  return -10.0 * jnp.log10(error)


def ssim(images: jax.Array, references: jax.Array) -> jax.Array:
  """Compute the structural similarity, mean over pixels and channels.

  The window is Gaussian and lies entirely inside the picture; variances are
  those of the window, not unbiased estimates (Wang et al. 2004).

  Args:
    images: [..., H, W, C], [0, 1], at least 11 pixels on each side.
    references: the same shape and range.

  Returns:
    [...], at most 1, which equal pictures reach.

  Raises:
    ValueError: the shapes differ or the pictures are smaller than the window.
  """
  _check_shapes(images, references)
  if min(images.shape[-3:-1]) < SSIM_WINDOW:
    raise user_error.UserError(
      f"ssim: the pictures are {images.shape[-3]} x {images.shape[-2]} pixels,"
      f" expected at least {SSIM_WINDOW} on each side"
    )
  kernel = gaussian_kernel(_SSIM_SIGMA, _SSIM_RADIUS)
  # (Co)variances do not depend on the origin; from mid-grey the squares that
  # are subtracted below are smaller, and so is their rounding.
  x = images - 0.5
  y = references - 0.5
  mean_x = filter_valid(x, kernel)
  mean_y = filter_valid(y, kernel)
  variance_x = filter_valid(x * x, kernel) - mean_x**2
  variance_y = filter_valid(y * y, kernel) - mean_y**2
  covariance = filter_valid(x * y, kernel) - mean_x * mean_y
  mean_x = mean_x + 0.5
  mean_y = mean_y + 0.5
  luminance = (2.0 * mean_x * mean_y + _SSIM_C1) / (
    mean_x**2 + mean_y**2 + _SSIM_C1
  )
  structure = (2.0 * covariance + _SSIM_C2) / (
    variance_x + variance_y + _SSIM_C2
  )
  return jnp.mean(luminance * structure, axis=(-3, -2, -1))


def _check_shapes(images: jax.Array, references: jax.Array) -> None:
  """Raise unless both arrays have one shape of at least three axes."""
  if images.shape != references.shape or images.ndim < 3:
    raise user_error.UserError(
      f"pictures of shape {images.shape} and references of shape"
      f" {references.shape}: expected one shape [..., H, W, C]"
    )
