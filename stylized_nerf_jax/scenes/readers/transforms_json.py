"""What `transforms*.json` files of all dialects share: frames and numbers."""

import json
import math
import pathlib
import sys

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import file_names
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader

# A capture of hours; what is larger is no list of photographs.
_MOST_BYTES = 1 << 28
_MOST_FRAMES = 100_000
# What others call those of our camera models that they do not call OPENCV.
MODEL_NAMES = {"fisheye": "OPENCV_FISHEYE", "full_opencv": "FULL_OPENCV"}
_SMALLEST_ANGLE = 1e-9


def camera_fields(camera: camera_lib.Camera) -> dict:
  """Returns the intrinsics of a camera as these files name them.

  "camera_model" is among them where it is not OPENCV.
  """
  terms = camera_lib.LENS_TERMS[camera.model]
  fields = {
    "fl_x": float(camera.fl_x),
    "fl_y": float(camera.fl_y),
    "cx": float(camera.cx),
    "cy": float(camera.cy),
    "w": int(camera.width),
    "h": int(camera.height),
    **{term: float(v) for term, v in zip(terms, camera.distortion)},
  }
  if camera.model in MODEL_NAMES:
    fields["camera_model"] = MODEL_NAMES[camera.model]
  return fields


def bound_fields(scene: scene_lib.Scene) -> dict:
  """Returns bounds and layout of a scene, as `read_bounds` takes them."""
  return {
    "near": float(scene.near),
    "far": float(scene.far),
    "layout": scene.layout,
  }


def read_bounds(
  content: dict, source: pathlib.Path
) -> tuple[str, float, float] | None:
  """Reads what `bound_fields` wrote.

  Returns:
    layout, near and far in file units; None where there is no layout: what
    others mean by near and far is not known.

  Raises:
    ValueError: one of the three is wrong.
  """
  if "layout" not in content:
    return None
  near, far = (
    number(content.get(key), where=str(source), key=key)
    for key in ("near", "far")
  )
  if not 0 < near < far:
    raise user_error.UserError(
      f'{source}: "near" is {near:g} and "far" {far:g}; expected 0 < near < '
      "far: remove both and the layout to have bounds guessed"
    )
  if content["layout"] not in scene_lib.LAYOUTS:
    raise user_error.UserError(
      f'{source}: "layout" is {str(content["layout"])[:40]!r}; expected one '
      f"of {', '.join(scene_lib.LAYOUTS)}"
    )
  return content["layout"], near, far


def read_json(path: pathlib.Path) -> dict:
  """Reads a transforms file.

  Returns:
    Its content, with at least one object in "frames".

  Raises:
    ValueError: the file is missing, no JSON, or has no frames.
  """
  try:
    if path.stat().st_size > _MOST_BYTES:
      raise user_error.UserError(
        f"{path}: {path.stat().st_size} bytes of camera poses; expected at "
        f"most {_MOST_BYTES}: remove what is not needed"
      )
    content = _parse(path)
  except OSError as error:
    raise user_error.UserError(
      f"{path}: cannot be read ({error.strerror}); expected a file of camera "
      "poses"
    ) from error
  frames = content.get("frames") if isinstance(content, dict) else None
  if not isinstance(frames, list) or not frames:
    raise user_error.UserError(
      f'{path}: no "frames"; expected a list of objects with "file_path" and '
      '"transform_matrix"'
    )
  if len(frames) > _MOST_FRAMES:
    raise user_error.UserError(
      f'{path}: "frames" lists {len(frames)}; expected at most '
      f"{_MOST_FRAMES}: keep those of the photographs that are used"
    )
  for i, frame in enumerate(frames):
    if not isinstance(frame, dict) or not isinstance(
      frame.get("file_path"), str
    ):
      raise user_error.UserError(
        f'{path}, frame {i}: no "file_path"; expected the name of an image'
      )
    if "transform_matrix" not in frame:
      raise user_error.UserError(
        f'{path}, frame {i} ({frame["file_path"]}): no "transform_matrix"; '
        "expected a 4x4 camera-to-world matrix"
      )
  return content


def _parse(path: pathlib.Path):
  """Returns the JSON value that a file holds."""
  try:
    return json.loads(path.read_text(encoding="utf-8"))
  except RecursionError:
    raise user_error.UserError(
      f"{path}: not valid JSON (nested too deeply); write it again"
    ) from None
  except ValueError as error:
    raise user_error.UserError(
      f"{path}: not valid JSON ({error}); write it again"
    ) from error


def find_image(
  root: pathlib.Path, name: str, *, where: str
) -> pathlib.Path | None:
  """Finds the image of a frame, whose name may lack the ending.

  Args:
    root: folder of the scene.
    name: with forward slashes.
    where: file, frame and field, for messages.

  Returns:
    The file, or None where there is none.

  Raises:
    ValueError: the name leads out of the folder.
  """
  path = file_names.inside(root, name, where=where)
  if file_names.is_file(path):
    return path
  for suffix in image_reader.SUFFIXES:
    for ending in (suffix, suffix.upper()):
      candidate = path.with_name(path.name + ending)
      if file_names.is_file(candidate):
        return candidate
  return None


def image_name(root: pathlib.Path, path: pathlib.Path) -> str:
  """Names an image relative to its scene, with forward slashes."""
  if path.is_relative_to(root):
    return path.relative_to(root).as_posix()
  return path.as_posix()


def number(value, *, where: str, key: str) -> float:
  """Returns a JSON value as a float.

  Raises:
    ValueError: it is no finite number.
  """
  if isinstance(value, bool) or not isinstance(value, (int, float)):
    raise user_error.UserError(
      f'{where}: "{key}" is {value!r}; expected a number'
    )
  # A whole number may have more digits than a float can hold.
  if not abs(value) <= sys.float_info.max:
    raise user_error.UserError(
      f'{where}: "{key}" is {value}; expected a finite number'
    )
  return float(value)


def focal_from_angle(angle: float, size: float, *, where: str, key: str):
  """Returns the focal length in pixels of a field of view in radians.

  Raises:
    ValueError: the angle is not between 0 and pi.
  """
  if not _SMALLEST_ANGLE < angle < math.pi:
    raise user_error.UserError(
      f'{where}: "{key}" is {angle:g}; expected an angle in radians between '
      "0 and pi"
    )
  return 0.5 * size / math.tan(0.5 * angle)


def report_missing(
  path: pathlib.Path, missing: list[str], total: int, *, needed: bool = True
) -> str:
  """Says which frames have no image.

  Raises:
    ValueError: none has, and some are needed.
  """
  first = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
  if needed and len(missing) == total:
    raise user_error.UserError(
      f"{path}: none of its {total} frames has an image (looked for {first} "
      f"in {path.parent}); copy the images there or correct the file paths"
    )
  return (
    f"{path.name}: {len(missing)} of {total} frames have no image and are "
    f"left out ({first})"
  )
