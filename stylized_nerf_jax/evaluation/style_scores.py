"""How much of a style a frame shows, and how much detail (section 11).

A blurred or constant sequence is perfectly consistent; these measures stand
beside consistency and tell it from a good one. Pictures are float32 in
[0, 1], sRGB values.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.evaluation import image_metrics
from stylized_nerf_jax.losses import stylization

Encode = Callable[[jax.Array], Mapping[str, jax.Array]]

_DIRECTIONS = 32
_QUANTILES = 1024
_BLUR_SIGMA = 2.0
_BLUR_RADIUS = 8


def style_distance(
  encode: Encode, style: np.ndarray
) -> Callable[[np.ndarray], float]:
  """Make the measure of style loss to one style, at full frame.

  Args:
    encode: pictures [N, H, W, 3] to features [N, h, w, C] by layer name,
      relu1_1 to relu4_1 of the stylizer's encoder.
    style: [H, W, 3].

  Returns:
    A function of a frame [H, W, 3]: sum over layers of the mean squared
    differences of channel means and of standard deviations (section 4).
  """
  statistics = stylization.layer_statistics(encode(jnp.asarray(style)[None]))
  loss = jax.jit(stylization.style_loss)

  def distance(frame: np.ndarray) -> float:
    return float(loss(encode(jnp.asarray(frame)[None]), statistics))

  return distance


def color_distance(style: np.ndarray) -> Callable[[np.ndarray], float]:
  """Make the sliced 2-Wasserstein distance between colours and a style's.

  Where the colours lie in the picture does not matter, only how many pixels
  have them.

  Args:
    style: [H, W, 3].

  Returns:
    A function of a frame [H, W, 3]: the root mean square, over 32 fixed
    directions and 1,024 quantiles, of the difference between the quantiles of
    the projected colours. 0 for equal palettes; for two plain colours, their
    Euclidean distance over sqrt(3).
  """
  reference = _color_quantiles(style)

  def distance(frame: np.ndarray) -> float:
    difference = _color_quantiles(frame) - reference
    return float(np.sqrt(np.mean(difference**2)))

  return distance


def high_frequency_energy(images: jax.Array) -> jax.Array:
  """Measure detail: mean of (Y - Gaussian blur of Y, sigma 2 px)^2.

  Args:
    images: [..., H, W, 3], at least 8 pixels on each side.

  Returns:
    [...], 0 for a plain picture.
  """
  luma = jnp.sum(images * image_metrics.LUMA, axis=-1, keepdims=True)
  spread = [(0, 0)] * luma.ndim
  spread[-3] = spread[-2] = (_BLUR_RADIUS, _BLUR_RADIUS)
  # Mirrored borders: a border of zeros would count as an edge.
  padded = jnp.pad(luma, spread, mode="symmetric")
  kernel = image_metrics.gaussian_kernel(_BLUR_SIGMA, _BLUR_RADIUS)
  blurred = image_metrics.filter_valid(padded, kernel)
  return jnp.mean((luma - blurred) ** 2, axis=(-3, -2, -1))


def _color_quantiles(image: np.ndarray) -> np.ndarray:
  """Compute quantiles of the colours along each direction, [32, 1024]."""
  colors = np.asarray(image, np.float32).reshape(-1, 3)
  projected = np.sort(_directions() @ colors.T, axis=-1)
  # Pictures of different sizes are compared at the same quantiles, those in
  # the middle of 1,024 equal shares of the pixels.
  count = projected.shape[-1]
  positions = (np.arange(_QUANTILES) + 0.5) * count / _QUANTILES - 0.5
  pixels = np.arange(count)
  return np.stack([np.interp(positions, pixels, row) for row in projected])


def _directions() -> np.ndarray:
  """Spread unit vectors evenly over half a sphere, [32, 3].

  A Fibonacci spiral: it needs no random numbers, so scores compare between
  machines and versions. A direction and its opposite measure the same.
  """
  index = np.arange(_DIRECTIONS)
  z = 1 - (index + 0.5) / _DIRECTIONS
  angle = index * np.pi * (3 - np.sqrt(5))
  radius = np.sqrt(1 - z**2)
  points = [radius * np.cos(angle), radius * np.sin(angle), z]
  return np.stack(points, axis=-1).astype(np.float32)
