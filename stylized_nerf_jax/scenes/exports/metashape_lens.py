"""Metashape's lenses in the terms of OpenCV's.

With x = X / Z, y = Y / Z and r their length, a frame camera sees a point at
(Metashape Professional manual, appendix "Camera models")

  x' = x (1 + k1 r^2 + k2 r^4 + k3 r^6 + k4 r^8) + p1 (r^2 + 2 x^2) + 2 p2 x y
  y' = y (1 + k1 r^2 + k2 r^4 + k3 r^6 + k4 r^8) + p2 (r^2 + 2 y^2) + 2 p1 x y
  u = w / 2 + cx + x' f + x' b1 + y' b2,   v = h / 2 + cy + y' f

so that p1 and p2 are exchanged against OpenCV's, and k4 is none of its terms. A
fisheye takes x, y times arctan(r) / r in place of x, y: OpenCV's k1 to k4.
"""

import math
from collections.abc import Mapping

import numpy as np

from stylized_nerf_jax import user_error

TERMS = (
  *("f", "cx", "cy", "b1", "b2"),
  *("k1", "k2", "k3", "k4", "p1", "p2", "p3", "p4"),
)
FISHEYES = ("fisheye", "equidistant_fisheye")
_FRAME = "frame"
# Pixels at a corner that a lens may be off by what its terms here cannot say.
_LEFT_OUT, _FITTED = 0.5, 0.05
_RADII = 400
_ADVICE = "calibrate without it, or export undistorted pictures from Metashape"


def convert(
  kind: str, terms: Mapping[str, float], size: tuple[float, float], where: str
) -> tuple[tuple[float, ...], str, tuple[float, ...], list[str]]:
  """Returns a sensor's lens as a `Camera` takes it.

  Args:
    kind: of the sensor, as the file calls it.
    terms: of its calibration; those of `TERMS` that are missing are 0.
    size: (width, height) that it is for.
    where: file and sensor, for messages.

  Returns:
    fl_x, fl_y, cx, cy in pixels; model; its terms; messages of what was left
    out because it moves no pixel by more than half of one.

  Raises:
    ValueError: no lens here does what this one does.
  """
  value = {name: terms.get(name, 0.0) for name in TERMS}
  if kind != _FRAME and kind not in FISHEYES:
    raise user_error.UserError(
      f"{where}: the sensor is {kind[:40]!r}; expected one of "
      f"{', '.join((_FRAME, *FISHEYES))}: export undistorted pictures"
    )
  focal = value["f"]
  if not focal > 0:
    raise user_error.UserError(
      f"{where}: the focal length f is {focal:g}; expected a positive number "
      "of pixels: calibrate the sensor"
    )
  intrinsics = (
    focal + value["b1"],
    focal,
    size[0] / 2 + value["cx"],
    size[1] / 2 + value["cy"],
  )
  radius = _corner(value, size) / focal
  radials = [value[name] for name in ("k1", "k2", "k3", "k4")]
  left_out = {"b2": abs(value["b2"]) * radius}
  if kind == _FRAME:
    if abs(value["p3"]) + abs(value["p4"]):
      raise user_error.UserError(
        f"{where}: the lens has p3 {value['p3']:g} and p4 {value['p4']:g}; "
        f"expected 0: {_ADVICE}"
      )
    model, lens = _frame(
      radials, value["p2"], value["p1"], radius, focal, where
    )
  else:
    model, lens = "fisheye", tuple(radials)
    tangential = abs(value["p1"]) + abs(value["p2"])
    left_out["p1, p2"] = 3 * tangential * radius**2 * focal
  messages = []
  for name, pixels in left_out.items():
    if pixels > _LEFT_OUT:
      raise user_error.UserError(
        f"{where}: {name} of the lens moves pixels by up to {pixels:.2g}, "
        f"which no lens here can do; expected up to {_LEFT_OUT:g}: {_ADVICE}"
      )
    if pixels:
      messages.append(
        f"{where}: {name} of the lens is left out, which moves pixels by up to "
        f"{pixels:.2g}"
      )
  return intrinsics, model, lens, messages


def _corner(value: Mapping[str, float], size: tuple[float, float]) -> float:
  """Returns how many pixels a corner is from the principal point, at most."""
  return math.hypot(
    *(side / 2 + abs(value[n]) for side, n in zip(size, ("cx", "cy")))
  )


def _frame(radials, p1: float, p2: float, radius: float, focal: float, where):
  """Returns model and terms of a frame camera, p1 and p2 being OpenCV's."""
  k1, k2, k3, k4 = radials
  if k4:
    k1, k2, k3, *below = _rational(radials, radius, focal, where)
    return "full_opencv", (k1, k2, p1, p2, k3, *below)
  if k3:
    return "full_opencv", (k1, k2, p1, p2, k3, 0.0, 0.0, 0.0)
  terms = (k1, k2, p1, p2)
  return "opencv" if any(terms) else "pinhole", terms


def _rational(
  radials, radius: float, focal: float, where: str
) -> tuple[float, ...]:
  """Fits OpenCV's rational lens to a polynomial of four terms.

  Args:
    radials: k1 to k4.
    radius: of a corner after distortion, in focal lengths.
    focal: length in pixels.
    where: for the message.

  Returns:
    k1 to k6, to within `_FITTED` pixels everywhere in the picture.

  Raises:
    ValueError: there is no such lens.
  """
  squares = _seen(radials, radius) ** 2
  powers = squares[:, None] ** np.arange(1, 4)
  with np.errstate(over="ignore", invalid="ignore"):
    wanted = 1 + squares[:, None] ** np.arange(1, 5) @ np.array(radials)
    system = np.concatenate([powers, -wanted[:, None] * powers], axis=1)
    weights = np.sqrt(squares)[:, None]
  error, terms = math.inf, np.zeros(6)
  if np.isfinite(system).all():
    system, target = weights * system, weights[:, 0] * (wanted - 1)
    scales = np.linalg.norm(system, axis=0)
    terms = np.linalg.lstsq(system / scales, target, rcond=1e-12)[0] / scales
    below = 1 + powers @ terms[3:]
    if (below > 0).all():
      fitted = (1 + powers @ terms[:3]) / below
      error = focal * np.abs(weights[:, 0] * (fitted - wanted)).max()
  if not error <= _FITTED:
    raise user_error.UserError(
      f"{where}: k4 of the lens is {radials[3]:g}, and no lens here comes "
      f"within {_FITTED:g} pixels of it; expected 0: {_ADVICE}"
    )
  return tuple(float(term) for term in terms)


def _seen(radials, radius: float) -> np.ndarray:
  """Returns radii before distortion up to that of a corner: [_RADII]."""
  candidates = np.linspace(0, 4 * radius, 8 * _RADII)[1:]
  squares = candidates**2
  with np.errstate(over="ignore", invalid="ignore"):
    bent = candidates * (
      1 + squares[:, None] ** np.arange(1, 5) @ np.array(radials)
    )
  beyond = np.flatnonzero(~(bent < radius))
  last = candidates[beyond[0]] if len(beyond) else candidates[-1]
  return np.linspace(0, last, _RADII + 1)[1:]
