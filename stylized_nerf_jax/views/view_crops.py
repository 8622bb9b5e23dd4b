"""Crops of neighbouring views that look at the same part of the scene."""

import dataclasses
from collections.abc import Sequence

import jax
import numpy as np

from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.stylizer import vgg
from stylized_nerf_jax.views import rendered_views

_STRIDE = vgg.STRIDE
# Operation by operation, undoing a lens takes longer than cutting the crops.
_project = jax.jit(rays_lib.project)
_unproject = jax.jit(rays_lib.unproject_depth)


@dataclasses.dataclass
class Crops:
  """N crops, of which the first is the source of the others' warps.

  Attributes:
    view: [N] view indices.
    corner: [N, 2] x, y of the crop's first pixel in its view, multiples of 8.
    features: [N, C / 8, C / 8, 512], normalised; see `view_features.py`.
    depth: [N, C, C], file units.
    cameras: arrays of leading dimension [N], file frame, whose principal
      points are those of the crops.
  """

  view: np.ndarray
  corner: np.ndarray
  features: np.ndarray
  depth: np.ndarray
  cameras: rays_lib.CameraArrays


class CropSampler:
  """Draws crops that overlap through the scene's geometry.

  Args:
    views: the rendered training views.
    features: of each view, normalised.
    crop: pixels a side; made smaller, to a multiple of 8, where a view is.
    neighbours: how many of the nearest views may stand beside one.
  """

  def __init__(
    self,
    views: rendered_views.Views,
    features: Sequence[np.ndarray],
    *,
    crop: int,
    neighbours: int,
  ):
    self._views, self._features = views, features
    cameras = views.cameras
    shortest = int(min(cameras.width.min(), cameras.height.min()))
    self.size = view_pixels.window_size(crop or shortest, shortest, _STRIDE)
    self._middles = {}  # of the views that were asked for
    self._neighbours = rendered_views.neighbours(cameras, neighbours)
    arrays = rays_lib.camera_arrays(cameras, None)
    self._cameras = jax.tree.map(np.asarray, arrays)

  def draw(self, random: np.random.Generator, count: int) -> Crops:
    """Draws one view and `count` - 1 of its neighbours, and their crops."""
    first = int(random.integers(len(self._views)))
    others = random.choice(
      self._neighbours[first],
      size=count - 1,
      replace=self._neighbours.shape[1] < count - 1,
    )
    corner = self._random_corner(random, first)
    point = self._middle_point(first, corner)
    corners = [corner] + [self._corner_around(v, point) for v in others]
    view = np.array([first, *others], np.int64)
    return self._cut(view, np.array(corners, np.int64))

  def _cut(self, view: np.ndarray, corner: np.ndarray) -> Crops:
    features, depth = [], []
    for v, (x, y) in zip(view, corner):
      features.append(
        view_pixels.window(self._features[v], x, y, self.size, _STRIDE)
      )
      depth.append(view_pixels.window(self._views.depth(v), x, y, self.size))
    cameras = self._camera(view)
    intrinsics = cameras.intrinsics.copy()
    intrinsics[:, 2:] -= corner
    return Crops(
      view,
      corner,
      np.stack(features).astype(np.float32),
      np.stack(depth),
      cameras.replace(intrinsics=intrinsics),
    )

  def _camera(self, index) -> rays_lib.CameraArrays:
    return jax.tree.map(lambda values: values[index], self._cameras)

  def _random_corner(self, random, view: int) -> np.ndarray:
    cameras = self._views.cameras
    return view_pixels.random_corner(
      random, cameras.height[view], cameras.width[view], self.size, _STRIDE
    )

  def _last_corner(self, view: int) -> np.ndarray:
    cameras = self._views.cameras
    last = np.array([cameras.width[view], cameras.height[view]]) - self.size
    return last // _STRIDE * _STRIDE

  def _middle_point(self, view: int, corner: np.ndarray) -> np.ndarray:
    """The scene point that the crop is centred on, [3], file frame."""
    x, y = corner + self.size // 2
    distance = self._views.depth(view)[y, x]
    if not distance > 0:
      # Sky has no depth: what surrounds it still says where to look.
      distance = self._middle_depth(view)
    xy = np.array([x + 0.5, y + 0.5], np.float32)
    point = _unproject(self._camera(view), xy, np.float32(distance))
    return np.asarray(point)

  def _middle_depth(self, view: int) -> float:
    """The median distance of what a view shows; 1 where it shows nothing."""
    if view not in self._middles:
      depth = np.array(self._views.depth(view))
      visible = depth[depth > 0]
      self._middles[view] = np.median(visible) if visible.size else 1.0
    return self._middles[view]

  def _corner_around(self, view: int, point: np.ndarray) -> np.ndarray:
    xy, z = _project(point, self._camera(view))
    last = self._last_corner(view)
    if not np.isfinite(xy).all() or float(z) <= 0:
      return last // 2 // _STRIDE * _STRIDE
    corner = np.round((np.asarray(xy) - self.size / 2) / _STRIDE)
    return np.clip(_STRIDE * corner.astype(np.int64), 0, last)
