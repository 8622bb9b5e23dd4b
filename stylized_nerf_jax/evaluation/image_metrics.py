"""PSNR, SSIM and edges of pictures against their references.

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
# Edges are looked for beyond the grain of strokes.
_EDGE_SIGMA = 2.0
_EDGE_RADIUS = 6
# Rec. 601, as the luma of sRGB values.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


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


def edge_agreement(images: jax.Array, references: jax.Array) -> jax.Array:
  """Correlate the edges of pictures with those of their references.

  Edges are the magnitude of the gradient of luma, blurred with sigma 2; the
  correlation is Pearson's over all pixels, so that neither contrast nor which
  side is the brighter one matters, but lines that only one of the two has do.

  Args:
    images: [..., H, W, 3], [0, 1], at least 15 pixels on each side.
    references: the same shape and range.

  Returns:
    [...], in [-1, 1]: 1 for equal edges, 0 for unrelated ones, or where a
    picture has none.

  Raises:
    ValueError: the shapes differ or the pictures are too small.
  """
  _check_shapes(images, references)
  if min(images.shape[-3:-1]) < 2 * _EDGE_RADIUS + 3:
    raise user_error.UserError(
      f"edges: the pictures are {images.shape[-3]} x {images.shape[-2]} pixels,"
      f" expected at least {2 * _EDGE_RADIUS + 3} on each side"
    )
  x, y = _edges(images), _edges(references)
  x -= jnp.mean(x, axis=(-3, -2, -1), keepdims=True)
  y -= jnp.mean(y, axis=(-3, -2, -1), keepdims=True)
  both, xx, yy = (
    jnp.mean(product, axis=(-3, -2, -1)) for product in (x * y, x * x, y * y)
  )
  # A hundredth of an 8-bit step a pixel is no edge.
  return both / jnp.maximum(jnp.sqrt(xx * yy), (0.01 / 255) ** 2)


def _edges(images: jax.Array) -> jax.Array:
  """Compute the magnitude of the blurred luma's gradient, [..., h, w, 1]."""
  luma = jnp.sum(images * LUMA, axis=-1, keepdims=True)
  kernel = gaussian_kernel(_EDGE_SIGMA, _EDGE_RADIUS)
  blurred = filter_valid(luma, kernel)
  across = blurred[..., 1:-1, 2:, :] - blurred[..., 1:-1, :-2, :]
  down = blurred[..., 2:, 1:-1, :] - blurred[..., :-2, 1:-1, :]
  return 0.5 * jnp.hypot(across, down)


def _check_shapes(images: jax.Array, references: jax.Array) -> None:
  """Raise unless both arrays have one shape of at least three axes."""
  if images.shape != references.shape or images.ndim < 3:
    raise user_error.UserError(
      f"pictures of shape {images.shape} and references of shape"
      f" {references.shape}: expected one shape [..., H, W, C]"
    )
