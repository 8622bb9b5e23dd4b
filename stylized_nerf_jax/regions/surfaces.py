"""What the training views see of surfaces, as points that views share.

Every pixel that hits something is a point of a surface. Points of several
pixels and views that lie in one cell, as large as a pixel sees there, are one
node: its place, its colour, which way it faces.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from scipy import spatial

from stylized_nerf_jax import user_error
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import cells
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes import normalization as normalization_lib

# Second difference of 1 / depth between neighbours, in shares of it: more, and
# the pixel lies on an edge, where depth may be of a place where nothing is.
_BEND = 0.02
# Sides of cells, in pixels.
_CELL = 2.0
# Of more, one in 4, 9, ... counts.
_MOST_PIXELS = 1 << 21
# Nodes that say which way one faces.
_AROUND = 16


@dataclasses.dataclass(frozen=True)
class View:
  """What a camera sees.

  Attributes:
    camera: file frame.
    rgb: [H, W, 3] in [0, 1].
    depth: [H, W], file units, 0 where nothing is hit.
  """

  camera: cameras_lib.Camera
  rgb: np.ndarray
  depth: np.ndarray


@dataclasses.dataclass(frozen=True)
class Nodes:
  """M places of surfaces, from P pixels.

  Attributes:
    points: [M, 3], field coordinates.
    file_points: [M, 3], file frame.
    sizes: [M], side of a pixel there, field coordinates.
    colors: [M, 3], in [0, 1].
    normals: [M, 3], unit, field coordinates, towards the cameras.
    node: [P], the node of every pixel of every view that is on a surface.
    pixels: of every view, which pixels are: bool [H, W].
  """

  points: np.ndarray
  file_points: np.ndarray
  sizes: np.ndarray
  colors: np.ndarray
  normals: np.ndarray
  node: np.ndarray
  pixels: list[np.ndarray]

  def mean(self, values: np.ndarray) -> np.ndarray:
    """Averages what pixels [P, ...] have, over each node's: [M, ...]."""
    return _means(values, self.node, len(self.points))

  def total(self, values: np.ndarray) -> np.ndarray:
    """Sums what pixels [P] have, over each node's: [M]."""
    return np.bincount(self.node, values, len(self.points))


def find(
  views: Sequence[View], normalization: normalization_lib.Normalization
) -> Nodes:
  """Finds the surfaces that views see.

  Args:
    views: of one scene.
    normalization: of the model.

  Raises:
    ValueError: no view sees a surface.
  """
  total = sum(view.depth.size for view in views)
  apart = int(np.ceil(np.sqrt(total / _MOST_PIXELS)))
  parts, pixels = [], []
  for view in views:
    counts = np.zeros(view.depth.shape, bool)
    counts[apart // 2 :: apart, apart // 2 :: apart] = True
    pixels.append(_on_surface(view.depth) & counts)
    parts.append(_points(view, pixels[-1], normalization, apart))
  names = ("points", "file_points", "sizes", "colors", "towards")
  joined = dict(zip(names, map(np.concatenate, zip(*parts))))
  if not len(joined["points"]):
    raise user_error.UserError(
      "regions: no training view sees a surface; train phase 1 longer"
    )
  node, count = cells.number(joined["points"], _CELL * joined["sizes"])
  means = {name: _means(v, node, count) for name, v in joined.items()}
  normals = _normals(means["points"], means.pop("towards"))
  return Nodes(**means, normals=normals, node=node, pixels=pixels)


def _on_surface(depth: np.ndarray) -> np.ndarray:
  """Tells which pixels [H, W] hit a surface, and not the edge of one."""
  hit = depth > 0
  # On a plane 1 / depth is linear in the picture, however steep it is seen.
  near = 1.0 / np.where(hit, depth, np.inf)
  bend = np.zeros_like(near)
  across = near[:, 2:] - 2 * near[:, 1:-1] + near[:, :-2]
  down = near[2:] - 2 * near[1:-1] + near[:-2]
  bend[:, 1:-1] = np.abs(across)
  bend[1:-1] = np.maximum(bend[1:-1], np.abs(down))
  return hit & (bend <= _BEND * near)


def _points(view: View, chosen: np.ndarray, normalization, apart: int) -> tuple:
  """Lists points of chosen pixels, which lie so many pixels apart.

  Returns:
    Points, in field coordinates and in the file frame; how far they are apart;
    colours; and directions towards the camera.
  """
  camera = rays_lib.camera_arrays(view.camera, None)
  # Whole pictures, whose shapes are alike: each other shape is compiled anew.
  xy = rays_lib.pixel_grid(*view.depth.shape)
  center = view.camera.camera_to_world[:3, 3]

  def seen(xy, depth):
    directions = np.asarray(_directions(camera, xy), np.float64)
    return center + depth[..., None] * directions

  def in_field(points):
    model = normalization.points_to_model(points).astype(np.float32)
    return np.asarray(_of_model(model, normalization.space), np.float64)

  file_points = seen(xy, view.depth)
  points = in_field(file_points)
  beside = in_field(seen(xy + jnp.array([1.0 * apart, 0.0]), view.depth))
  nearer = in_field(seen(xy, 0.99 * view.depth))
  found = (
    points,
    file_points,
    np.maximum(np.linalg.norm(beside - points, axis=-1), 1e-9),
    view.rgb.astype(np.float64),
    _unit(nearer - points),
  )
  return tuple(values[chosen] for values in found)


_directions = jax.jit(rays_lib.pixel_directions)
_of_model = jax.jit(rays_lib.to_field)


def _means(values: np.ndarray, node: np.ndarray, count: int) -> np.ndarray:
  total = np.bincount(node, minlength=count)
  flat = values.reshape(len(values), -1)
  sums = [np.bincount(node, column, count) for column in flat.T]
  means = np.stack(sums, axis=-1) / total[:, None]
  return means.reshape(count, *values.shape[1:])


def _normals(points: np.ndarray, towards: np.ndarray) -> np.ndarray:
  """Fits planes through neighbours; returns the sides that cameras see."""
  count = min(_AROUND, len(points))
  _, index = spatial.cKDTree(points).query(points, k=count, workers=-1)
  around = points[index.reshape(len(points), count)]
  offsets = around - around.mean(axis=1, keepdims=True)
  _, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", offsets, offsets))
  normals = axes[..., 0]
  facing = np.sum(normals * towards, axis=-1, keepdims=True)
  return np.where(facing < 0, -normals, normals)


def _unit(vectors: np.ndarray) -> np.ndarray:
  length = np.linalg.norm(vectors, axis=-1, keepdims=True)
  return vectors / np.maximum(length, 1e-12)
