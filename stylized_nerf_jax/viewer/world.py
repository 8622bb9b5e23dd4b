"""The page's world: the scene file's coordinates, moved and scaled.

viser's cameras look along +z with y down, its fields of view are of the height
and in radians. Scenes are scaled to a size that its controls suit.
"""

import math

import numpy as np

from stylized_nerf_jax.scenes import (
  camera_path,
  paths,
  pose_geometry,
  scene_record,
)
from stylized_nerf_jax.scenes import scene as scene_lib

# From the middle of the cameras to what they look at, in the page's units.
_DISTANCE = 4.0
_FLIP = np.diag([1.0, -1.0, -1.0])


class World:
  """Of one scene.

  Args:
    record: of the scene.

  Attributes:
    up: [3], which way is up.
    target: [3], what the cameras look at, in the world.
    spacing: from a camera to the next, in the world.
  """

  def __init__(self, record: scene_record.SceneRecord):
    cameras = record.cameras
    focus = paths.focus_of(cameras, record.near, record.far)
    middle = cameras.centers.mean(axis=0)
    away = np.linalg.norm(cameras.centers - focus, axis=-1).mean()
    self._scale = _DISTANCE / max(float(away), 1e-12)
    self._origin = focus if record.layout != "forward_facing" else middle
    self.up = paths.up_axis(record.normalization)
    self.target = self.point(focus)
    self.spacing = self._spacing(cameras.centers)

  def point(self, position: np.ndarray) -> np.ndarray:
    """File coordinates [..., 3] to the world's."""
    return (np.asarray(position) - self._origin) * self._scale

  def pose(self, camera_to_world: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A pose [4, 4] of the file as (wxyz [4], position [3]) of the world."""
    turn = pose_geometry.quaternion(camera_to_world[:3, :3] @ _FLIP)
    return turn, self.point(camera_to_world[:3, 3])

  def camera_to_world(self, wxyz, position) -> np.ndarray:
    """The inverse of `pose`: [4, 4]."""
    pose = np.eye(4)
    wxyz = np.asarray(wxyz, np.float64)
    turn = pose_geometry.from_quaternion(
      wxyz / np.linalg.norm(wxyz), where="camera", again="turn it"
    )
    pose[:3, :3] = turn @ _FLIP
    pose[:3, 3] = np.asarray(position) / self._scale + self._origin
    return pose

  def camera(
    self, wxyz, position, *, fov: float, aspect: float, rows: int
  ) -> scene_lib.Camera:
    """A camera of the page as one of the file.

    Args:
      wxyz: [4], its rotation.
      position: [3].
      fov: of the height, in radians.
      aspect: width over height.
      rows: of its picture, in pixels.
    """
    moment = camera_path.Moment(
      self.camera_to_world(wxyz, position), math.degrees(fov)
    )
    return moment.camera(max(2, round(rows * aspect)), rows)

  def _spacing(self, centers: np.ndarray) -> float:
    """Median distance to the nearest other camera, in the world."""
    if len(centers) < 2:
      return 1.0
    apart = np.linalg.norm(centers[:, None] - centers[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    return float(np.median(apart.min(axis=1))) * self._scale
