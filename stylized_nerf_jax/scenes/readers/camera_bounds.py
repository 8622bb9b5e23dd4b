"""Ray bounds of scenes whose files have none: by cameras, a box, or points."""

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes.readers import colmap_model

_NEAR_FACTOR, _FAR_FACTOR = 0.05, 1000.0
# Beyond a box that was found, and before it.
_BOX_SLACK = 0.05
# Sightings of a picture beyond these percentiles are taken for wrong matches.
_TRIMMED = (1, 99)


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


def of_box(
  cameras: camera_lib.Cameras,
  box: tuple[tuple[float, ...], tuple[float, ...]],
) -> tuple[float, float]:
  """Returns ray bounds between which a box lies for every camera.

  Args:
    cameras: V.
    box: lower and upper corner, file frame.

  Returns:
    0.95 of the least distance of a camera from the box, and 1.05 of the largest
    from one of its corners, file units; near is 0.01 of far at least, also
    where a camera stands in the box.
  """
  lower, upper = np.asarray(box, np.float64)
  outside = cameras.centers - np.clip(cameras.centers, lower, upper)
  nearest = np.linalg.norm(outside, axis=-1).min()
  across = np.maximum(
    np.abs(cameras.centers - lower), np.abs(cameras.centers - upper)
  )
  far = (1 + _BOX_SLACK) * float(np.linalg.norm(across, axis=-1).max())
  return max((1 - _BOX_SLACK) * float(nearest), 0.01 * far), far


def of_points(
  points: colmap_model.Points,
  numbers: list[int],
  cameras: camera_lib.Cameras,
  *,
  along_axis: bool,
) -> tuple[float, float] | None:
  """Returns how near and how far the points lie that the images see.

  Args:
    points: of the model.
    numbers: of the images, in the order of the cameras.
    cameras: V.
    along_axis: measure along the optical axis, otherwise from the centre.

  Returns:
    The extremes over images of the 1st and 99th percentile, file units, or
    None where no image sees a point.
  """
  nearest, farthest = [], []
  order = np.argsort(points.pictures, kind="stable")
  starts = np.searchsorted(points.pictures[order], numbers, side="left")
  ends = np.searchsorted(points.pictures[order], numbers, side="right")
  for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
    offsets = points.positions[points.rows[order[start:end]]]
    offsets = offsets - cameras.centers[i]
    if along_axis:
      depths = offsets @ cameras.view_directions[i]
    else:
      depths = np.linalg.norm(offsets, axis=-1)
    depths = depths[depths > 0]
    if depths.size:
      near, far = np.percentile(depths, _TRIMMED)
      nearest.append(near)
      farthest.append(far)
  if not nearest:
    return None
  near, far = float(min(nearest)), float(max(farthest))
  # One point seen at one distance is a depth, not yet a range.
  return near, max(far, 1.001 * near)
