"""Ray bounds of scenes whose files have none, from where the cameras stand."""

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import pose_geometry

_NEAR_FACTOR, _FAR_FACTOR = 0.05, 1000.0


def near_and_far(cameras: camera_lib.Cameras) -> tuple[float, float]:
  """Chooses ray bounds in file units.

  Returns:
    0.05 and 1,000 times the distance of the farthest camera from the point
    they look at, between which a contracted ray space spreads its samples; of
    one file unit where all stand in that point.
  """
  focus = pose_geometry.focus_point(cameras)
  distance = float(np.linalg.norm(cameras.centers - focus, axis=-1).max())
  distance = distance if distance > 1e-9 else 1.0
  return _NEAR_FACTOR * distance, _FAR_FACTOR * distance
