"""Where an object is, from its silhouettes: the box around its visual hull.

A voxel that some view sees and finds transparent is empty (Laurentini 1994).
A box that fits lets grids and samples be spent on the object.
"""

from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib

Box = tuple[tuple[float, float, float], tuple[float, float, float]]
_VIEWS = 50
# A box that is found is looked into again, with so many voxels along a side.
_ROUNDS = (32, 32, 64)
# Views, pixels along a side and share of opaque ones that tell whether a box
# can hold all that is seen.
_CHECKED_VIEWS, _CHECKED_PIXELS, _OUTSIDE = 16, 64, 0.002


def can_tell(cameras: camera_lib.Cameras) -> bool:
  """Tells whether silhouettes of these cameras can be used: of pinholes."""
  return set(cameras.models) == {"pinhole"}


def find_box(
  cameras: camera_lib.Cameras,
  alphas: Sequence[np.ndarray],
  focus: np.ndarray,
) -> Box | None:
  """Finds the box around an object that cameras look at.

  A picture whose rim is transparent shows the object whole, and what lies
  outside of it, or behind the camera, is empty, too.

  Args:
    cameras: V pinhole cameras.
    alphas: V arrays [H, W], opacity in [0, 1].
    focus: [3], about which the object lies, nearer than the farthest camera.

  Returns:
    The box, or None where no silhouette tells.
  """
  reach = float(np.linalg.norm(cameras.centers - focus, axis=-1).max())
  first = box = (tuple(focus - reach), tuple(focus + reach))
  for resolution in _ROUNDS:
    box = bounding_box(cameras, alphas, box, resolution=resolution, whole=True)
  return None if np.allclose(box, first) else box


def can_hold(
  box: Box, cameras: camera_lib.Cameras, alphas: Sequence[np.ndarray]
) -> bool:
  """Tells whether rays of all opaque pixels meet a box, but for a few.

  Args:
    box: lower and upper corner, file frame.
    cameras: V pinhole cameras.
    alphas: V arrays [H, W], opacity in [0, 1].
  """
  opaque = outside = 0
  for i in _spread(len(cameras), _CHECKED_VIEWS):
    camera, alpha = cameras[i], alphas[i]
    step = max(1, max(alpha.shape) // _CHECKED_PIXELS)
    rows, columns = np.nonzero(alpha[::step, ::step] > 0.5)
    local = np.stack(
      [
        (columns * step + 0.5 - camera.cx) / camera.fl_x,
        -(rows * step + 0.5 - camera.cy) / camera.fl_y,
        -np.ones(len(rows)),
      ],
      axis=-1,
    )
    ray = local @ camera.camera_to_world[:3, :3].T
    ray = np.where(np.abs(ray) < 1e-12, 1e-12, ray)
    ends = (np.array(box)[:, None] - camera.camera_to_world[:3, 3]) / ray
    enter, leave = ends.min(axis=0).max(-1), ends.max(axis=0).min(-1)
    opaque += len(rows)
    outside += int((np.maximum(enter, 0) > leave).sum())
  return outside <= _OUTSIDE * opaque


def bounding_box(
  cameras: camera_lib.Cameras,
  alphas: Sequence[np.ndarray],
  box: Box,
  *,
  resolution: int = 64,
  num_views: int = _VIEWS,
  whole: bool = False,
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
    whole: whether nothing lies outside of pictures with a transparent rim.

  Returns:
    The smaller box, or the same where every voxel is ruled out.
  """
  lower, upper = np.asarray(box, np.float64)
  voxel = (upper - lower) / resolution
  index = np.stack(np.indices((resolution,) * 3), axis=-1).reshape(-1, 3)
  kept = index
  radius = float(np.linalg.norm(voxel)) / 2
  for i in _spread(len(cameras), num_views):
    centers = lower + (kept + 0.5) * voxel
    alpha = alphas[i]
    alone = whole and alpha.any() and not _touches_rim(alpha)
    kept = kept[~_seen_empty(cameras[i], alpha, centers, radius, alone)]
  if not len(kept):
    return box
  low = lower + kept.min(axis=0) * voxel
  high = lower + (kept.max(axis=0) + 1) * voxel
  return tuple(map(float, low)), tuple(map(float, high))


def _spread(count: int, most: int) -> list[int]:
  """Chooses some of so many views, evenly spread."""
  chosen = np.linspace(0, count - 1, min(most, count))
  return [int(i) for i in np.unique(chosen.round())]


def _touches_rim(alpha: np.ndarray) -> bool:
  rim = (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
  return any(side.any() for side in rim)


def _seen_empty(camera, alpha, centers, radius: float, alone) -> np.ndarray:
  """Tells of balls [N, 3] whether one view sees them whole, and nothing.

  `alone`: those that it does not see are empty, too.
  """
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
  empty = in_front & (opaque == 0)
  if alone:
    return empty | (-local[:, 2] < -radius)
  return empty & inside
