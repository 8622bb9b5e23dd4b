"""The plaza of the synthetic scene: exact colours, depth and visibility.

World axes: z up, the ground is the plane z = 0, about one unit is as large as
the largest thing on it. Everything a camera sees lies in a dome of radius
`DOME_RADIUS` about the origin, with the sky painted on its inside: at a fixed
distance, so that views agree about it and a radiance field of a few units can
hold it. The sky is not a surface, though: depth and alpha are 0 there.
"""

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.synthetic import (
  analytic,
  analytic_lighting,
  analytic_materials,
  analytic_shapes,
)

DOME_RADIUS = 4.5
_SUPERSAMPLES = 2
# Difference of neighbours, in [0, 1], that calls for more rays.
_EDGE = 0.03


def _upright(x, y, low, high, material, radius, top) -> analytic_shapes.Frustum:
  """A cylinder or cone standing at (x, y) from height `low` to `high`."""
  return analytic_shapes.Frustum(
    (x, y, (low + high) / 2),
    material,
    radius=radius,
    top=top,
    height=high - low,
  )


def _tree(x, y, height, breadth) -> tuple[analytic_shapes.Frustum, ...]:
  foot = 0.28 * height
  return (
    _upright(x, y, 0, foot, "trunk", 0.2 * breadth, 0.2 * breadth),
    _upright(x, y, 0.8 * foot, height, "leaves", breadth, 0),
  )


# The first shape, the ground, is a flat disc up to the dome.
SHAPES = (
  _upright(0, 0, -0.05, 0, "ground", DOME_RADIUS, DOME_RADIUS),
  analytic_shapes.Sphere((0.12, -0.12, 0.38), "stripes", radius=0.38),
  analytic_shapes.Box((-0.66, 0.22, 0.25), "wood", half=(0.25,) * 3, yaw=24),
  analytic_shapes.Box((-0.64, 0.20, 0.63), "toy", half=(0.13,) * 3, yaw=52),
  _upright(0.62, 0.60, 0, 0.95, "brick", 0.25, 0.25),
  _upright(0.62, 0.60, 0.95, 1.45, "roof", 0.35, 0),
  analytic_shapes.Torus((0.78, -0.40, 0.1), "candy", major=0.24, minor=0.1),
  analytic_shapes.Sphere((-0.42, -0.58, 0.2), "marble", radius=0.2),
  *_tree(-0.08, 0.88, 1.1, 0.32),
  *_tree(-1.12, -0.30, 0.75, 0.24),
  *_tree(1.18, 0.12, 0.65, 0.22),
)

# What people would name, and the shapes that it consists of.
OBJECTS = {
  "ground": (0,),
  "ball": (1,),
  "crate": (2,),
  "toy": (3,),
  "tower": (4, 5),
  "ring": (6,),
  "marble": (7,),
  "fir": (8, 9),
  "bush": (10, 11),
  "shrub": (12, 13),
}


def render(camera: scene_lib.Camera) -> tuple[np.ndarray, np.ndarray]:
  """Render colours and alpha.

  Pixels that differ from a neighbour are averaged over 2 x 2 rays; the others
  take the ray through their centre.

  Args:
    camera: any camera in the scene's frame.

  Returns:
    image: float32 [H, W, 3] in [0, 1], with the sky.
    alpha: float32 [H, W], the share of a pixel that shows no sky.
  """
  shape = (camera.height, camera.width)
  colours, alpha = _cast(*cast_rays(camera, 0.5, 0.5))
  edges = np.flatnonzero(_edges(colours.reshape(*shape, 3)))
  offsets = (np.arange(_SUPERSAMPLES) + 0.5) / _SUPERSAMPLES
  finer = [
    [part[edges] for part in cast_rays(camera, right, down)]
    for down in offsets
    for right in offsets
  ]
  origins, directions = (np.concatenate(part) for part in zip(*finer))
  fine_colours, fine_alpha = _cast(origins, directions)
  colours[edges] = fine_colours.reshape(len(finer), -1, 3).mean(axis=0)
  alpha[edges] = fine_alpha.reshape(len(finer), -1).mean(axis=0)
  image = colours.reshape(*shape, 3).astype(np.float32)
  return image, alpha.reshape(shape).astype(np.float32)


def depth(camera: scene_lib.Camera) -> np.ndarray:
  """Return exact depth at pixel centres.

  Returns:
    float32 [H, W], Euclidean from the camera centre, file units; 0 in the
    sky.
  """
  distances, _ = analytic.trace(SHAPES, *cast_rays(camera, 0.5, 0.5))
  distances = np.where(np.isfinite(distances), distances, 0)
  return distances.reshape(camera.height, camera.width).astype(np.float32)


def object_mask(
  camera: scene_lib.Camera, name: str, *, alone: bool = False
) -> np.ndarray:
  """Tell exactly where a camera sees an object, at pixel centres.

  Args:
    camera: any camera in the scene's frame.
    name: one of `OBJECTS`.
    alone: as if nothing else were there to hide it.

  Returns:
    bool [H, W].
  """
  numbers = OBJECTS[name]
  shapes = [SHAPES[i] for i in numbers] if alone else SHAPES
  _, index = analytic.trace(shapes, *cast_rays(camera, 0.5, 0.5))
  seen = index >= 0 if alone else np.isin(index, numbers)
  return seen.reshape(camera.height, camera.width)


