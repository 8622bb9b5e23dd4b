"""Lenses of other models as ones of `cameras.LENS_TERMS`, fitted to a picture.

Many models move points along radii only: they are known by the angle off the
axis at which each normalised radius looks. Within one picture such a curve is
met by the radial terms of OpenCV's rational model, or of its fisheye where
the picture sees far to the side; how well is measured, and never worse than
`LARGEST_ERROR`. numpy only.

Metashape and RealityCapture calibrate 1 + k1 r^2 + k2 r^4 + k3 r^6 + k4 r^8,
which nerfstudio (1.1.5, `camera_utils`) takes as it is. OpenCV's model has no
r^8, but three terms below the line.
"""

import dataclasses
import functools

import numpy as np

LARGEST_ERROR = 0.05  # pixels
# No better fit is looked for than this.
_NEGLIGIBLE = 0.002  # pixels
_SAMPLES = 512
# The rational model is one of rays in front of the camera.
_LARGEST_TANGENT = 5.0
# How far beyond the picture a lens must keep order: renderers look for its end
# in steps of a sixteenth, and of a degree.
_TANGENT_MARGIN, _ANGLE_MARGIN = 1 / 8, np.deg2rad(2)
# Of polynomials: how far beyond the picture they are met; how much farther out
# than its picture a point may be without the lens; how near a pole may be.
_MARGIN, _WIDEST, _LEAST_BELOW = 1.02, 4.0, 0.1


@dataclasses.dataclass(frozen=True)
class Fit:
  """A lens that stands for another one.

  Attributes:
    model: "full_opencv" or "fisheye".
    terms: as `cameras.LENS_TERMS` names them.
    scale: what the focal lengths are multiplied by.
    error: the largest distance between the two in the picture, pixels.
  """

  model: str
  terms: tuple[float, ...]
  scale: float
  error: float


def radii(largest: float) -> np.ndarray:
  """Returns the radii from 0 to the largest at which lenses are compared."""
  return largest * np.linspace(0, 1, _SAMPLES)


def fit_radial(
  radius: np.ndarray, angle: np.ndarray, focal: float
) -> Fit | None:
  """Finds the lens that shows the angles at the radii.

  Args:
    radius: [N] normalised, from 0 to the farthest corner of the picture.
    angle: [N] off the optical axis, radians, from 0 on.
    focal: length in pixels, the larger of two.

  Returns:
    The better of two fits, or None where both are off by more than
    `LARGEST_ERROR`, or the angles do not grow.
  """
  if not (np.isfinite(angle).all() and (np.diff(angle) > 0).all()):
    return None
  with np.errstate(all="ignore"):
    fits = [_fit_rational(radius, angle, focal)]
    if fits[0] is None or fits[0].error > _NEGLIGIBLE:
      fits.append(_fit_fisheye(radius, angle, focal))
  found = [fit for fit in fits if fit is not None]
  return min(found, key=lambda fit: fit.error, default=None)


