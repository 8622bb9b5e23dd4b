"""A COLMAP sparse model: what its binary and its text files both hold.

Poses are world-to-camera, camera axes x right, y down, z forward. Pixel (x, y)
is (column + 0.5, row + 0.5), as everywhere here.
"""

import dataclasses
import functools
from collections.abc import Iterable

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import lens_fits, pose_geometry

# Number of a lens model in binary files: name, parameters (COLMAP 4.2).
LENSES = {
  0: ("SIMPLE_PINHOLE", 3),
  1: ("PINHOLE", 4),
  2: ("SIMPLE_RADIAL", 4),
  3: ("RADIAL", 5),
  4: ("OPENCV", 8),
  5: ("OPENCV_FISHEYE", 8),
  6: ("FULL_OPENCV", 12),
  7: ("FOV", 5),
  8: ("SIMPLE_RADIAL_FISHEYE", 4),
  9: ("RADIAL_FISHEYE", 5),
  10: ("THIN_PRISM_FISHEYE", 12),
  11: ("RAD_TAN_THIN_PRISM_FISHEYE", 16),
  12: ("SIMPLE_DIVISION", 4),
  13: ("DIVISION", 5),
  14: ("SIMPLE_FISHEYE", 3),
  15: ("FISHEYE", 4),
  16: ("EUCM", 6),
  17: ("EQUIRECTANGULAR", 2),
}
NUM_PARAMETERS = dict(LENSES.values())
# The one focal length of these stands for both.
_ONE_FOCAL = (
  "SIMPLE_PINHOLE",
  "SIMPLE_RADIAL",
  "RADIAL",
  "SIMPLE_RADIAL_FISHEYE",
  "RADIAL_FISHEYE",
  "SIMPLE_DIVISION",
  "SIMPLE_FISHEYE",
)
# Fisheyes of no terms but k1, k2, k3, k4 or the first of them.
_FISHEYES = (
  "OPENCV_FISHEYE",
  "SIMPLE_RADIAL_FISHEYE",
  "RADIAL_FISHEYE",
  "SIMPLE_FISHEYE",
  "FISHEYE",
)
_LARGEST_SIDE = 1_000_000
_LARGEST_COORDINATE = camera_lib.LARGEST_CENTER
_LARGEST_PARAMETER = 1e12


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
    """fl_x, fl_y, cx, cy in pixels, those of COLMAP's model."""
    if self.model == "EQUIRECTANGULAR":
      return self.width, self.height, self.width / 2, self.height / 2
    if self.model in _ONE_FOCAL:
      focal, cx, cy = self.parameters[:3]
      return focal, focal, cx, cy
    return self.parameters[:4]

  @functools.cached_property
  def counterpart(self) -> lens_fits.Fit | None:
    """What stands for it among `cameras.LENS_TERMS`; None: nothing does."""
    terms = self.parameters[3 if self.model in _ONE_FOCAL else 4 :]
    four = (*terms, 0.0, 0.0, 0.0, 0.0)[:4]
    if self.model in _FISHEYES:
      return lens_fits.Fit("fisheye", four, 1.0, 0.0)
    if self.model == "FULL_OPENCV":
      return lens_fits.Fit("full_opencv", terms, 1.0, 0.0)
    if self.model == "THIN_PRISM_FISHEYE":
      k1, k2, p1, p2, k3, k4, *prism = terms
      return self._fisheye((k1, k2, k3, k4), (p1, p2, *prism))
    if self.model == "RAD_TAN_THIN_PRISM_FISHEYE":
      return self._fisheye(terms[:6], terms[6:])
    if self.model in _ANGLES:
      return self._fitted(terms)
    if self.model == "EQUIRECTANGULAR":
      return None
    return lens_fits.Fit("opencv" if any(terms) else "pinhole", four, 1.0, 0.0)

  @property
  def _radii(self) -> np.ndarray:
    """Normalised radii from 0 to the farthest corner of the picture."""
    fl_x, fl_y, cx, cy = self.intrinsics
    across = max(cx, self.width - cx) / fl_x
    down = max(cy, self.height - cy) / fl_y
    return lens_fits.radii(float(np.hypot(across, down)))

  def _fitted(self, terms: tuple[float, ...]) -> lens_fits.Fit | None:
    """Fits a lens that moves points along radii."""
    if not any(terms[:1]):
      return lens_fits.Fit("pinhole", (0.0,) * 4, 1.0, 0.0)
    radius = self._radii
    with np.errstate(all="ignore"):
      angle = _ANGLES[self.model](radius, *terms)
    return lens_fits.fit_radial(radius, angle, max(self.intrinsics[:2]))

  def _fisheye(
    self, radial: tuple[float, ...], others: tuple[float, ...]
  ) -> lens_fits.Fit | None:
    """Reads a fisheye whose other terms move nothing, or hardly anything.

    Args:
      radial: k1, k2, ...: of theta (1 + k1 theta^2 + k2 theta^4 + ...).
      others: tangential terms and those of a thin prism.
    """
    focal = max(self.intrinsics[:2])
    radius = self._radii
    angles = np.linspace(0, np.pi, 8192)
    seen = angles * (1 + np.polyval([*radial[::-1], 0.0], angles**2))
    growing = np.cumprod(np.diff(seen, prepend=-1.0) > 0).astype(bool)
    if not seen[growing][-1] >= radius[-1]:
      return None
    angle = np.interp(radius, seen[growing], angles[growing])
    # Each moves a point by at most three times its term and the second or
    # fourth power of a radius.
    largest = max(radius[-1], angle[-1], 1.0)
    moved = 3 * focal * largest**4 * sum(map(abs, others))
    if moved > lens_fits.LARGEST_ERROR:
      return None
    if not any(radial[4:]):
      return lens_fits.Fit("fisheye", tuple(radial[:4]), 1.0, moved)
    return lens_fits.fit_radial(radius, angle, focal)


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
    rotation = pose_geometry.from_quaternion(
      self.quaternion, where=where, again="export the model again"
    )
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
  if not np.abs(lens.parameters).max() <= _LARGEST_PARAMETER:
    raise user_error.UserError(
      f"{where}: {lens.model} has the parameters {lens.parameters}; expected "
      f"numbers up to {_LARGEST_PARAMETER:g}: calibrate the camera again"
    )
  if lens.counterpart is None:
    raise user_error.UserError(
      f"{where}: the lens is {lens.model}, which no lens that is read equals "
      f"to {lens_fits.LARGEST_ERROR} pixels in this picture; expected another: "
      f"{_way_out(lens.model)}"
    )
  camera_lib.check_distortion(
    lens.counterpart.terms, lens.counterpart.model, where=where
  )
  return lens


