"""What `transforms*.json` files of all dialects share: frames and numbers."""

import json
import math
import pathlib

from stylized_nerf_jax.scenes import images as image_files


def read_json(path: pathlib.Path) -> dict:
  """Reads a transforms file.

  Returns:
    Its content, with at least one object in "frames".

  Raises:
    ValueError: the file is missing, no JSON, or has no frames.
  """
  try:
    content = json.loads(path.read_text(encoding="utf-8"))
  except OSError as error:
    raise ValueError(
      f"{path}: cannot be read ({error.strerror}); expected a file of camera "
      "poses"
    ) from error
  except ValueError as error:
    raise ValueError(
      f"{path}: not valid JSON ({error}); write it again"
    ) from error
  frames = content.get("frames") if isinstance(content, dict) else None
  if not isinstance(frames, list) or not frames:
    raise ValueError(
      f'{path}: no "frames"; expected a list of objects with "file_path" and '
      '"transform_matrix"'
    )
  for i, frame in enumerate(frames):
    if not isinstance(frame, dict) or not isinstance(
      frame.get("file_path"), str
    ):
      raise ValueError(
        f'{path}, frame {i}: no "file_path"; expected the name of an image'
      )
    if "transform_matrix" not in frame:
      raise ValueError(
        f'{path}, frame {i} ({frame["file_path"]}): no "transform_matrix"; '
        "expected a 4x4 camera-to-world matrix"
      )
  return content


def frame_name(file_path: str) -> str:
  """Returns a frame's file path with forward slashes and without "./"."""
  return str(pathlib.PurePosixPath(file_path.replace("\\", "/")))


def find_image(root: pathlib.Path, name: str) -> pathlib.Path | None:
  """Finds the image of a frame, whose name may lack the ending.

  Returns:
    The file, or None where there is none.
  """
  path = root / name
  if path.is_file():
    return path
  for suffix in image_files.SUFFIXES:
    for ending in (suffix, suffix.upper()):
      candidate = path.with_name(path.name + ending)
      if candidate.is_file():
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
    raise ValueError(f'{where}: "{key}" is {value!r}; expected a number')
  if not math.isfinite(value):
    raise ValueError(f'{where}: "{key}" is {value}; expected a finite number')
  return float(value)


def focal_from_angle(angle: float, size: float, *, where: str, key: str):
  """Returns the focal length in pixels of a field of view in radians.

  Raises:
    ValueError: the angle is not between 0 and pi.
  """
  if not 0 < angle < math.pi:
    raise ValueError(
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
    raise ValueError(
      f"{path}: none of its {total} frames has an image (looked for {first} "
      f"in {path.parent}); copy the images there or correct the file paths"
    )
  return (
    f"{path.name}: {len(missing)} of {total} frames have no image and are "
    f"left out ({first})"
  )
