"""Cameras from the fields that `transforms*.json` files of all dialects have.

Which of several fields counts, docs/captures.md has in a table. Sources:
instant-ngp (`nerf_loader.cu`: x_fov in degrees before fl_x before
camera_angle_x in radians, those of a frame before those of the file),
nerfstudio 1.1.5 (`nerfstudio_dataparser.py`: fl_x and fl_y, terms of the lens
also as distortion_params), BlenderNeRF 6 (`blender_nerf_operator.py`: where its
camera_angle_x is of the sensor's longer side and not of the picture's width,
fl_x is right) and NeRF's own `load_blender.py` (camera_angle_x alone).
"""

import math
from collections.abc import Mapping

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import lens_fits

# What others call those of our camera models that they do not call OPENCV.
MODEL_NAMES = {"fisheye": "OPENCV_FISHEYE", "full_opencv": "FULL_OPENCV"}
# Fields that hold a number each; the first that is there gives a focal length.
FOCAL_KEYS = {
  "x": ("x_fov", "fl_x", "camera_angle_x"),
  "y": ("y_fov", "fl_y", "camera_angle_y"),
}
NUMBER_KEYS = (
  *FOCAL_KEYS["x"],
  *FOCAL_KEYS["y"],
  *("cx", "cy", "w", "h"),
  *camera_lib.LENS_TERMS["full_opencv"],
)
# The order of nerfstudio's list of them.
DISTORTION_PARAMS = ("k1", "k2", "k3", "k4", "p1", "p2")
# Fields of lenses that are none of ours.
OTHER_LENSES = ("ftheta_p0", "latlong", "equirectangular")
_POLYNOMIAL = ("PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV")
_FISHEYE, _RATIONAL = MODEL_NAMES["fisheye"], MODEL_NAMES["full_opencv"]
_MODELS = (*_POLYNOMIAL, _FISHEYE, _RATIONAL)
_SMALLEST_ANGLE = 1e-9
# Focal lengths that differ by less are one, written twice.
_SAME_FOCAL = 0.01


def focal_from_angle(
  angle: float, size: float, *, where: str, key: str
) -> float:
  """Returns the focal length in pixels of a field of view.

  Args:
    angle: in radians; in degrees where the key ends in "_fov".
    size: of the picture along the same axis, in pixels.
    where: file and frame to name in messages.
    key: the field.

  Raises:
    ValueError: the angle is not between 0 and pi (180 degrees).
  """
  degrees = key.endswith("_fov")
  radians = math.radians(angle) if degrees else angle
  if not _SMALLEST_ANGLE < radians < math.pi:
    unit, limit = ("degrees", "180") if degrees else ("radians", "pi")
    raise user_error.UserError(
      f'{where}: "{key}" is {angle:g}; expected an angle in {unit} between '
      f"0 and {limit}"
    )
  return 0.5 * size / math.tan(0.5 * radians)


def stated_size(
  file: Mapping[str, float], frame: Mapping[str, float], where: str
) -> tuple[float | None, float | None]:
  """Returns w and h of a frame, each None where neither it nor its file has it.

  Raises:
    ValueError: one is less than a pixel.
  """
  width, height = (frame.get(key, file.get(key)) for key in ("w", "h"))
  if min(v for v in (width, height, 1) if v is not None) < 1:
    raise user_error.UserError(
      f"{where}: w is {_shown(width)} and h {_shown(height)}; expected sizes "
      "in pixels"
    )
  return width, height


def read_camera(
  file: Mapping[str, float],
  frame: Mapping[str, float],
  model: str | None,
  pose: np.ndarray,
  size: tuple[float, float],
  *,
  pixels: tuple[int, int],
  name: str,
  where: str,
) -> tuple[camera_lib.Camera, list[str]]:
  """Builds a camera from the fields of a file and of one of its frames.

  Args:
    file: numbers of the file by their names, of `NUMBER_KEYS`.
    frame: those of the frame, which go before them.
    model: what "camera_model" says; None: nothing.
    pose: [4, 4] camera-to-world.
    size: (width, height) in pixels that the fields are meant for.
    pixels: (width, height) of the image.
    name: of the image.
    where: file and frame to name in messages.

  Returns:
    the camera of the image.
    notes: what the user should know, where fields disagree or a lens is told
      by another model.

  Raises:
    ValueError: a field is wrong or missing, or a lens cannot be told.
  """
  width, height = size
  fl_x, fl_y, notes = _focal_lengths(file, frame, width, height, where)
  values = {**file, **frame}
  along_x, along_y = pixels[0] / width, pixels[1] / height
  intrinsics = (
    *(fl_x * along_x, fl_y * along_y),
    *(
      values.get("cx", width / 2) * along_x,
      values.get("cy", height / 2) * along_y,
    ),
  )
  camera_lib.check_intrinsics(*intrinsics, *pixels, where=where)
  model, distortion, note = _lens(values, model, intrinsics, pixels, where)
  camera_lib.check_distortion(distortion, model, where=where)
  camera = camera_lib.Camera(
    pose, *intrinsics, *pixels, distortion=distortion, model=model, name=name
  )
  return camera, notes + note


def _shown(value: float | None) -> str:
  return "not given" if value is None else f"{value:g}"


