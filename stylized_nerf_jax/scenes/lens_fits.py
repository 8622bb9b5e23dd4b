"""Lenses of other models as ones of `cameras.LENS_TERMS`, fitted to a picture.

Many models move points along radii only: they are known by the angle off the
axis at which each normalised radius looks. Within one picture such a curve is
met by the radial terms of OpenCV's rational model, or of its fisheye where
the picture sees far to the side; how well is measured, and never worse than a
hundredth of a pixel. numpy only.
"""

import dataclasses

import numpy as np

LARGEST_ERROR = 0.01  # pixels
_SAMPLES = 512
# The rational model is one of rays in front of the camera.
_LARGEST_TANGENT = 5.0
# How far beyond the picture a lens must keep order: renderers look for its end
# in steps of a sixteenth, and of a degree.
_TANGENT_MARGIN, _ANGLE_MARGIN = 1 / 8, np.deg2rad(2)


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
    if fits[0] is None:
      fits.append(_fit_fisheye(radius, angle, focal))
  return next((fit for fit in fits if fit is not None), None)


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