def visible(
  points: np.ndarray, camera: scene_lib.Camera, *, tolerance: float = 1e-4
) -> np.ndarray:
  """Tell which points a camera sees, exactly.

  Args:
    points: [..., 3], file frame.
    camera: a camera without distortion.
    tolerance: how far before the point, in file units, a surface may lie
      that does not hide it; surface points that went through float32 need it.

  Returns:
    bool [...]: the point projects into the image and nothing lies before it.

  Raises:
    ValueError: the camera is distorted.
  """
  if np.any(camera.distortion):
    raise user_error.UserError(
      f"camera {camera.name!r} is distorted; expected a pinhole camera"
    )
  points = np.asarray(points, np.float64)
  flat = points.reshape(-1, 3)
  centre = camera.camera_to_world[:3, 3]
  offset = flat - centre
  x, y, z = (offset @ camera.camera_to_world[:3, :3]).T
  with np.errstate(divide="ignore", invalid="ignore"):
    column = camera.cx - camera.fl_x * x / z
    row = camera.cy + camera.fl_y * y / z
  inside = (column >= 0) & (column <= camera.width)
  inside &= (row >= 0) & (row <= camera.height) & (z < 0)
  distance = np.linalg.norm(offset, axis=-1)
  directions = offset / np.maximum(distance, 1e-12)[:, None]
  first, _ = analytic.trace(
    SHAPES, np.broadcast_to(centre, flat.shape), directions
  )
  seen = inside & (first >= distance - tolerance)
  return seen.reshape(points.shape[:-1])


def cast_rays(camera: scene_lib.Camera, right: float, down: float):
  """Origins and unit directions [H * W, 3] at an offset inside each pixel."""
  column = np.arange(camera.width) + right
  row = (np.arange(camera.height) + down)[:, None]
  goal_x, goal_y = np.broadcast_arrays(
    (column - camera.cx) / camera.fl_x, (row - camera.cy) / camera.fl_y
  )
  x, y = _undistort(goal_x, goal_y, camera.distortion)
  own = np.stack([x, -y, -np.ones_like(x)], axis=-1).reshape(-1, 3)
  own = own / np.linalg.norm(own, axis=-1, keepdims=True)
  directions = own @ camera.camera_to_world[:3, :3].T
  centre = camera.camera_to_world[:3, 3]
  return np.broadcast_to(centre, directions.shape), directions


def _undistort(goal_x, goal_y, distortion):
  """Invert the OpenCV model by fixed-point steps."""
  k1, k2, p1, p2 = distortion
  x, y = goal_x, goal_y
  for _ in range(20 if any(distortion) else 0):
    square = x * x + y * y
    radial = 1 + square * (k1 + square * k2)
    shift_x = 2 * p1 * x * y + p2 * (square + 2 * x * x)
    shift_y = p1 * (square + 2 * y * y) + 2 * p2 * x * y
    x, y = (goal_x - shift_x) / radial, (goal_y - shift_y) / radial
  return x, y


def _cast(origins, directions) -> tuple[np.ndarray, np.ndarray]:
  """Colours [N, 3], and 1 where a ray hits a shape, 0 where the sky: [N]."""
  distances, index = analytic.trace(SHAPES, origins, directions)
  hit = index >= 0
  travel = np.where(hit, distances, dome_distance(origins, directions))
  points = origins + travel[:, None] * directions
  colours = np.empty_like(points)
  colours[hit] = analytic_lighting.shade(SHAPES, points[hit], index[hit])
  colours[~hit] = analytic_materials.sky(points[~hit], DOME_RADIUS)
  return colours, hit.astype(np.float64)


def _edges(image: np.ndarray) -> np.ndarray:
  """Mark the pixels [H, W] that differ from one of their 8 neighbours."""
  marked = np.zeros(image.shape[:2], bool)
  height, width = marked.shape
  for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
    rows = slice(down, None), slice(0, height - down)
    columns = (
      slice(max(right, 0), width + min(right, 0)),
      slice(max(-right, 0), width + min(-right, 0)),
    )
    gap = np.abs(image[rows[0], columns[0]] - image[rows[1], columns[1]])
    differs = gap.max(axis=-1) > _EDGE
    marked[rows[0], columns[0]] |= differs
    marked[rows[1], columns[1]] |= differs
  return marked


def dome_distance(origins, directions) -> np.ndarray:
  """Distance [N] to where a ray leaves the dome."""
  along = np.einsum("ij,ij->i", origins, directions)
  beyond = np.einsum("ij,ij->i", origins, origins) - DOME_RADIUS**2
  # A ray from outside that misses the dome takes the sky of its nearest point.
  return -along + np.sqrt(np.maximum(along**2 - beyond, 0))
