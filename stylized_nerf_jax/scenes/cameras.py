"""Cameras in the file frame: the scene file's own coordinates.

Poses are 4x4 camera-to-world matrices with OpenGL axes (x right, y up, the
camera looks along -z), rigid, never recentred or rescaled. Pixel (x, y) is
(column + 0.5, row + 0.5). numpy only.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error

# The terms of `distortion`, in order. "opencv" is OpenCV's polynomial model,
# "full_opencv" its rational one, "fisheye" its equidistant one.
LENS_TERMS = {
  "pinhole": ("k1", "k2", "p1", "p2"),
  "opencv": ("k1", "k2", "p1", "p2"),
  "full_opencv": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
  "fisheye": ("k1", "k2", "k3", "k4"),
}
MODELS = tuple(LENS_TERMS)
ROTATION_TOLERANCE = 1e-3
# Far beyond any camera; what is larger overflows float32 sooner or later.
LARGEST_CENTER = 1e12
_LARGEST_TERM = 1e6
_FOCAL_RANGE = (1e-4, 1e6)  # in the longer side of the picture
_WORDS = {4: "four", 8: "eight"}


def check_pose(matrix: np.ndarray, *, where: str) -> np.ndarray:
  """Returns a camera-to-world matrix as float64 [4, 4], or says what is wrong.

  Args:
    matrix: [3, 4] or [4, 4], OpenGL camera-to-world.
    where: file and image to name in the message.

  Raises:
    ValueError: the shape is another, a value is not finite, the last row is
      not (0, 0, 0, 1), the rotation is off by more than 1e-3, or the centre
      is farther than 1e12.
  """
  try:
    matrix = np.asarray(matrix, dtype=np.float64)
  except (TypeError, ValueError, OverflowError):
    raise user_error.UserError(
      f"{where}: the pose is not a matrix of numbers; expected 4 rows of 4"
    ) from None
  if matrix.shape not in ((3, 4), (4, 4)):
    raise user_error.UserError(
      f"{where}: the pose has shape {list(matrix.shape)}; expected a "
      "[4, 4] camera-to-world matrix"
    )
  if matrix.shape == (3, 4):
    matrix = np.concatenate([matrix, [[0.0, 0.0, 0.0, 1.0]]])
  if not np.isfinite(matrix).all():
    raise user_error.UserError(
      f"{where}: the pose holds NaN or infinity; expected finite numbers: "
      "estimate this pose again or remove the image"
    )
  if np.abs(matrix[3] - [0, 0, 0, 1]).max() > ROTATION_TOLERANCE:
    raise user_error.UserError(
      f"{where}: the last row of the pose is {matrix[3].tolist()}; expected "
      "[0, 0, 0, 1]"
    )
  rotation = matrix[:3, :3]
  with np.errstate(over="ignore", invalid="ignore"):
    error = np.abs(rotation.T @ rotation - np.eye(3)).max()
  if not error <= ROTATION_TOLERANCE:
    raise user_error.UserError(
      f"{where}: the pose is no rigid motion (its rotation columns miss "
      f"orthonormality by {error:.3g}; expected at most "
      f"{ROTATION_TOLERANCE:g}): estimate it again or remove the image"
    )
  if np.linalg.det(rotation) < 0:
    raise user_error.UserError(
      f"{where}: the pose mirrors space (determinant -1; expected a rotation, "
      "+1): check the sign of its axes"
    )
  farthest = np.abs(matrix[:3, 3]).max()
  if farthest > LARGEST_CENTER:
    raise user_error.UserError(
      f"{where}: the camera stands at {farthest:g}; expected coordinates up to "
      f"{LARGEST_CENTER:g}: estimate this pose again or remove the image"
    )
  return matrix


def check_intrinsics(
  fl_x: float,
  fl_y: float,
  cx: float,
  cy: float,
  width: int,
  height: int,
  *,
  where: str,
) -> None:
  """Raises ValueError unless focal lengths and sizes make a camera."""
  for name, value in (("fl_x", fl_x), ("fl_y", fl_y)):
    if not (math.isfinite(value) and value > 0):
      raise user_error.UserError(
        f"{where}: focal length {name} is {value:g}; expected a positive "
        "number of pixels"
      )
  for name, value in (("cx", cx), ("cy", cy)):
    if not math.isfinite(value):
      raise user_error.UserError(
        f"{where}: principal point {name} is {value:g}; expected a finite "
        "number of pixels"
      )
  if width < 1 or height < 1:
    raise user_error.UserError(
      f"{where}: the image size is {width}x{height}; expected at least 1x1"
    )
  side = max(width, height)
  for name, value in (("fl_x", fl_x), ("fl_y", fl_y)):
    if not _FOCAL_RANGE[0] <= value / side <= _FOCAL_RANGE[1]:
      raise user_error.UserError(
        f"{where}: focal length {name} is {value:g} for an image of "
        f"{width}x{height}; expected between {_FOCAL_RANGE[0] * side:g} and "
        f"{_FOCAL_RANGE[1] * side:g} pixels"
      )
  for name, value in (("cx", cx), ("cy", cy)):
    if abs(value) > _FOCAL_RANGE[1] * side:
      raise user_error.UserError(
        f"{where}: principal point {name} is {value:g} for an image of "
        f"{width}x{height}; expected a pixel of it, or one not far outside"
      )


def check_distortion(
  distortion: Sequence[float], model: str, *, where: str
) -> tuple[float, ...]:
  """Returns the terms of a lens as floats.

  Raises:
    ValueError: the model is unknown, or the terms are not as many finite
      numbers, of at most 1e6, as it has.
  """
  if model not in MODELS:
    raise user_error.UserError(
      f"{where}: camera model {model!r} is unknown; expected one of "
      f"{', '.join(MODELS)}"
    )
  terms = LENS_TERMS[model]
  distortion = tuple(float(value) for value in distortion)
  if len(distortion) != len(terms) or not np.isfinite(distortion).all():
    raise user_error.UserError(
      f"{where}: distortion is {distortion}; expected "
      f"{_WORDS[len(terms)]} finite numbers {', '.join(terms)}"
    )
  if max(map(abs, distortion)) > _LARGEST_TERM:
    raise user_error.UserError(
      f"{where}: distortion is {distortion}; expected {', '.join(terms)} up to "
      f"{_LARGEST_TERM:g}: calibrate the camera again"
    )
  return distortion


@dataclasses.dataclass(frozen=True, eq=False)
class Camera:
  """One camera in the file frame.

  Attributes:
    camera_to_world: [4, 4] float64, OpenGL axes, rigid.
    fl_x: focal length in pixels along x, positive; fl_y along y.
    cx: principal point in pixels; cy likewise.
    width: pixels; height likewise.
    distortion: the terms that `LENS_TERMS` names for the model.
    model: one of `MODELS`.
    name: file name of its image, or "".
  """

  camera_to_world: np.ndarray
  fl_x: float
  fl_y: float
  cx: float
  cy: float
  width: int
  height: int
  distortion: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
  model: str = "pinhole"
  name: str = ""

  def __post_init__(self):
    where = f"camera {self.name!r}" if self.name else "camera"
    pose = check_pose(self.camera_to_world, where=where)
    object.__setattr__(self, "camera_to_world", pose)
    for field in ("fl_x", "fl_y", "cx", "cy"):
      object.__setattr__(self, field, float(getattr(self, field)))
    for field in ("width", "height"):
      object.__setattr__(self, field, int(getattr(self, field)))
    check_intrinsics(
      self.fl_x,
      self.fl_y,
      self.cx,
      self.cy,
      self.width,
      self.height,
      where=where,
    )
    distortion = check_distortion(self.distortion, self.model, where=where)
    object.__setattr__(self, "distortion", distortion)

  def resized(self, width: int, height: int) -> "Camera":
    """Returns the camera of the same picture resized to width x height."""
    along_x, along_y = width / self.width, height / self.height
    return dataclasses.replace(
      self,
      fl_x=self.fl_x * along_x,
      fl_y=self.fl_y * along_y,
      cx=self.cx * along_x,
      cy=self.cy * along_y,
      width=width,
      height=height,
    )

  def scaled(self, factor: float) -> "Camera":
    """Returns the camera of the picture scaled, its size rounded."""
    return self.resized(
      max(1, round(self.width * factor)), max(1, round(self.height * factor))
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Cameras(Sequence):
  """V cameras in the file frame, one array per attribute of `Camera`.

  Indexing with an integer gives a `Camera`, with a slice, a list or an
  integer array the `Cameras` chosen.

  Attributes:
    camera_to_world: [V, 4, 4] float64.
    fl_x: [V] float64; fl_y, cx, cy likewise.
    width: [V] int64; height likewise.
    distortion: [V, 4] float64; [V, 8] where some camera has eight terms, zeros
      after the four of the others.
    models: V camera models.
    names: V file names.
  """

  camera_to_world: np.ndarray
  fl_x: np.ndarray
  fl_y: np.ndarray
  cx: np.ndarray
  cy: np.ndarray
  width: np.ndarray
  height: np.ndarray
  distortion: np.ndarray
  models: tuple[str, ...]
  names: tuple[str, ...]

  @classmethod
  def from_list(cls, cameras: Sequence[Camera]) -> "Cameras":
    """Stacks single cameras."""
    cameras = list(cameras)
    count = len(cameras)

    def column(field, dtype, *shape):
      values = [getattr(camera, field) for camera in cameras]
      return np.asarray(values, dtype=dtype).reshape(count, *shape)

    distortion = np.zeros(
      (count, max([4, *(len(camera.distortion) for camera in cameras)]))
    )
    for row, camera in zip(distortion, cameras, strict=True):
      row[: len(camera.distortion)] = camera.distortion
    return cls(
      camera_to_world=column("camera_to_world", np.float64, 4, 4),
      fl_x=column("fl_x", np.float64),
      fl_y=column("fl_y", np.float64),
      cx=column("cx", np.float64),
      cy=column("cy", np.float64),
      width=column("width", np.int64),
      height=column("height", np.int64),
      distortion=distortion,
      models=tuple(camera.model for camera in cameras),
      names=tuple(camera.name for camera in cameras),
    )

  def __len__(self) -> int:
    return len(self.names)

  def __getitem__(self, index):
    if isinstance(index, (int, np.integer)):
      return Camera(
        self.camera_to_world[index],
        self.fl_x[index],
        self.fl_y[index],
        self.cx[index],
        self.cy[index],
        self.width[index],
        self.height[index],
        tuple(self.distortion[index, : len(LENS_TERMS[self.models[index]])]),
        self.models[index],
        self.names[index],
      )
    chosen = np.arange(len(self))[index]
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(self):
      values = getattr(self, field.name)
      if isinstance(values, tuple):
        fields[field.name] = tuple(values[i] for i in chosen)
      else:
        fields[field.name] = values[chosen]
    return Cameras(**fields)

  def __iter__(self) -> Iterator[Camera]:
    return (self[i] for i in range(len(self)))

  @property
  def centers(self) -> np.ndarray:
    """Camera centres: [V, 3] float64, file frame."""
    return self.camera_to_world[:, :3, 3]

  @property
  def view_directions(self) -> np.ndarray:
    """Unit optical axes, pointing into the scene: [V, 3] float64."""
    return -self.camera_to_world[:, :3, 2]
