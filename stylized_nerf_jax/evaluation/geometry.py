"""The geometry folder: `cameras.json` and depth maps of a camera path.

`cameras.json` holds {"frames": [...]}, one object a frame: "file_path" and
"depth_path" (relative to the folder; "depth_path" is null where no depth was
saved), "transform_matrix" (4x4, OpenGL camera-to-world in the scene file's
coordinates), "fl_x", "fl_y", "cx", "cy", "w", "h" (pixels), "k1", "k2", "p1",
"p2" (OpenCV distortion; other lenses have a "camera_model" and its terms, as
in transforms.json), "style" and "source". Depth maps are float32 [H, W]
.npy files: Euclidean distance from the camera centre, 0 where nothing is hit.
"""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.rendering import warping
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes import file_names
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import transforms_json

_REQUIRED = ("transform_matrix", "fl_x", "fl_y", "cx", "cy", "w", "h")


@dataclasses.dataclass(frozen=True, eq=False)
class Geometry:
  """What a sequence of frames is scored against.

  Attributes:
    cameras: V cameras, file frame.
    depths: V maps [H, W] of the scene, file units, 0 where nothing is hit.
    content: V unstylized frames [H, W, 3] in [0, 1]; or None.
  """

  cameras: cameras_lib.Cameras
  depths: Sequence[np.ndarray]
  content: Sequence[np.ndarray] | None = None

  @functools.cached_property
  def scene_scale(self) -> float:
    """Median distance from the cameras to what they see, file units."""
    return warping.scene_scale(self.depths)

  @property
  def tolerance(self) -> float:
    """How far apart two depths of one surface may be, file units."""
    return warping.TOLERANCE_FRACTION * self.scene_scale


class DepthFiles(Sequence):
  """Depth maps, read from their files when they are asked for."""

  def __init__(self, paths: Sequence[pathlib.Path]):
    self.paths = tuple(paths)

  def __len__(self) -> int:
    return len(self.paths)

  def __getitem__(self, index: int) -> np.ndarray:
    return np.load(self.paths[index], allow_pickle=False).astype(np.float32)


def write_cameras(
  folder: str | pathlib.Path,
  cameras: cameras_lib.Cameras,
  *,
  sources: Sequence[str | None] | None = None,
  styles: Sequence[str | None] | None = None,
  depth_paths: Sequence[str | None] | None = None,
) -> pathlib.Path:
  """Write `cameras.json` for the frames 00000.png, 00001.png, ...

  Args:
    folder: an existing folder.
    cameras: V cameras, file frame.
    sources: where each view comes from: a photo's name, or the path's.
    styles: what each frame is stylized with; None means not at all.
    depth_paths: each frame's depth map, relative to the folder.

  Returns:
    The path of the file.

  Raises:
    ValueError: a list has not as many items as there are cameras.
  """
  lists = {"source": sources, "style": styles, "depth_path": depth_paths}
  frames = [
    {
      "transform_matrix": np.asarray(camera.camera_to_world).tolist(),
      **transforms_json.camera_fields(camera),
    }
    for camera in cameras
  ]
  for index, frame in enumerate(frames):
    frame["file_path"] = f"{index:05d}.png"
  for key, values in lists.items():
    values = [None] * len(frames) if values is None else list(values)
    if len(values) != len(frames):
      raise user_error.UserError(
        f"write_cameras: {len(values)} values of {key!r} for {len(frames)}"
        " cameras; expected one for each"
      )
    for frame, value in zip(frames, values):
      frame[key] = None if value is None else str(value)
  path = pathlib.Path(folder) / "cameras.json"
  path.write_text(json.dumps({"frames": frames}, indent=1) + "\n")
  return path


def read_geometry(folder: str | pathlib.Path) -> Geometry:
  """Read and check a geometry folder.

  Args:
    folder: holds `cameras.json` and the depth maps it names. If it also holds
      all pictures it names, and names no style for them, they are the
      unstylized content.

  Returns:
    The geometry; depth maps and pictures are read again when used.

  Raises:
    ValueError: anything is missing, malformed or inconsistent.
  """
  folder = pathlib.Path(folder)
  path = folder / "cameras.json"
  records = _read_records(path)
  cameras, depth_paths = [], []
  for index, record in enumerate(records):
    where = f"{path}: frame {index}"
    cameras.append(_read_camera(record, where))
    depth_paths.append(_check_depth(folder, record, cameras[-1], where))
  return Geometry(
    cameras=cameras_lib.Cameras.from_list(cameras),
    depths=DepthFiles(depth_paths),
    content=_find_content(folder, records),
  )


