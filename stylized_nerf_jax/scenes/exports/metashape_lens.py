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

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import lens_fits

TERMS = (
  *("f", "cx", "cy", "b1", "b2"),
  *("k1", "k2", "k3", "k4", "p1", "p2", "p3", "p4"),
)
FISHEYES = ("fisheye", "equidistant_fisheye")
_FRAME = "frame"
# Pixels at a corner that a lens may be off by what its terms here cannot say.
_LEFT_OUT = 0.5
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
    fit = lens_fits.fit_polynomial(tuple(radials), radius, focal)
    if fit is None:
      raise user_error.UserError(
        f"{where}: k4 of the lens is {k4:g}, and no lens here comes within "
        f"{lens_fits.LARGEST_ERROR:g} pixels of it; expected 0: {_ADVICE}"
      )
    k1, k2, _, _, *others = fit.terms
    return fit.model, (k1, k2, p1, p2, *others)
  if k3:
    return "full_opencv", (k1, k2, p1, p2, k3, 0.0, 0.0, 0.0)
  terms = (k1, k2, p1, p2)
  return "opencv" if any(terms) else "pinhole", terms
