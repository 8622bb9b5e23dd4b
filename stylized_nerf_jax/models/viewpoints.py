"""Where a model is looked at from: cameras, and views of its scene."""

import operator
from typing import SupportsIndex

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.selection import painted_views

# A camera in the scene file's coordinates, or the number of a view.
CameraOrView = scene_lib.Camera | SupportsIndex


def camera_of(
  record: scene_record.SceneRecord, camera: CameraOrView
) -> scene_lib.Camera:
  """Returns a camera, or that of a view of the scene by its number.

  Raises:
    ValueError: there is no such view.
  """
  if isinstance(camera, scene_lib.Camera):
    return camera
  views = len(record.cameras)
  try:
    number = operator.index(camera)
  except TypeError:
    number = -1
  if not 0 <= number < views:
    raise user_error.UserError(
      f"camera is {camera!r}; expected a Camera, or a view's number from 0 "
      f"to {views - 1}"
    )
  return record.cameras[number]


def nearest_view(
  record: scene_record.SceneRecord, camera: scene_lib.Camera, most_rays: int
) -> int:
  """Returns the painted view whose camera stands nearest.

  Args:
    record: of the scene.
    camera: file frame.
    most_rays: `config.views.rays`, which says what views were painted.
  """
  train = record.split("train")
  centers = painted_views.cameras_of(train, most_rays).centers
  offsets = centers - camera.camera_to_world[:3, 3]
  return int(np.argmin(np.linalg.norm(offsets, axis=-1)))
