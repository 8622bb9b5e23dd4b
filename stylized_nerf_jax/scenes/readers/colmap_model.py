"""A COLMAP sparse model: what its binary and its text files both hold.

Poses are world-to-camera, camera axes x right, y down, z forward. Pixel (x, y)
is (column + 0.5, row + 0.5), as everywhere here.
"""

import dataclasses

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib

# Number of a lens model in binary files: name, parameters.
LENSES = {
  0: ("SIMPLE_PINHOLE", 3),
  1: ("PINHOLE", 4),
  2: ("SIMPLE_RADIAL", 4),
  3: ("RADIAL", 5),
  4: ("OPENCV", 8),
  5: ("OPENCV_FISHEYE", 8),
  6: ("FULL_OPENCV", 12),
  8: ("SIMPLE_RADIAL_FISHEYE", 4),
  9: ("RADIAL_FISHEYE", 5),
}
NUM_PARAMETERS = dict(LENSES.values())
# The one focal length of these stands for both.
_ONE_FOCAL = (
  "SIMPLE_PINHOLE",
  "SIMPLE_RADIAL",
  "RADIAL",
  "SIMPLE_RADIAL_FISHEYE",
  "RADIAL_FISHEYE",
)
_LARGEST_SIDE = 1_000_000
_LARGEST_COORDINATE = 1e12
_UNIT_TOLERANCE = 1e-2


@dataclasses.dataclass(frozen=True)
class Lens:
  """One calibrated camera.

  Attributes:
    model: one of `NUM_PARAMETERS`.
    width: pixels of the images it was calibrated on; height likewise.
    parameters: in COLMAP's order.
  """

  model: str
  width: int
  height: int
  parameters: tuple[float, ...]

  @property
  def intrinsics(self) -> tuple[float, float, float, float]:
    """fl_x, fl_y, cx, cy in pixels."""
    if self.model in _ONE_FOCAL:
      focal, cx, cy = self.parameters[:3]
      return focal, focal, cx, cy
    return self.parameters[:4]

  @property
  def distortion(self) -> tuple[str, tuple[float, ...]]:
    """Model and terms as `cameras.Camera` takes them."""
    terms = self.parameters[3 if self.model in _ONE_FOCAL else 4 :]
    if self.model.endswith("FISHEYE"):
      return "fisheye", (*terms, 0.0, 0.0, 0.0)[:4]
    if self.model == "FULL_OPENCV":
      return "full_opencv", terms
    terms = (*terms, 0.0, 0.0, 0.0, 0.0)[:4]
    return "opencv" if any(terms) else "pinhole", terms


@dataclasses.dataclass(frozen=True)
class Picture:
  """One registered photograph.

  Attributes:
    name: of its file, relative to the folder of images.
    lens: number of its `Lens`.
    quaternion: (w, x, y, z) of the rotation from world to camera.
    translation: of the world's origin, camera axes.
  """

  name: str
  lens: int
  quaternion: tuple[float, ...]
  translation: tuple[float, ...]

  def camera_to_world(self, where: str) -> np.ndarray:
    """Returns the OpenGL pose [4, 4].

    Raises:
      ValueError: the quaternion is not of length 1, or a number is not finite.
    """
    quaternion = np.array(self.quaternion)
    with np.errstate(over="ignore", invalid="ignore"):
      length = np.sqrt(np.sum(quaternion**2))
    if not abs(length - 1) <= _UNIT_TOLERANCE:
      raise user_error.UserError(
        f"{where}: the quaternion has length {length:g}; expected 1: export "
        "the model again"
      )
    w, x, y, z = quaternion / length
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation = np.eye(3) + 2 * w * cross + 2 * cross @ cross
    pose = np.eye(4)
    pose[:3, :3] = rotation.T * [1, -1, -1]
    with np.errstate(over="ignore", invalid="ignore"):
      pose[:3, 3] = -rotation.T @ self.translation
    return pose


@dataclasses.dataclass(frozen=True, eq=False)
class Points:
  """Triangulated points and who sees them.

  Attributes:
    positions: [P, 3] float64, world.
    pictures: [S] int64, number of a picture, for each of S sightings.
    rows: [S] int64, which point it sees.
  """

  positions: np.ndarray
  pictures: np.ndarray
  rows: np.ndarray


def check_lens(lens: Lens, where: str) -> Lens:
  """Returns a lens, or raises ValueError where its numbers make no camera."""
  if not (
    1 <= lens.width <= _LARGEST_SIDE and 1 <= lens.height <= _LARGEST_SIDE
  ):
    raise user_error.UserError(
      f"{where}: the size is {lens.width}x{lens.height}; expected pixels "
      f"between 1 and {_LARGEST_SIDE}"
    )
  size = (lens.width, lens.height)
  camera_lib.check_intrinsics(*lens.intrinsics, *size, where=where)
  model, terms = lens.distortion
  camera_lib.check_distortion(terms, model, where=where)
  return lens


def check_model(model: object, known: bool, where: str) -> None:
  """Raises ValueError for lenses that nothing here describes."""
  if not known:
    raise user_error.UserError(
      f"{where}: the camera model is {model}; expected one of "
      f"{', '.join(NUM_PARAMETERS)}: undistort the images first (colmap "
      "image_undistorter)"
    )


def add(items: dict, key: int, item, where: str) -> None:
  """Adds a numbered item, or raises ValueError where the number is taken."""
  if key in items:
    raise user_error.UserError(
      f"{where}: number {key} stands there twice; expected every number once: "
      "export the model again"
    )
  items[key] = item


def make_points(
  positions: list, pictures: list[np.ndarray], where: str
) -> Points:
  """Gathers points and, for each, the numbers of the pictures that see it."""
  positions = np.array(positions, np.float64).reshape(-1, 3)
  if not (np.abs(positions) <= _LARGEST_COORDINATE).all():
    raise user_error.UserError(
      f"{where}: a point holds NaN, infinity or more than "
      f"{_LARGEST_COORDINATE:g}; expected coordinates of the scene: export the "
      "model again"
    )
  counts = [len(seen) for seen in pictures]
  return Points(
    positions=positions,
    pictures=np.concatenate([*pictures, []]).astype(np.int64),
    rows=np.repeat(np.arange(len(counts)), counts),
  )