@functools.lru_cache(maxsize=64)
def fit_polynomial(
  terms: tuple[float, float, float, float], reach: float, focal: float
) -> Fit | None:
  """Finds the rational lens that is nearest to Brown's polynomial.

  Args:
    terms: k1 to k4 of the polynomial.
    reach: of the picture: the largest distance of its corners from the
      principal point, in focal lengths; positive.
    focal: length in pixels, the larger of two.

  Returns:
    A "full_opencv", without its tangential terms, or None where it is off by
    more than `LARGEST_ERROR`. Where the polynomial folds within the picture, it
    is met up to there, as other lenses are.
  """
  radii = np.linspace(0, _WIDEST * reach, 2 * _SAMPLES)
  with np.errstate(over="ignore", invalid="ignore"):
    bent = radii * np.polyval([*terms[::-1], 1.0], radii**2)
    grows = np.append(np.diff(bent) > 0, False)
  # What lies beyond a fold, or beyond the picture, is never seen.
  last = np.flatnonzero(~grows | (bent > _MARGIN * reach))[0]
  if last < 2:
    return None
  radii, share = radii[: last + 1], radii[: last + 1] / radii[last]
  k1, k2, k3 = (float(term) for term in terms[:3])
  error = focal * float(np.abs(terms[3] * radii**9).max())
  if error <= _NEGLIGIBLE:
    return Fit("full_opencv", (k1, k2, 0.0, 0.0, k3, 0.0, 0.0, 0.0), 1.0, error)
  powers = share[:, None] ** np.array([2, 4, 6])
  polynomial = np.ones_like(radii)
  polynomial[1:] = bent[1 : last + 1] / radii[1:]
  # above = polynomial * below, which is linear in the terms of both.
  system = np.concatenate([powers, -polynomial[:, None] * powers], axis=1)
  solution = np.linalg.lstsq(
    system * share[:, None], (polynomial - 1) * share, rcond=1e-13
  )[0]
  above, below = 1 + powers @ solution[:3], 1 + powers @ solution[3:]
  if below.min() < _LEAST_BELOW:
    return None
  error = focal * float(np.abs(radii * (above / below - polynomial)).max())
  if not error <= LARGEST_ERROR:
    return None
  scales = radii[last] ** np.array([2, 4, 6, 2, 4, 6])
  k1, k2, k3, *others = (float(term) for term in solution / scales)
  return Fit("full_opencv", (k1, k2, 0.0, 0.0, k3, *others), 1.0, error)


def _fit_rational(radius, angle, focal: float) -> Fit | None:
  """Fits a (1 + k1 s + k2 s^2 + k3 s^3) / (1 + k4 s + ...), s = tan^2."""
  if angle[-1] >= np.arctan(_LARGEST_TANGENT):
    return None
  tangent = np.tan(angle)
  # Powers of what is at most 1 are of one order of magnitude.
  largest = tangent[-1] ** 2
  s = tangent**2 / largest
  powers = np.stack([s, s**2, s**3], axis=-1)
  columns = np.concatenate(
    [
      tangent[:, None] * np.stack([np.ones_like(s), *powers.T], axis=-1),
      -radius[:, None] * powers,
    ],
    axis=-1,
  )
  found = np.linalg.lstsq(columns, radius, rcond=None)[0]
  scale = found[0]
  over, under = found[1:4] / scale, found[4:]

  def distorted(t):
    s = t**2 / largest
    above = 1 + s * (over[0] + s * (over[1] + s * over[2]))
    below = 1 + s * (under[0] + s * (under[1] + s * under[2]))
    return np.where(below > 0, scale * t * above / below, np.nan)

  error = focal * np.abs(distorted(tangent) - radius).max()
  beyond = distorted(np.linspace(0, tangent[-1] + _TANGENT_MARGIN, _SAMPLES))
  if not (scale > 0 and error <= LARGEST_ERROR and _grows(beyond)):
    return None
  k1, k2, k3 = (float(v) for v in over / largest ** np.arange(1, 4))
  k4, k5, k6 = (float(v) for v in under / largest ** np.arange(1, 4))
  terms = (k1, k2, 0.0, 0.0, k3, k4, k5, k6)
  return Fit("full_opencv", terms, float(scale), float(error))


def _fit_fisheye(radius, angle, focal: float) -> Fit | None:
  """Fits a theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6 + k4 theta^8)."""
  if angle[-1] + _ANGLE_MARGIN > np.pi:
    return None
  largest = angle[-1]

  def columns(theta):
    t = theta / largest
    return np.stack([t ** (2 * i + 1) for i in range(5)], axis=-1)

  found = np.linalg.lstsq(columns(angle), radius, rcond=None)[0]
  error = focal * np.abs(columns(angle) @ found - radius).max()
  beyond = columns(np.linspace(0, largest + _ANGLE_MARGIN, _SAMPLES)) @ found
  if not (found[0] > 0 and error <= LARGEST_ERROR and _grows(beyond)):
    return None
  terms = found[1:] / found[0] / largest ** (2.0 * np.arange(1, 5))
  return Fit(
    "fisheye",
    tuple(float(term) for term in terms),
    float(found[0] / largest),
    float(error),
  )


def _grows(values: np.ndarray) -> bool:
  return bool((np.diff(values) > 0).all())
