"""The palette of a painting, put on colours by a linear map in closed form.

Colours of mean m_c and covariance S_c become A x + b, whose mean is the
painting's m_s and whose covariance is its S_s, with A = S_s^(1/2) S_c^(-1/2)
and b = m_s - A m_c (ARF, Zhang et al. 2022, section 3.4). An affine map of
samples is that of their pixel wherever a ray ends on something opaque, so that
it may stand in the field or behind the compositing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from stylized_nerf_jax.rows import shared_matrix

# Grey pictures have covariances without inverse.
_SMALLEST_EIGENVALUE = 1e-8


class Statistics(NamedTuple):
  """Of colours.

  Attributes:
    mean: [3].
    covariance: [3, 3], over the number of colours.
  """

  mean: np.ndarray
  covariance: np.ndarray


class ColorMap(NamedTuple):
  """x -> matrix x + offset, of colours or, with leading dimensions, of many.

  Attributes:
    matrix: [..., 3, 3], A.
    offset: [..., 3], b.
  """

  matrix: np.ndarray
  offset: np.ndarray


def statistics(
  pixels: np.ndarray, weights: np.ndarray | None = None
) -> Statistics:
  """Computes mean and covariance of colours, in float64.

  Args:
    pixels: [N, 3], usually in [0, 1].
    weights: [N], none negative, not all zero: how much each counts; None: all
      the same.
  """
  pixels = np.asarray(pixels, np.float64)
  mean = np.average(pixels, axis=0, weights=weights)
  covariance = np.cov(pixels, rowvar=False, ddof=0, aweights=weights)
  return Statistics(mean, covariance)


class Tally:
  """Mean and covariance of colours that come view by view.

  Parts are joined by their means and scatters, in float64.
  """

  def __init__(self):
    self._weight = 0.0
    self._mean = np.zeros(3)
    self._scatter = np.zeros((3, 3))

  def add(self, pixels: np.ndarray, weights: np.ndarray | None = None) -> None:
    """Counts colours.

    Args:
      pixels: [..., 3].
      weights: [...], none negative: how much each counts; None: 1 each. A part
        whose weights are all zero is passed over.
    """
    pixels = np.asarray(pixels).reshape(-1, 3)
    total = float(len(pixels))
    if weights is not None:
      weights = np.asarray(weights, np.float64).reshape(-1)
      total = float(weights.sum())
    if total == 0.0:
      return
    mean, covariance = statistics(pixels, weights)
    whole = self._weight + total
    apart = mean - self._mean
    between = self._weight * total / whole * np.outer(apart, apart)
    self._scatter = self._scatter + total * covariance + between
    self._mean = self._mean + total / whole * apart
    self._weight = whole

  def statistics(self) -> Statistics:
    """Returns those of all colours so far, of which there are some."""
    return Statistics(self._mean, self._scatter / self._weight)


def transfer(content: Statistics, style: Statistics) -> ColorMap:
  """Finds the map that gives colours the statistics of a painting.

  Args:
    content: of the colours.
    style: of the painting.

  Returns:
    A and b; eigenvalues of both covariances count as 1e-8 at least, so that a
    picture of one colour has a map, too.
  """
  matrix = power(style.covariance, 0.5) @ power(content.covariance, -0.5)
  return ColorMap(matrix, style.mean - matrix @ content.mean)


def mix(maps: Sequence[ColorMap], shares: Sequence[float]) -> ColorMap:
  """Blends maps, and what is left of 1 leaves colours as they are.

  Args:
    maps: without leading dimensions.
    shares: of each, none negative, 1 at most together.
  """
  left = 1.0 - sum(shares)
  return ColorMap(
    left * np.eye(3) + sum(s * m.matrix for s, m in zip(shares, maps)),
    sum((s * m.offset for s, m in zip(shares, maps)), np.zeros(3)),
  )


def apply(colors: jax.Array, matrix: jax.Array, offset: jax.Array) -> jax.Array:
  """Maps colours.

  Args:
    colors: [..., 3].
    matrix: [3, 3], A.
    offset: [3], b.

  Returns:
    [..., 3], A x + b, which may lie outside [0, 1]; the colours bit by bit
    where A is the identity and b is 0.
  """
  return shared_matrix.apply(matrix, colors) + offset


def power(
  covariance: np.ndarray,
  exponent: float,
  smallest: float = _SMALLEST_EIGENVALUE,
) -> np.ndarray:
  """Returns the symmetric power of a covariance [3, 3].

  Args:
    covariance: symmetric, without negative eigenvalues but for rounding.
    exponent: negative ones need a positive `smallest`.
    smallest: what eigenvalues count at least.
  """
  values, vectors = np.linalg.eigh(covariance)
  values = np.maximum(values, smallest) ** exponent
  return (vectors * values) @ vectors.T
