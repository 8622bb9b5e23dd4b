"""What views agree is there.

Haze that hangs before one camera is looked through by the others.
"""

from collections.abc import Sequence

import jax
import numpy as np

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import cameras as camera_lib

# Of the distance: nearer to what a view sees, and it sees the point itself.
_SAME = 0.02


def agreed(
  points: np.ndarray,
  cameras: Sequence[camera_lib.Camera],
  depths: Sequence[np.ndarray],
) -> np.ndarray:
  """Tells of points whether more views see them than look through them.

  Args:
    points: [N, 3], file frame, that some view sees.
    cameras: of the views, file frame.
    depths: [H, W] each, file units, 0 where nothing is hit.

  Returns:
    bool [N].
  """
  votes = np.zeros(len(points), np.int32)
  for camera, depth in zip(cameras, depths, strict=True):
    arrays = rays_lib.camera_arrays(camera, None)
    xy, ahead = map(np.asarray, _project(points.astype(np.float32), arrays))
    column, row = np.floor(xy).astype(int).T
    seen = (ahead > 0) & (column >= 0) & (column < camera.width)
    seen &= (row >= 0) & (row < camera.height)
    center = camera.camera_to_world[:3, 3]
    distance = np.linalg.norm(points[seen] - center, axis=-1)
    hit = depth[row[seen], column[seen]]
    beyond = (hit == 0) | (hit > (1 + _SAME) * distance)
    same = np.abs(hit - distance) <= _SAME * distance
    votes[seen] += same.astype(np.int32) - beyond.astype(np.int32)
  return votes >= 0


_project = jax.jit(rays_lib.project)
