"""Backward warping of pictures between views of known geometry.

Depths are Euclidean distances from the camera centre, 0 where nothing is hit.
Cameras, depths and the tolerance share one frame and one unit, which may be
the scene file's or the model's: only ratios of lengths matter. Pixel (x, y)
is (column + 0.5, row + 0.5).
"""

from collections.abc import Collection, Iterable

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.rendering import rays

# Points of two views within this share of the scene scale are the same
# surface (method of the paper, section on consistency).
TOLERANCE_FRACTION = 0.05

# Pixels. A projection this close to a pixel's centre is that pixel: float32
# leaves an unmoved point about this far from where it came from.
_SLACK = 1e-3


def scene_scale(depths: Collection[np.ndarray]) -> float:
  """Compute the median distance from the cameras to what they see.

  Args:
    depths: depth maps [H, W] of any sizes, or one array [V, H, W]; passed
      over three times, one map in memory at a time.

  Returns:
    The median over all hit pixels of all maps, in the maps' unit.

  Raises:
    ValueError: no pixel of any map is hit.
  """
  # Positive floats are in the order of their bits: the upper half of them
  # says roughly which ones are in the middle, the lower half exactly.
  upper = _histogram(bits >> 16 for bits in map(_hit_bits, depths))
  total = int(upper.sum())
  if total == 0:
    raise user_error.UserError(
      "scene scale: no depth map has a pixel with depth above 0; expected"
      " views that see the scene"
    )
  middle = []
  upper = np.cumsum(upper)
  for rank in ((total - 1) // 2, total // 2):
    high = int(np.searchsorted(upper, rank, side="right"))
    lower = _histogram(
      bits[bits >> 16 == high] & 0xFFFF for bits in map(_hit_bits, depths)
    )
    rank -= int(upper[high - 1]) if high else 0
    low = np.searchsorted(np.cumsum(lower), rank, side="right")
    middle.append(high << 16 | int(low))
  return float(np.mean(np.array(middle, np.uint32).view(np.float32)))


def _hit_bits(depth: np.ndarray) -> np.ndarray:
  """Returns the bits of the float32 depths above 0, as int64 [N]."""
  depth = np.asarray(depth, np.float32)
  return depth[depth > 0].view(np.uint32).astype(np.int64)


def _histogram(parts: Iterable[np.ndarray]) -> np.ndarray:
  """Counts each of 2**16 values over all parts."""
  counts = np.zeros(2**16, np.int64)
  for part in parts:
    counts += np.bincount(part, minlength=counts.size)
  return counts


def backward_warp(
  image_src: jax.Array,
  depth_src: jax.Array,
  camera_src: rays.CameraArrays,
  depth_dst: jax.Array,
  camera_dst: rays.CameraArrays,
  *,
  tolerance: float,
) -> tuple[jax.Array, jax.Array]:
  """Show a source picture as the destination camera would see it.

  Each destination pixel's 3D point is projected into the source view, where
  the colour is interpolated between the four surrounding pixels.

  Args:
    image_src: [H, W, C], any values; the result is linear in it, and
      differentiable.
    depth_src: [H, W].
    camera_src: one camera.
    depth_dst: [H', W'].
    camera_dst: one camera.
    tolerance: how far apart two depths of one surface may be, see
      `TOLERANCE_FRACTION` and `scene_scale`.

  Returns:
    warped: [H', W', C], 0 where the mask is False.
    mask: [H', W'] bool, True where something is hit and the source camera
      sees it, between the centres of its pixels.
  """
  hit = depth_dst > 0
  points = rays.unproject_depth(
    camera_dst,
    rays.pixel_grid(*depth_dst.shape),
    jnp.where(hit, depth_dst, 1.0),
  )
  xy, _ = rays.project(points, camera_src)
  offsets = points - camera_src.camera_to_model[..., :3, 3]
  distance = jnp.linalg.norm(offsets, axis=-1)
  rows, columns, weights, inside = neighbours(xy, *depth_src.shape)

  # The point is seen if the source surface at its projection is as far away
  # as the point. Testing one depth would not do at an edge in the source
  # depth: the nearest pixel (or the best of the four) may lie on the point's
  # surface while the others, on another, lend it their colours; and the
  # interpolated depth there is of a place where nothing is. So the point and
  # all pixels that colour it must lie within one tolerance of one another.
  depths = depth_src[rows, columns]
  depths = jnp.where(weights > 0, depths, distance[..., None])
  nearest = jnp.minimum(jnp.min(depths, axis=-1), distance)
  farthest = jnp.maximum(jnp.max(depths, axis=-1), distance)
  seen = (nearest > 0) & (farthest - nearest <= tolerance)
  mask = hit & inside & seen
  colors = image_src[rows, columns]
  warped = jnp.sum(weights[..., None] * colors, axis=-2)
  return jnp.where(mask[..., None], warped, 0.0), mask


def warp_to_views(
  image_src: jax.Array,
  depth_src: jax.Array,
  camera_src: rays.CameraArrays,
  depths_dst: jax.Array,
  cameras_dst: rays.CameraArrays,
  *,
  tolerance: float,
) -> tuple[jax.Array, jax.Array]:
  """Warp one picture into V views by `backward_warp`.

  Args:
    image_src: [H, W, C].
    depth_src: [H, W].
    camera_src: one camera.
    depths_dst: [V, H', W'].
    cameras_dst: V cameras.
    tolerance: as `backward_warp` takes it.

  Returns:
    warped: [V, H', W', C].
    masks: [V, H', W'] bool.
  """

  def warp(depth, camera):
    return backward_warp(
      image_src, depth_src, camera_src, depth, camera, tolerance=tolerance
    )

  return jax.vmap(warp)(depths_dst, cameras_dst)


def neighbours(
  xy: jax.Array, height: int, width: int, *, slack: float = _SLACK
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
  """Find the four pixels around a position and their bilinear weights.

  Args:
    xy: [..., 2], pixels.
    height: of the picture, pixels.
    width: likewise.
    slack: pixels; a position this near to a pixel's centre is taken for it.

  Returns:
    rows: [..., 4] int32, valid indices whatever xy is.
    columns: [..., 4] int32, likewise.
    weights: [..., 4], sum to 1; exactly 0 for pixels that do not matter.
    inside: [...] bool, False beyond the outermost pixels' centres, where
      there is nothing to interpolate.
  """
  last = jnp.array([width - 1, height - 1])
  position = xy - 0.5
  inside = jnp.all((position >= -slack) & (position <= last + slack), axis=-1)
  position = jnp.where(inside[..., None], jnp.clip(position, 0, last), 0.0)
  whole = jnp.round(position)
  position = jnp.where(jnp.abs(position - whole) <= slack, whole, position)
  low = jnp.floor(position).astype(jnp.int32)
  high = jnp.minimum(low + 1, last)
  x, y = jnp.moveaxis(position - low, -1, 0)
  columns = jnp.stack([low[..., 0], high[..., 0]] * 2, axis=-1)
  rows = jnp.stack(
    [low[..., 1], low[..., 1], high[..., 1], high[..., 1]], axis=-1
  )
  weights = jnp.stack(
    [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y], axis=-1
  )
  return rows, columns, weights, inside
