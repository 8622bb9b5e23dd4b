"""Where an object is, from its silhouettes: the box around its visual hull.

A voxel that some view sees and finds transparent is empty (Laurentini 1994).
A box that fits lets grids and samples be spent on the object.
"""

from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib

Box = tuple[tuple[float, float, float], tuple[float, float, float]]


def bounding_box(
  cameras: camera_lib.Cameras,
  alphas: Sequence[np.ndarray],
  box: Box,
  *,
  resolution: int = 64,
  num_views: int = 50,
) -> Box:
  """Shrinks a box to the voxels in it that no silhouette rules out.

  Nothing that any picture shows is lost: a voxel counts as empty only where
  all pixels that its circumscribed ball may touch lie inside a picture and are
  transparent.

  Args:
    cameras: V pinhole cameras.
    alphas: V arrays [H, W], opacity in [0, 1].
    box: lower and upper corner, file frame.
    resolution: voxels along each side.
    num_views: how many of the views are looked at, evenly spread.

  Returns:
    The smaller box, or the same where every voxel is ruled out.
  """
  lower, upper = np.asarray(box, np.float64)
  voxel = (upper - lower) / resolution
  index = np.stack(np.indices((resolution,) * 3), axis=-1).reshape(-1, 3)
  kept = index
  chosen = np.linspace(0, len(cameras) - 1, min(num_views, len(cameras)))
  for i in np.unique(chosen.round().astype(int)):
    centers = lower + (kept + 0.5) * voxel
    radius = float(np.linalg.norm(voxel)) / 2
    kept = kept[~_seen_empty(cameras[int(i)], alphas[int(i)], centers, radius)]
  if not len(kept):
    return box
  low = lower + kept.min(axis=0) * voxel
  high = lower + (kept.max(axis=0) + 1) * voxel
  return tuple(map(float, low)), tuple(map(float, high))


def _seen_empty(camera, alpha, centers, radius: float) -> np.ndarray:
  """Tells of balls [N, 3] whether one view sees them whole, and nothing."""
  height, width = alpha.shape
  pose = camera.camera_to_world
  local = (centers - pose[:3, 3]) @ pose[:3, :3]
  # The camera looks along -z. Up to the ball's nearest point.
  depth = -local[:, 2] - radius
  in_front = depth > 0
  depth = np.where(in_front, depth, 1.0)
  nearest = np.maximum(-local[:, 2], 1e-12)
  x = camera.cx + camera.fl_x * local[:, 0] / nearest
  y = camera.cy - camera.fl_y * local[:, 1] / nearest
  # Off the axis a ball looks wider, by at most its distance over its depth.
  stretch = np.linalg.norm(local, axis=1) / depth
  x_reach = camera.fl_x * radius / depth * stretch + 1
  y_reach = camera.fl_y * radius / depth * stretch + 1
  left, right = np.floor(x - x_reach), np.ceil(x + x_reach)
  top, bottom = np.floor(y - y_reach), np.ceil(y + y_reach)
  inside = (left >= 0) & (top >= 0) & (right <= width) & (bottom <= height)
  sums = np.pad(np.cumsum(np.cumsum(alpha > 0, 0), 1), ((1, 0), (1, 0)))
  x0, x1 = (np.clip(v, 0, width).astype(int) for v in (left, right))
  y0, y1 = (np.clip(v, 0, height).astype(int) for v in (top, bottom))
  opaque = sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]
  return in_front & inside & (opaque == 0)