def _read_records(path: pathlib.Path) -> list[dict[str, Any]]:
  """Read the list of frames from `cameras.json`."""
  if not path.is_file():
    raise user_error.UserError(
      f"{path}: no such file; expected the folder of frames that"
      " `stylized-nerf render --style none --save-depth --out FOLDER` writes"
    )
  try:
    content = json.loads(path.read_text())
  except ValueError as error:
    raise user_error.UserError(f"{path}: not valid JSON ({error})") from error
  records = content.get("frames") if isinstance(content, dict) else None
  if not isinstance(records, list) or not records:
    raise user_error.UserError(
      f'{path}: expected {{"frames": [...]}} with at least one frame'
    )
  for index, record in enumerate(records):
    if not isinstance(record, dict):
      raise user_error.UserError(
        f"{path}: frame {index} is not an object of keys"
      )
  return records


def _read_camera(record: dict[str, Any], where: str) -> cameras_lib.Camera:
  """Make the camera of one frame."""
  missing = [key for key in _REQUIRED if record.get(key) is None]
  if missing:
    raise user_error.UserError(f"{where}: missing key {missing[0]!r}")
  numbers = {}
  named = {name: model for model, name in transforms_json.MODEL_NAMES.items()}
  model = named.get(str(record.get("camera_model")), "opencv")
  terms = cameras_lib.LENS_TERMS[model]
  for key in (*_REQUIRED[1:], *terms):
    value = record.get(key, 0.0)
    numbers[key] = transforms_json.number(value, where=where, key=key)
  for key in ("w", "h"):
    if numbers[key] < 1 or numbers[key] != int(numbers[key]):
      raise user_error.UserError(
        f"{where}: {key!r} is {numbers[key]}; expected a whole number of pixels"
      )
  distortion = tuple(float(numbers[key]) for key in terms)
  if model == "opencv" and not any(distortion):
    model = "pinhole"
  pose = cameras_lib.check_pose(record["transform_matrix"], where=where)
  cameras_lib.check_intrinsics(
    numbers["fl_x"],
    numbers["fl_y"],
    numbers["cx"],
    numbers["cy"],
    int(numbers["w"]),
    int(numbers["h"]),
    where=where,
  )
  return cameras_lib.Camera(
    camera_to_world=pose,
    fl_x=numbers["fl_x"],
    fl_y=numbers["fl_y"],
    cx=numbers["cx"],
    cy=numbers["cy"],
    width=int(numbers["w"]),
    height=int(numbers["h"]),
    distortion=distortion,
    model=model,
    name=str(record.get("source") or ""),
  )


def _check_depth(
  folder: pathlib.Path,
  record: dict[str, Any],
  camera: cameras_lib.Camera,
  where: str,
) -> pathlib.Path:
  """Find one frame's depth map and check what it holds."""
  name = record.get("depth_path")
  if not isinstance(name, str) or not name:
    raise user_error.UserError(
      f"{where}: no 'depth_path'; render the path again with --save-depth"
    )
  path = file_names.inside(
    folder, file_names.clean(name), where=f"{where}: 'depth_path'"
  )
  if not file_names.is_file(path):
    raise user_error.UserError(
      f"{path}: no such depth map, though {where} names it"
    )
  try:
    depth = np.load(path, allow_pickle=False)
  except Exception as error:  # numpy's readers raise nearly anything
    raise user_error.UserError(
      f"{path}: cannot be read as a .npy array ({error})"
    ) from error
  expected = (camera.height, camera.width)
  if getattr(depth, "shape", None) != expected or depth.dtype.kind not in "fiu":
    raise user_error.UserError(
      f"{path}: expected float32 {expected} (h, w of {where}), found"
      f" {getattr(depth, 'dtype', type(depth).__name__)}"
      f" {getattr(depth, 'shape', '')}"
    )
  if not np.isfinite(depth).all() or depth.min() < 0:
    raise user_error.UserError(
      f"{path}: depths must be finite and not negative (0: nothing hit), found"
      f" {int((~np.isfinite(depth)).sum())} NaN or infinite and"
      f" {int((depth < 0).sum())} negative values"
    )
  return path


def _find_content(
  folder: pathlib.Path, records: Sequence[dict[str, Any]]
) -> Sequence[np.ndarray] | None:
  """Find the unstylized pictures beside `cameras.json`, if it has them."""
  if any(record.get("style") not in (None, "none") for record in records):
    return None
  paths = [
    file_names.inside(
      folder,
      file_names.clean(str(record.get("file_path"))),
      where=f"{folder / 'cameras.json'}: frame {index}: 'file_path'",
    )
    for index, record in enumerate(records)
  ]
  if not all(file_names.is_file(path) for path in paths):
    return None
  sizes = [(record["w"], record["h"]) for record in records]
  for path, size in zip(paths, sizes):
    found, _ = image_reader.read_header(path)
    if found != size:
      raise user_error.UserError(
        f"{path}: the picture is {found[0]}x{found[1]}, expected"
        f" {size[0]}x{size[1]} as cameras.json says"
      )
  return image_reader.ImageFiles(paths, sizes)
