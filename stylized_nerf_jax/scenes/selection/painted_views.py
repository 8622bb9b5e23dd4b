"""Which training views phases 2 and 3 see, and how large.

They keep pictures, samples and features of every ray that they learn from. Of a
small capture that is all of them. Of a large one the views are made smaller
first, as strokes need fewer pixels than photographs have, and then as many are
chosen as the limit allows, each as far as possible from those before it.
"""

import numpy as np

from stylized_nerf_jax.scenes import cameras as cameras_lib

# Views are not made smaller where so many fit, or below so many pixels a side.
_ENOUGH, _SMALLEST_SIDE = 64, 360


def cameras_of(
  train: cameras_lib.Cameras, most_rays: int
) -> cameras_lib.Cameras:
  """Returns the cameras of the views that phases 2 and 3 see.

  Args:
    train: V training cameras.
    most_rays: of all views together; 0: no limit. One view is chosen at least.

  Returns:
    `train` itself where all of it is within the limit; else some of them, in
    their order, their pictures divided by a whole number.
  """
  if not most_rays or np.sum(train.width * train.height) <= most_rays:
    return train
  factor = _factor(train, most_rays)
  smaller = [camera.scaled(1.0 / factor) for camera in train]
  areas = np.array([camera.width * camera.height for camera in smaller])
  kept: list[int] = []
  for view in spread_out(train):
    if kept and areas[[*kept, view]].sum() > most_rays:
      break
    kept.append(view)
  return cameras_lib.Cameras.from_list([smaller[i] for i in sorted(kept)])


def in_words(
  train: cameras_lib.Cameras, painted: cameras_lib.Cameras
) -> str | None:
  """Says what was chosen; None where it is everything."""
  if painted is train:
    return None
  rays = int(np.sum(painted.width * painted.height))
  return (
    f"phases 2 and 3 see {len(painted)} of {len(train)} training views, at "
    f"{painted.width.max()} x {painted.height.max()} pixels: {rays:,} rays, "
    "within views.rays"
  )


def _factor(train: cameras_lib.Cameras, most_rays: int) -> int:
  """Returns what sides are divided by."""
  shortest = int(np.minimum(train.width, train.height).min())
  mean_area = float(np.mean(train.width * train.height))
  factor = 1
  while (
    most_rays * factor**2 / mean_area < min(_ENOUGH, len(train))
    and shortest / (factor + 1) >= _SMALLEST_SIDE
  ):
    factor += 1
  return factor


def spread_out(cameras: cameras_lib.Cameras) -> list[int]:
  """Orders V views so that each is as far as possible from all before it.

  The first is the one nearest to the middle of the cameras. How far two views
  are apart is the distance of their cameras, as a share of the largest, and 1
  minus the cosine between their directions.
  """
  centers, facing = cameras.centers, cameras.view_directions
  largest = np.linalg.norm(centers - centers.mean(0), axis=-1).max() * 2.0

  def distance(view: int) -> np.ndarray:
    apart = np.linalg.norm(centers - centers[view], axis=-1)
    return apart / max(largest, 1e-9) + 1.0 - facing @ facing[view]

  first = int(np.linalg.norm(centers - centers.mean(0), axis=-1).argmin())
  order, nearest = [first], distance(first)
  for _ in range(len(cameras) - 1):
    nearest[order[-1]] = -np.inf
    order.append(int(nearest.argmax()))
    nearest = np.minimum(nearest, distance(order[-1]))
  return order