def unknown_lens(model: str, where: str) -> user_error.UserError:
  """Returns the error for a lens whose name or number is not known."""
  return user_error.UserError(
    f"{where}: the camera model is {model}; expected one of "
    f"{', '.join(NUM_PARAMETERS)}: {_way_out(model)}"
  )


def _way_out(model: str) -> str:
  """Says how images of a lens that is not read can be used.

  COLMAP 4.2's undistorter copies panoramas as they are.
  """
  if model == "EQUIRECTANGULAR":
    return (
      "cut the panoramas into pictures of flat cameras first, as COLMAP's "
      "example panorama_sfm.py does; its image_undistorter leaves them as they "
      "are"
    )
  return "undistort the images first (colmap image_undistorter)"


def fitted(lenses: Iterable[Lens]) -> list[str]:
  """Returns a message for each kind of lens that another one stands for."""
  worst = {}
  for lens in lenses:
    fit = lens.counterpart
    if fit.error > 0:
      key = lens.model, fit.model
      worst[key] = max(worst.get(key, 0.0), fit.error)
  return [
    f"the lens {name} is read as {model}, {error:.1g} pixels off at most"
    for (name, model), error in worst.items()
  ]


def _division(radius: np.ndarray, k: float) -> np.ndarray:
  return np.arctan2(radius, 1 + k * radius**2)


def _field_of_view(radius: np.ndarray, omega: float) -> np.ndarray:
  turned = radius * omega
  tangent = np.tan(turned) / (2 * np.tan(omega / 2))
  return np.where(turned < np.pi / 2, np.arctan(tangent), np.nan)


def _unified(radius: np.ndarray, alpha: float, beta: float) -> np.ndarray:
  r2 = radius**2
  root = np.sqrt(1 - (2 * alpha - 1) * beta * r2)
  z = (1 - beta * alpha**2 * r2) / (alpha * root + 1 - alpha)
  return np.arctan2(radius, z)


# The angle off the axis at which a normalised radius of the picture looks:
# division (Fitzgibbon 2001), field of view (Devernay and Faugeras 2001), and
# the enhanced unified camera model (Khomutenko et al. 2016).
_ANGLES = {
  "SIMPLE_DIVISION": _division,
  "DIVISION": _division,
  "FOV": _field_of_view,
  "EUCM": _unified,
}


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
