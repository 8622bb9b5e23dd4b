"""Reader of `transforms.json` as instant-ngp and nerfstudio write it.

Intrinsics stand in the file or in a frame (which wins), for images of w x h
pixels; they are scaled to the images' own size. Poses are kept in the file's
coordinates: what `applied_transform` led to. Bounds and layout are the file's
"near", "far" and "layout", which this project writes; without them, the scene
is unbounded and `camera_bounds` guesses.
"""

import dataclasses
import math
import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import file_names
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import camera_bounds, transforms_json

_POLYNOMIAL = ("PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV")
_FISHEYE = transforms_json.MODEL_NAMES["fisheye"]
_RATIONAL = transforms_json.MODEL_NAMES["full_opencv"]
_MODELS = (*_POLYNOMIAL, _FISHEYE, _RATIONAL)
_SIZE_KEYS = ("fl_x", "fl_y", "cx", "cy", "w", "h")


@dataclasses.dataclass(frozen=True)
class _Frame:
  """One frame with an image, at the size of its file."""

  camera: camera_lib.Camera
  file: pathlib.Path
  mask: pathlib.Path | None
  listed_as: str
  has_alpha: bool


def load_transforms(
  path: str | pathlib.Path,
  *,
  downsample: float = 1,
  background: str = "white",
  holdout: int = 8,
) -> scene_lib.Scene:
  """Reads an instant-ngp or nerfstudio scene.

  Frames without an image are left out and reported in the messages.

  Args:
    path: folder with transforms.json.
    downsample: width and height are divided by this when decoded.
    background: "white" or "black", under images with alpha.
    holdout: every holdout-th image is "test" unless the file lists
      train_filenames, val_filenames or test_filenames; 0 holds none out.

  Raises:
    ValueError: a file is missing or wrong; the message names it.
  """
  root = pathlib.Path(path)
  source = root / "transforms.json"
  image_reader.check_downsample(downsample)
  content = transforms_json.read_json(source)
  frames, missing = _read_frames(content, source)
  messages = []
  if missing:
    total = len(frames) + len(missing)
    messages.append(transforms_json.report_missing(source, missing, total))
  if not any(_has_own_intrinsics(frame) for frame in content["frames"]):
    scene_lib.check_one_size(
      [frame.file for frame in frames],
      [(frame.camera.width, frame.camera.height) for frame in frames],
    )
  files = [frame.file for frame in frames]
  masks = [frame.mask for frame in frames]
  image_reader.check_files([*files, *filter(None, masks)])
  sizes = [
    image_reader.downsampled_size(
      (frame.camera.width, frame.camera.height), downsample
    )
    for frame in frames
  ]
  cameras = camera_lib.Cameras.from_list(
    [
      frame.camera.resized(*size)
      for frame, size in zip(frames, sizes, strict=True)
    ]
  )
  layout, near, far = transforms_json.read_bounds(content, source) or (
    "unbounded",
    *camera_bounds.near_and_far(cameras),
  )
  return scene_lib.Scene(
    name=root.resolve().name,
    format="transforms",
    path=str(root),
    cameras=cameras,
    images=image_reader.ImageFiles(files, sizes, background=background),
    masks=image_reader.MaskFiles(masks, sizes) if any(masks) else None,
    alphas=(
      image_reader.AlphaFiles(files, sizes)
      if any(frame.has_alpha for frame in frames)
      else None
    ),
    depths=None,
    layout=layout,
    near=near,
    far=far,
    bounding_box=None,
    splits=_listed_splits(content, frames, missing, source)
    or scene_lib.holdout_splits(len(frames), holdout),
    messages=tuple(messages),
  )


def _has_own_intrinsics(frame: dict) -> bool:
  return any(key in frame for key in (*_SIZE_KEYS, "camera_angle_x"))


def _read_frames(
  content: dict, source: pathlib.Path
) -> tuple[list[_Frame], list[str]]:
  """Reads all frames: those with an image in natural order, others' names."""
  root = source.parent
  frames, missing, seen = [], [], {}
  for i, entry in enumerate(content["frames"]):
    listed_as = file_names.clean(entry["file_path"])
    where = f"{source}, frame {i} ({listed_as})"
    file = transforms_json.find_image(
      root, listed_as, where=f"{where}: file_path"
    )
    if file is None:
      missing.append(listed_as)
      continue
    pose = camera_lib.check_pose(entry["transform_matrix"], where=where)
    name = transforms_json.image_name(root, file)
    if name in seen:
      raise user_error.UserError(
        f"{where}: the image is listed before, by frame {seen[name]}; "
        "expected every image once: remove one of the two"
      )
    seen[name] = i
    size, has_alpha = image_reader.read_header(file)
    camera = _camera({**content, **entry}, pose, size, name, where)
    mask = _find_mask(entry, root, where)
    frames.append(_Frame(camera, file, mask, listed_as, has_alpha))
  if not frames:
    transforms_json.report_missing(source, missing, len(missing))
  frames.sort(key=lambda frame: image_reader.natural_key(frame.camera.name))
  return frames, missing


