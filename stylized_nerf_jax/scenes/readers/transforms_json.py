"""What `transforms*.json` files of all dialects share: frames and numbers."""

import pathlib
import sys
from collections.abc import Collection, Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import (
  file_names,
  intrinsic_fields,
  leftovers,
  text_files,
)
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader

# A capture of hours; what is larger is no list of photographs.
_MOST_BYTES = 1 << 28
_MOST_FRAMES = 100_000
# What others call those of our camera models that they do not call OPENCV.
MODEL_NAMES = intrinsic_fields.MODEL_NAMES
_SPLITS = ("train", "val", "test")
# Keys that are read, here or by the readers.
_READ = {
  *intrinsic_fields.NUMBER_KEYS,
  *("frames", "test_frames", "file_path", "transform_matrix", "mask_path"),
  *("camera_model", "is_fisheye", "distortion_params", "fisheye_crop_radius"),
  *("near", "far", "layout", "is_bad", "has_mask"),
  *(f"{split}_filenames" for split in _SPLITS),
}
# Keys that change nothing that is computed here. Of instant-ngp: where its own
# cube lies, and how it samples and shows. Of nerfstudio and its exporters: how
# they came to their coordinates, which stay what they are. Of NeRF: "rotation",
# by which Blender turned its camera on. The rest names or describes a picture.
_HARMLESS = {
  *("aabb", "aabb_scale", "scale", "offset", "up", "render_aabb"),
  *("enable_depth_loading", "enable_ray_loading", "importance_sampling"),
  *("integer_depth_scale", "sharpness"),
  *("applied_transform", "applied_scale", "orientation_override"),
  *("auto_scale_poses_override", "ply_file_path", "colmap_im_id"),
  *("rotation", "name", "id", "image_id", "camera_id", "camera_label"),
  *("timestamp", "original_file_path", "width", "height"),
}


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
  """Reads a transforms file, in UTF-8, UTF-16 or UTF-32, marked as such or not.

  Returns:
    Its content, with at least one object in "frames"; where there are
    "test_frames" (ScanNet++), they are such objects, too.

  Raises:
    ValueError: the file is missing, no JSON, or has no frames.
  """
  try:
    if path.stat().st_size > _MOST_BYTES:
      raise user_error.UserError(
        f"{path}: {path.stat().st_size} bytes of camera poses; expected at "
        f"most {_MOST_BYTES}: remove what is not needed"
      )
    content = text_files.parse_json(
      path.read_bytes(), path, again="write it again"
    )
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
  _check_frames(frames, path, "frame", "frames")
  if content.get("test_frames") is not None:
    _check_frames(content["test_frames"], path, "test frame", "test_frames")
  return content


def _check_frames(frames, path: pathlib.Path, one: str, key: str) -> None:
  """Raises ValueError unless all frames have a name and a pose."""
  if not isinstance(frames, list):
    raise user_error.UserError(
      f'{path}: "{key}" is {str(frames)[:40]!r}; expected a list of objects '
      'with "file_path" and "transform_matrix"'
    )
  if len(frames) > _MOST_FRAMES:
    raise user_error.UserError(
      f'{path}: "{key}" lists {len(frames)}; expected at most '
      f"{_MOST_FRAMES}: keep those of the photographs that are used"
    )
  for i, frame in enumerate(frames):
    if not isinstance(frame, dict) or not isinstance(
      frame.get("file_path"), str
    ):
      raise user_error.UserError(
        f'{path}, {one} {i}: no "file_path"; expected the name of an image'
      )
    if "transform_matrix" not in frame:
      raise user_error.UserError(
        f'{path}, {one} {i} ({frame["file_path"]}): no "transform_matrix"; '
        "expected a 4x4 camera-to-world matrix"
      )


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


def camera_numbers(fields: dict, *, where: str) -> dict[str, float]:
  """Returns what a file or a frame says of its intrinsics and its lens.

  Args:
    fields: of the file or the frame.
    where: file and frame, for messages.

  Returns:
    Those of `intrinsic_fields.NUMBER_KEYS` that are there and not null.

  Raises:
    ValueError: one is no finite number, or the lens is none of ours.
  """
  for key in intrinsic_fields.OTHER_LENSES:
    if fields.get(key) not in (None, False):
      raise user_error.UserError(
        f'{where}: "{key}" stands for a lens that is not read; expected '
        "OpenCV's terms k1, k2, ...: undistort the images first"
      )
  found = {
    key: number(fields[key], where=where, key=key)
    for key in intrinsic_fields.NUMBER_KEYS
    if fields.get(key) is not None
  }
  terms = fields.get("distortion_params")
  if terms is None:
    return found
  order = intrinsic_fields.DISTORTION_PARAMS
  if not isinstance(terms, list) or len(terms) != len(order):
    raise user_error.UserError(
      f'{where}: "distortion_params" is {str(terms)[:40]!r}; expected the six '
      f"numbers {', '.join(order)}"
    )
  found.update(
    (key, number(value, where=where, key="distortion_params"))
    for key, value in zip(order, terms, strict=True)
  )
  return found


def unread_keys(content: dict, source: pathlib.Path) -> list[str]:
  """Says which keys of a file and its frames are not read, if they matter."""
  frames = [*content["frames"], *(content.get("test_frames") or [])]
  found = {
    "".join(c if c.isprintable() else "?" for c in key)
    for key in set(content).union(*frames)
  }
  return leftovers.unread_keys(found, _READ | _HARMLESS, source)


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


def listed_splits(
  content: dict,
  known: dict[str, int],
  left_out: Collection[str],
  tests: Sequence[int],
  source: pathlib.Path,
) -> dict[str, tuple[int, ...]] | None:
  """Returns the splits that a file defines, if any.

  These are nerfstudio's *_filenames lists, or else ScanNet++'s "test_frames".

  Args:
    content: of the file.
    known: numbers of the images by their "file_path", cleaned.
    left_out: "file_path" of the other frames.
    tests: numbers of those of the "test_frames".
    source: the file.

  Raises:
    ValueError: a list names what no frame has, or none is left to train on.
  """
  splits = {}
  for split in _SPLITS:
    names = content.get(f"{split}_filenames")
    if names is None:
      continue
    if not isinstance(names, list):
      raise user_error.UserError(
        f"{source}: {split}_filenames is {str(names)[:40]!r}; expected a list "
        "of file paths"
      )
    names = [file_names.clean(str(name)) for name in names]
    for name in names:
      if name not in known and name not in left_out:
        raise user_error.UserError(
          f"{source}: {split}_filenames names {name}, which no frame has; "
          "expected file paths of frames"
        )
    splits[split] = tuple(sorted(known[n] for n in names if n in known))
  if not splits:
    if not tests:
      return None
    splits["test"] = tuple(tests)
  splits = scene_lib.with_test(splits)
  if "train" not in splits:
    held = {i for indices in splits.values() for i in indices}
    splits["train"] = tuple(i for i in known.values() if i not in held)
  if not splits["train"]:
    raise user_error.UserError(
      f"{source}: no image is left in train_filenames; expected at least one"
    )
  return splits
