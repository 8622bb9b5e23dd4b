"""The frame of a captured scene: up is +z, what is looked at is the origin.

Structure from motion leaves rotation, place and size of its world to chance.
Pictures are taken with a level horizon far more often than not, though they
may all look down: the right axes of such cameras all lie in the ground plane.
"""

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import pose_geometry, similarity

# Mean squared sine that right axes must reach across their main direction
# before they tell the ground plane: they spread by some 10 degrees.
_SPREAD = 0.03
# Least share of that spread which may stand out of the plane.
_FLATNESS = 0.25


def up_axis(cameras: camera_lib.Cameras) -> np.ndarray:
  """Finds up from cameras that were held level.

  Returns:
    [3], unit. Where the right axes of the cameras span a plane, its normal, on
    the side of the mean up axis. Where they are all but parallel, as in a
    forward-facing capture, or span no plane, the mean up axis, made
    perpendicular to the former.
  """
  right = cameras.camera_to_world[:, :3, 0]
  spread, directions = np.linalg.eigh(right.T @ right / len(right))
  up = pose_geometry.mean_up(cameras)
  if spread[1] > _SPREAD:
    normal = directions[:, 0]
    if spread[0] > _FLATNESS * spread[1]:
      return up
    return normal if normal @ up >= 0 else -normal
  level = up - (up @ directions[:, 2]) * directions[:, 2]
  if np.linalg.norm(level) < 1e-6:  # All lie on their sides.
    return up
  return pose_geometry.unit(level)


def upright(cameras: camera_lib.Cameras) -> similarity.Similarity:
  """Returns the similarity to the frame of a captured scene.

  Up becomes +z, the point that the cameras look at (where there is none, their
  mean centre) the origin, and the farthest camera is 1 away from it. What the
  cameras look along on average becomes +y, if they look one way.
  """
  turned = pose_geometry.rotation_to_z(up_axis(cameras))
  x, y, _ = turned @ cameras.view_directions.mean(axis=0)
  if np.hypot(x, y) > 1e-3:
    axis = np.array([0.0, 0.0, 1.0])
    turned = pose_geometry.axis_rotation(axis, np.arctan2(x, y)) @ turned
  focus = pose_geometry.focus_point(cameras)
  farthest = np.linalg.norm(cameras.centers - focus, axis=-1).max()
  scale = 1 / farthest if farthest > 1e-12 else 1.0
  return similarity.Similarity(float(scale), turned, -scale * turned @ focus)