def _focal_lengths(
  file, frame, width, height, where
) -> tuple[float, float, list[str]]:
  """Returns fl_x and fl_y in pixels of a w x h image, and notes."""
  sides = {"x": width, "y": height}
  of_file, of_frame = (
    {axis: _focal(fields, axis, sides[axis], where) for axis in "xy"}
    for fields in (file, frame)
  )
  notes = []
  found = of_file
  if of_frame["x"] or of_frame["y"]:
    found = dict(of_frame)
    for axis in "xy":
      if (
        of_frame[axis] is None and of_file["x" if axis == "y" else "y"] is None
      ):
        # The other half of it stands in the file.
        found[axis] = of_file[axis]
    if of_frame["x"] and of_file["x"]:
      (key, own), (_, shared) = of_frame["x"][0], of_file["x"][0]
      if abs(own / shared - 1) > _SAME_FOCAL:
        notes.append(
          f'"{key}" of frames goes before that of the file, which is another '
          f"({own:.6g} and {shared:.6g} pixels)"
        )
  notes += _disagreement(found)
  if found["x"] is None and found["y"] is None:
    raise user_error.UserError(
      f'{where}: no focal length; expected "fl_x" in pixels, "x_fov" in '
      'degrees or "camera_angle_x" in radians, in the file or the frame'
    )
  # One stands for both.
  fl_x = (found["x"] or found["y"])[0][1]
  fl_y = (found["y"] or found["x"])[0][1]
  if not (fl_x > 0 and fl_y > 0):
    raise user_error.UserError(
      f"{where}: focal lengths are {fl_x:g} and {fl_y:g}; expected positive "
      "numbers of pixels"
    )
  return fl_x, fl_y, notes


def _focal(
  fields, axis: str, side: float, where: str
) -> list[tuple[str, float]] | None:
  """Returns what fields say of one focal length, the one that counts first."""
  found = []
  for key in FOCAL_KEYS[axis]:
    if key not in fields:
      continue
    value = fields[key]
    if not key.startswith("fl_"):
      try:
        value = focal_from_angle(value, side, where=where, key=key)
      except user_error.UserError:
        if not found:
          raise
        continue  # It is not used.
    found.append((key, value))
  return found or None


def _disagreement(found) -> list[str]:
  """Says where two fields give two focal lengths."""
  for axis in "xy":
    (key, used), *others = found[axis] or [("", 0.0)]
    for other, value in others:
      if used and abs(value / used - 1) > _SAME_FOCAL:
        return [
          f'"{key}" goes before "{other}", which disagrees ({used:.6g} and '
          f"{value:.6g} pixels)"
        ]
  return []


def _lens(
  values, named: str | None, intrinsics, pixels, where
) -> tuple[str, tuple[float, ...], list[str]]:
  """Returns the camera model, the terms of its lens, and notes."""
  named = "OPENCV" if named is None else named
  if named not in _MODELS:
    raise user_error.UserError(
      f"{where}: camera_model is {repr(named)[:40]}; expected one of "
      f"{', '.join(_MODELS)}: undistort the images first"
    )
  terms = {
    key: values.get(key, 0.0) for key in camera_lib.LENS_TERMS["full_opencv"]
  }
  if named == _FISHEYE:
    model, unused = "fisheye", ("p1", "p2", "k5", "k6")
  elif named == _RATIONAL:
    model, unused = "full_opencv", ()
  else:
    # k1 to k4 of OPENCV are Brown's polynomial.
    model, unused = "opencv", ("k5", "k6")
    if terms["k3"] or terms["k4"]:
      model = "full_opencv"
    elif not any(terms.values()):
      model = "pinhole"
  for key in unused:
    if terms[key] != 0:
      raise user_error.UserError(
        f'{where}: distortion "{key}" is {terms[key]:g}; expected 0 for '
        f"camera_model {named}: undistort the images first"
      )
  lens = tuple(terms[key] for key in camera_lib.LENS_TERMS[model])
  if model == "full_opencv" and named != _RATIONAL and terms["k4"]:
    return model, *_tell_brown(terms, intrinsics, pixels, where)
  return model, lens, []


def _tell_brown(
  terms, intrinsics, pixels, where
) -> tuple[tuple[float, ...], list[str]]:
  """Returns the rational lens for a polynomial with k4, and notes of it."""
  fl_x, fl_y, cx, cy = intrinsics
  reach = math.hypot(
    max(abs(cx), abs(pixels[0] - cx)) / fl_x,
    max(abs(cy), abs(pixels[1] - cy)) / fl_y,
  )
  polynomial = tuple(terms[key] for key in ("k1", "k2", "k3", "k4"))
  fit = lens_fits.fit_polynomial(polynomial, reach, max(fl_x, fl_y))
  if fit is None:
    raise user_error.UserError(
      f'{where}: distortion "k4" is {polynomial[3]:g}, of a polynomial that no '
      f"lens here meets to {lens_fits.LARGEST_ERROR:g} pixels; expected 0: "
      "undistort the images first"
    )
  k1, k2, _, _, *others = fit.terms
  done = "read as the rational lens next to it" if others[1] else "left out"
  return (k1, k2, terms["p1"], terms["p2"], *others), [
    f'"k4" of OPENCV is the r^8 of a polynomial: {done} '
    f"(off by at most {fit.error:.1g} pixels)"
  ]