def _find_mask(
  entry: dict, root: pathlib.Path, where: str
) -> pathlib.Path | None:
  """Returns the file of a frame's mask, where it names one."""
  if not entry.get("mask_path"):
    return None
  name = file_names.clean(str(entry["mask_path"]))
  mask = transforms_json.find_image(root, name, where=f"{where}: mask_path")
  if mask is None:
    raise user_error.UserError(
      f'{where}: "mask_path" names {name}, which is missing; copy it there or '
      "remove the entry"
    )
  image_reader.read_header(mask)
  return mask


def _camera(
  values: dict,
  pose: np.ndarray,
  size: tuple[int, int],
  name: str,
  where: str,
) -> camera_lib.Camera:
  """Builds a camera at the size of its image file.

  Args:
    values: the file's fields, overridden by those of the frame.
    pose: [4, 4] camera-to-world.
    size: (width, height) of the image file.
    name: of the image.
    where: file and frame to name in messages.
  """

  def value(key, default=None):
    if values.get(key) is None:
      return default
    return transforms_json.number(values[key], where=where, key=key)

  model, distortion = _lens(values, value, where)
  width, height = value("w", size[0]), value("h", size[1])
  if min(width, height) < 1:
    raise user_error.UserError(
      f"{where}: w is {width:g} and h {height:g}; expected sizes in pixels"
    )
  fl_x, fl_y = _focal_lengths(value, width, height, where)
  cx, cy = value("cx", width / 2), value("cy", height / 2)
  if not image_reader.same_aspect(size, (width, height)):
    raise user_error.UserError(
      f"{where}: the file says {width:g}x{height:g} but the image is "
      f"{size[0]}x{size[1]}; expected one aspect ratio: rotate or restore the "
      "image"
    )
  along_x, along_y = size[0] / width, size[1] / height
  intrinsics = (fl_x * along_x, fl_y * along_y, cx * along_x, cy * along_y)
  camera_lib.check_intrinsics(*intrinsics, *size, where=where)
  camera_lib.check_distortion(distortion, model, where=where)
  return camera_lib.Camera(
    pose, *intrinsics, *size, distortion=distortion, model=model, name=name
  )


def _lens(values: dict, value, where: str) -> tuple[str, tuple[float, ...]]:
  """Returns the camera model and the terms of its lens."""
  named = values.get("camera_model")
  if named is None:
    named = _FISHEYE if values.get("is_fisheye") else "OPENCV"
  if named not in _MODELS:
    raise user_error.UserError(
      f"{where}: camera_model is {named!r}; expected one of "
      f"{', '.join(_MODELS)}: undistort the images first"
    )
  terms = {key: value(key, 0.0) for key in camera_lib.LENS_TERMS["full_opencv"]}
  if named == _FISHEYE or values.get("is_fisheye"):
    model, unused = "fisheye", ("p1", "p2", "k5", "k6")
  elif named == _RATIONAL:
    model, unused = "full_opencv", ()
  else:
    # Beyond k3, dialects disagree about what the terms of OPENCV mean.
    model, unused = "opencv", ("k4", "k5", "k6")
    if terms["k3"]:
      model = "full_opencv"
    elif not any(terms.values()):
      model = "pinhole"
  for key in unused:
    if terms[key] != 0:
      raise user_error.UserError(
        f'{where}: distortion "{key}" is {terms[key]:g}; expected 0 for '
        f"camera_model {named}: undistort the images first"
      )
  return model, tuple(terms[key] for key in camera_lib.LENS_TERMS[model])


def _focal_lengths(value, width, height, where) -> tuple[float, float]:
  """Returns fl_x, fl_y in pixels of a w x h image."""
  fl_x = value("fl_x")
  if fl_x is None:
    angle = value("camera_angle_x")
    if angle is None:
      raise user_error.UserError(
        f'{where}: no focal length; expected "fl_x" in pixels or '
        '"camera_angle_x" in radians, in the file or the frame'
      )
    fl_x = transforms_json.focal_from_angle(
      angle, width, where=where, key="camera_angle_x"
    )
  fl_y = value("fl_y")
  if fl_y is None:
    angle = value("camera_angle_y")
    fl_y = (
      fl_x
      if angle is None
      else transforms_json.focal_from_angle(
        angle, height, where=where, key="camera_angle_y"
      )
    )
  if not (fl_x > 0 and math.isfinite(fl_x) and fl_y > 0):
    raise user_error.UserError(
      f"{where}: focal lengths are {fl_x:g} and {fl_y:g}; expected positive "
      "numbers of pixels"
    )
  return fl_x, fl_y


def _listed_splits(
  content: dict,
  frames: list[_Frame],
  missing: list[str],
  source: pathlib.Path,
) -> dict[str, tuple[int, ...]] | None:
  """Returns the splits that nerfstudio's *_filenames lists define, if any."""
  known = {frame.listed_as: i for i, frame in enumerate(frames)}
  splits = {}
  for split in ("train", "val", "test"):
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
      if name not in known and name not in missing:
        raise user_error.UserError(
          f"{source}: {split}_filenames names {name}, which no frame has; "
          "expected file paths of frames"
        )
    splits[split] = tuple(sorted(known[n] for n in names if n in known))
  if not splits:
    return None
  splits = scene_lib.with_test(splits)
  if "train" not in splits:
    held = {i for indices in splits.values() for i in indices}
    splits["train"] = tuple(i for i in range(len(frames)) if i not in held)
  if not splits["train"]:
    raise user_error.UserError(
      f"{source}: no image is left in train_filenames; expected at least one"
    )
  return splits
