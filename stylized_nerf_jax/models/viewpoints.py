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


def painted_centers(
  record: scene_record.SceneRecord, most_rays: int
) -> np.ndarray:
  """Returns where the views stand that phases 2 and 3 saw: [V, 3].

  Args:
    record: of the scene.
    most_rays: `config.views.rays`, which says what views those were.
  """
  return painted_views.cameras_of(record.split("train"), most_rays).centers


def nearest_view(centers: np.ndarray, camera: scene_lib.Camera) -> int:
  """Returns which of the centers [V, 3] a camera stands nearest to."""
  offsets = centers - camera.camera_to_world[:3, 3]
  return int(np.argmin(np.linalg.norm(offsets, axis=-1)))
