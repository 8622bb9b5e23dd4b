"""Brown's radial polynomial with four terms, told by OpenCV's rational model.

Metashape and RealityCapture calibrate 1 + k1 r^2 + k2 r^4 + k3 r^6 + k4 r^8,
which nerfstudio (1.1.5, `camera_utils`) takes as it is. OpenCV's eight-term
model has no r^8, but three terms below the line, and within a picture a
quotient can be found that differs from the polynomial by far less than a pixel.
"""

import functools

import numpy as np

# Rays a little outside of the picture are looked up, too.
_MARGIN = 1.02
# How much farther out than its picture a point may be without the lens.
_WIDEST = 4.0
_SAMPLES = 1024
# Below this the quotient is near a pole.
_LEAST_BELOW = 0.1


@functools.lru_cache(maxsize=64)
def as_rational(
  terms: tuple[float, float, float, float], reach: float, *, enough: float
) -> tuple[tuple[float, ...], float]:
  """Finds the rational model that is nearest to a polynomial.

  Args:
    terms: k1 to k4 of the polynomial.
    reach: of the picture: the largest distance of its corners from the
      principal point, in focal lengths; positive.
    enough: an error, in focal lengths, up to which k4 is simply left out.

  Returns:
    k1 to k6 of the rational model.
    error: the largest distance of a point of the picture from where the
      polynomial has it, in focal lengths; infinity where there is no such
      model.
  """
  radii = np.linspace(0, _WIDEST * reach, _SAMPLES)
  with np.errstate(over="ignore", invalid="ignore"):
    bent = radii * np.polyval([*terms[::-1], 1.0], radii**2)
    # What lies beyond a fold, or beyond the picture, is never seen.
    grows = np.append(np.diff(bent) > 0, False)
  folds = np.flatnonzero(~grows)[0]
  outside = np.flatnonzero(bent > _MARGIN * reach)
  last = min(folds, outside[0]) if len(outside) else folds
  if last < 2:
    return (0.0,) * 6, float("inf")
  widest = radii[last]
  radii, share = radii[: last + 1], radii[: last + 1] / widest
  error = float(np.abs(terms[3] * radii**9).max())
  if error <= enough:
    return (*map(float, terms[:3]), 0.0, 0.0, 0.0), error
  powers = share[:, None] ** np.array([2, 4, 6])
  polynomial = bent[: last + 1] / np.maximum(radii, 1e-300)
  polynomial[0] = 1.0
  # above = polynomial * below, which is linear in the terms of both.
  system = np.concatenate([powers, -polynomial[:, None] * powers], axis=1)
  solution = np.linalg.lstsq(
    system * share[:, None], (polynomial - 1) * share, rcond=1e-13
  )[0]
  above, below = 1 + powers @ solution[:3], 1 + powers @ solution[3:]
  if below.min() < _LEAST_BELOW:
    return (0.0,) * 6, float("inf")
  error = float(np.abs(radii * (above / below - polynomial)).max())
  scales = widest ** np.array([2, 4, 6, 2, 4, 6])
  return tuple(map(float, solution / scales)), error
