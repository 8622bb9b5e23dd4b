"""What an export holds, whoever wrote it; poses and frames that many share."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import leftovers, pose_geometry
from stylized_nerf_jax.scenes.pictures import image_reader

# Recordings are videos; nerfstudio 1.1.5 takes as many frames of them.
MOST_FRAMES = 300


@dataclasses.dataclass(frozen=True)
class Export:
  """Cameras and pictures of an export, in the order of the scene.

  Attributes:
    cameras: V, at the sizes of the picture files, file frame.
    files: V picture files.
    messages: what a user should be told.
    border: pixels of each side of a picture that may show nothing.
    splits: as those of a `Scene`; None: the export says nothing.
    bounds: near and far in file units; None: the export says nothing.
    box: ((x0, y0, z0), (x1, y1, z1)) that holds all, file frame; or None.
      What has bounds or a box is a bounded scene.
    white: whether white stands for nothing.
  """

  cameras: Sequence[camera_lib.Camera]
  files: Sequence[pathlib.Path]
  messages: Sequence[str] = ()
  border: int = 0
  splits: dict[str, tuple[int, ...]] | None = None
  bounds: tuple[float, float] | None = None
  box: tuple | None = None
  white: bool = False


def rotation(quaternion: Sequence[float], *, where: str) -> np.ndarray:
  """Returns the rotation [3, 3] of a quaternion (x, y, z, w).

  Raises:
    ValueError: it is not of length 1, to a hundredth.
  """
  *vector, scalar = quaternion
  return pose_geometry.from_quaternion(
    (scalar, *vector), where=where, again="export the recording again"
  )


def pose(
  rotation: np.ndarray, center: Sequence[float], *, where: str
) -> np.ndarray:
  """Returns the checked camera-to-world [4, 4] of OpenGL axes [3, 3]."""
  matrix = np.eye(4)
  matrix[:3, :3], matrix[:3, 3] = rotation, center
  return camera_lib.check_pose(matrix, where=where)


def camera(
  pose: np.ndarray,
  intrinsics: Sequence[float],
  calibrated: Sequence[float],
  size: tuple[int, int],
  *,
  name: str,
  where: str,
  distortion: Sequence[float] = (0.0,) * 4,
  model: str = "pinhole",
) -> camera_lib.Camera:
  """Builds a camera at the size of its picture file.

  Args:
    pose: [4, 4] camera-to-world.
    intrinsics: fl_x, fl_y, cx, cy in pixels of the calibrated size.
    calibrated: (width, height) of it.
    size: (width, height) of the file.
    name: of the picture.
    where: file and entry, for messages.
    distortion: terms of the lens.
    model: of it.

  Raises:
    ValueError: the sizes have two aspect ratios, or the numbers are those of
      no camera.
  """
  width, height = calibrated
  if min(width, height) < 1:
    raise user_error.UserError(
      f"{where}: the size is {width:g}x{height:g}; expected pixels"
    )
  if not image_reader.same_aspect(size, (width, height), reduced=True):
    raise user_error.UserError(
      f"{where}: the camera is for {width:g}x{height:g} but the picture is "
      f"{size[0]}x{size[1]}; expected one aspect ratio: rotate or restore the "
      "picture"
    )
  along_x, along_y = size[0] / width, size[1] / height
  fl_x, fl_y, cx, cy = intrinsics
  scaled = (fl_x * along_x, fl_y * along_y, cx * along_x, cy * along_y)
  camera_lib.check_intrinsics(*scaled, *size, where=where)
  camera_lib.check_distortion(distortion, model, where=where)
  return camera_lib.Camera(
    pose, *scaled, *size, distortion=tuple(distortion), model=model, name=name
  )


def numbered(
  folder: pathlib.Path,
) -> tuple[dict[int, pathlib.Path], list[str]]:
  """Finds pictures that are called by numbers.

  Returns:
    file by number, ascending.
    a message about the others, if any.

  Raises:
    ValueError: there are no pictures, or two of one number.
  """
  found, others = {}, []
  for file in image_reader.list_images(folder):
    if not (file.stem.isascii() and file.stem.isdigit()):
      others.append(file.name)
      continue
    number = int(file.stem[-18:])
    if number in found:
      raise user_error.UserError(
        f"{file}: {found[number].name} has the same number; expected one "
        "picture of each: remove one of the two"
      )
    found[number] = file
  return (
    dict(sorted(found.items())),
    leftovers.left_out(others, "picture", "is not called by a number"),
  )


def thinned(numbers: Sequence[int], what: str) -> tuple[list[int], list[str]]:
  """Returns at most `MOST_FRAMES` of a recording's frames, spread evenly.

  Args:
    numbers: of the frames.
    what: holds them, for the message.

  Returns:
    the chosen numbers, and a message where they are not all.
  """
  numbers = list(numbers)
  if len(numbers) <= MOST_FRAMES:
    return numbers, []
  places = np.linspace(0, len(numbers) - 1, MOST_FRAMES).round().astype(int)
  message = (
    f"{what}: {MOST_FRAMES} of {len(numbers)} frames are used, spread evenly"
  )
  return [numbers[i] for i in places], [message]
