"""Which way strokes run and how broad they are, from the structure tensor.

At a scale sigma, luma is differentiated by Gaussians of that width, times
sigma, so that a pattern weighs as much whatever its size; products of the two
derivatives, averaged over a Gaussian of 2 sigma, are the structure tensor. The
difference of its eigenvalues is the energy of what runs one way, and over
their sum it is the coherence: 1 where all strokes are parallel, 0 where none
is. Pictures are [H, W, 3] float32 in [0, 1].
"""

from collections.abc import Iterable

import numpy as np
import scipy.ndimage

from stylized_nerf_jax.evaluation import image_metrics

# Pixels; half octaves.
SIGMAS = tuple(2.0 ** (step / 2) for step in range(7))
ANGLES = 36  # bins of 5 degrees
# Energy of a gradient of a hundredth a pixel at sigma 1: less is noise of
# 8 bits, not a stroke.
_NOISE = 1e-4


class Brushwork:
  """Histograms of strokes, of one picture or the mean of several."""

  def __init__(self, pictures: Iterable[np.ndarray] = ()):
    """Begin with some pictures [H, W, 3] in [0, 1], or with none."""
    self._angles = np.zeros(ANGLES)
    self._scales = np.zeros(len(SIGMAS))
    for picture in pictures:
      self.add(picture)

  def add(self, picture: np.ndarray) -> None:
    """Count the strokes of one more picture [H, W, 3] in [0, 1]."""
    angles, scales = _histograms(picture)
    self._angles += _normalised(angles)
    self._scales += _normalised(scales)

  @property
  def angles(self) -> np.ndarray:
    """Share of strokes by direction, [36].

    Bin k holds those that run at 5 k to 5 k + 5 degrees from the horizontal,
    clockwise on the screen; each place counts by its coherence, all scales
    alike.
    """
    return _normalised(self._angles)

  @property
  def scales(self) -> np.ndarray:
    """Share of directed energy by scale, [7]: sigmas from 1 to 8 pixels."""
    return _normalised(self._scales)

  def distances(self, other: "Brushwork") -> dict[str, float]:
    """Compare with another's histograms by how far shares have to move.

    Args:
      other: such as a painting's.

    Returns:
      "stroke_orientation", degrees in [0, 90], around the circle; and
      "stroke_scale", octaves in [0, 3].
    """
    around = np.cumsum(self.angles - other.angles)
    # On a circle any constant flow may be added; the median's is the cheapest.
    degrees = 180 / ANGLES * np.abs(around - np.median(around)).sum()
    along = np.cumsum(self.scales - other.scales)
    octaves = np.log2(SIGMAS[1] / SIGMAS[0]) * np.abs(along).sum()
    return {
      "stroke_orientation": float(degrees),
      "stroke_scale": float(octaves),
    }


def _histograms(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Count one picture's strokes by direction and by scale."""
  luma = np.asarray(picture, np.float32) @ image_metrics.LUMA
  angles = np.zeros(ANGLES)
  scales = np.zeros(len(SIGMAS))
  for index, sigma in enumerate(SIGMAS):
    dx = sigma * scipy.ndimage.gaussian_filter(luma, sigma, order=(0, 1))
    dy = sigma * scipy.ndimage.gaussian_filter(luma, sigma, order=(1, 0))
    xx, xy, yy = (
      scipy.ndimage.gaussian_filter(product, 2 * sigma)
      for product in (dx * dx, dx * dy, dy * dy)
    )
    directed = np.hypot(xx - yy, 2 * xy)
    coherence = directed / (xx + yy + _NOISE)
    # Strokes run across the gradient.
    angle = (0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2) % np.pi
    bins = np.minimum((angle * (ANGLES / np.pi)).astype(int), ANGLES - 1)
    angles += np.bincount(bins.ravel(), coherence.ravel(), ANGLES)
    scales[index] = directed.mean()
  return angles, scales


def _normalised(counts: np.ndarray) -> np.ndarray:
  """Divide by the sum; where nothing was counted, all bins are alike."""
  total = counts.sum()
  if total <= 1e-12:
    return np.full(len(counts), 1 / len(counts))
  return counts / total
