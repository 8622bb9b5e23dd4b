"""Where to stand, at first, to look at a scene that one may walk around in."""

import dataclasses

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import normalization as normalization_lib
from stylized_nerf_jax.scenes import paths, pose_geometry

# Of the picture's sides: what lies in its middle.
_MIDDLE = 0.5
# How far from photographs there is still something to see: shares of the
# distance to what they look at, and of the space that the cameras take up.
_REACH_AROUND, _REACH_BEFORE = 0.45, 0.7
_LEAST_REACH = 0.06


@dataclasses.dataclass(frozen=True, eq=False)
class Vantage:
  """A place to look at a scene from, file frame.

  Attributes:
    home: of the cameras the one in their midst.
    focus: [3], what there is to turn around.
    up: [3], unit.
    reach: how far from the nearest camera pictures are still good.
  """

  home: camera_lib.Camera
  focus: np.ndarray
  up: np.ndarray
  reach: float


def vantage(
  cameras: camera_lib.Cameras,
  normalization: normalization_lib.Normalization,
  points: np.ndarray,
) -> Vantage:
  """Finds a vantage.

  Cameras that look one way have no common point, or one far behind the scene:
  there the focus is what lies in the middle of the picture.

  Args:
    cameras: of the photographs, at least one, file frame.
    normalization: of the scene.
    points: [N, 3], on its surfaces, file frame.
  """
  centers = cameras.centers
  apart = np.linalg.norm(centers[:, None] - centers, axis=-1)
  home = cameras[int(np.argmin(apart.sum(axis=0)))]
  up = paths.up_axis(normalization)
  ahead = pose_geometry.focus_point(cameras)
  one_way = normalization.space.kind == "ndc" or (
    np.linalg.norm(centers - ahead, axis=-1).min() < 1e-9
  )
  focus = _middle(home, points) if one_way else ahead
  distance = float(np.median(np.linalg.norm(centers - focus, axis=-1)))
  reach = _REACH_AROUND * distance
  if one_way:
    spread = np.linalg.norm(centers - centers.mean(axis=0), axis=-1)
    reach = max(_REACH_BEFORE * float(spread.max()), _LEAST_REACH * distance)
  return Vantage(home, np.asarray(focus, np.float64), up, reach)


def _middle(camera: camera_lib.Camera, points: np.ndarray) -> np.ndarray:
  """Finds the point on the optical axis as far away as what surrounds it."""
  pose = camera.camera_to_world
  local = (points - pose[:3, 3]) @ pose[:3, :3]
  depths = -local[:, 2]
  seen = depths > 0
  across = np.abs(local[:, 0]) * camera.fl_x / (0.5 * camera.width)
  along = np.abs(local[:, 1]) * camera.fl_y / (0.5 * camera.height)
  seen &= np.maximum(across, along) < _MIDDLE * np.where(seen, depths, 0)
  depth = np.median(depths[seen]) if seen.any() else 1.0
  return pose[:3, 3] - depth * pose[:3, 2]
