"""Rays of cameras, and the way back from a ray to a point and a pixel.

Pixel (x, y) is (column + 0.5, row + 0.5), y down; cameras have OpenGL axes
(x right, y up, looking along -z). A ray is origin + t * direction in *ray
space*: NDC for forward-facing scenes (NeRF, appendix C, near plane 1), where
t runs from 0 on the near plane to 1 at infinity; otherwise the model frame,
with unit directions, so that t is the distance from the camera centre.
Everything is float32 and works under jit and vmap.
"""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.rendering import contraction, lenses
from stylized_nerf_jax.rendering.ray_records import Rays, RaySetting
from stylized_nerf_jax.rows import shared_matrix
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import normalization as normalization_lib

__all__ = [
  "CameraArrays",
  "RaySetting",
  "Rays",
  "camera_arrays",
  "cast_rays",
  "distances",
  "euclidean_depth",
  "pixel_centers",
  "pixel_directions",
  "pixel_grid",
  "project",
  "reaches_box",
  "to_model",
  "unproject_depth",
]

# NDC depth 1 is infinity: points are held this far from it.
_NDC_LIMIT = 1 - 1e-4
# Rays that miss the box keep this share of the way from near to far: samplers
# need some length, and nothing of weight fits into it.
_MISS_LENGTH = 1e-4
# Of the angle between a ray and the optical axis, where planes bound rays.
_LEAST_COSINE = 1e-2


@flax.struct.dataclass
class CameraArrays:
  """Cameras as arrays; leading dimensions are free.

  Attributes:
    camera_to_model: [..., 3, 4], OpenGL axes, rotation and centre.
    intrinsics: [..., 4], fl_x, fl_y, cx, cy in pixels.
    lens_terms: [..., 4] or [..., 9], terms of `lenses`.
  """

  camera_to_model: jax.Array
  intrinsics: jax.Array
  lens_terms: jax.Array


def camera_arrays(
  cameras: camera_lib.Cameras | camera_lib.Camera,
  normalization: normalization_lib.Normalization | None,
) -> CameraArrays:
  """Turns cameras of the file frame into arrays of the model frame.

  Args:
    cameras: V cameras, or one.
    normalization: of the model; None stays in the file frame.

  Returns:
    Arrays with leading dimension V, or none for a single camera.
  """
  single = isinstance(cameras, camera_lib.Camera)
  if isinstance(cameras, camera_lib.Camera):
    cameras = camera_lib.Cameras.from_list([cameras])
  if normalization is None:
    poses = cameras.camera_to_world[:, :3]
  else:
    poses = normalization.cameras_to_model(cameras)
  intrinsics = np.stack(
    [cameras.fl_x, cameras.fl_y, cameras.cx, cameras.cy], axis=-1
  )

  def array(values):
    return jnp.asarray(values[0] if single else values, jnp.float32)

  return CameraArrays(
    camera_to_model=array(poses),
    intrinsics=array(intrinsics),
    lens_terms=array(lenses.lens_terms(cameras)),
  )


def pixel_centers(index: jax.Array, width: jax.Array) -> jax.Array:
  """Computes where pixels lie that are counted row by row.

  Args:
    index: [...], int32.
    width: [], int32, of the image.

  Returns:
    [..., 2], x and y of their centers, float32.
  """
  xy = jnp.stack([index % width, index // width], axis=-1)
  return xy.astype(jnp.float32) + 0.5


def pixel_grid(height: int, width: int):
  """Returns the pixel centres (x, y) of a picture: [H, W, 2] float32."""
  x, y = jnp.meshgrid(
    jnp.arange(width, dtype=jnp.float32) + 0.5,
    jnp.arange(height, dtype=jnp.float32) + 0.5,
  )
  return jnp.stack([x, y], axis=-1)


def cast_rays(
  cameras: CameraArrays, xy, space: normalization_lib.RaySpace
) -> Rays:
  """Casts the rays of pixels.

  Args:
    cameras: leading dimensions broadcast against those of `xy`.
    xy: [..., 2], pixel coordinates.
    space: where the rays live.

  Returns:
    Rays with the broadcast leading dimensions.
  """
  viewdirs = pixel_directions(cameras, xy)
  centers = jnp.broadcast_to(cameras.camera_to_model[..., :, 3], viewdirs.shape)
  if space.kind == "ndc":
    origins, directions = _to_ndc(centers, viewdirs, space)
  else:
    origins, directions = centers, viewdirs
  near = jnp.full_like(viewdirs[..., :1], space.near)
  far = jnp.full_like(near, space.far)
  if space.kind == "box":
    near, far = _clip_to_box(origins, directions, near, far, space)
  elif space.kind == "planes":
    near, far = _between_planes(cameras, directions, near, far)
  return Rays(origins, directions, viewdirs, centers, near, far)


def reaches_box(rays: Rays, space: normalization_lib.RaySpace):
  """Tells of rays [...] whether they pass through the box, if there is one.

  What the others show is the background, whatever a field says.
  """
  if space.kind != "box":
    return jnp.ones(rays.origins.shape[:-1], bool)
  assert rays.near is not None and rays.far is not None
  length = (rays.far - rays.near)[..., 0]
  return length > 1.5 * _MISS_LENGTH * (space.far - space.near)


def to_model(points, space: normalization_lib.RaySpace):
  """Maps points from ray space to the model frame.

  Args:
    points: [..., 3], ray space.
    space: where they live.

  Returns:
    [..., 3]; NDC points at infinity come to lie at z = -20,000.
  """
  if space.kind != "ndc":
    return points
  x, y, z = jnp.moveaxis(points, -1, 0)
  z = 2 / (jnp.minimum(z, _NDC_LIMIT) - 1)
  return jnp.stack(
    [-space.half_width * z * x, -space.half_height * z * y, z], axis=-1
  )


def to_field(points, space: normalization_lib.RaySpace):
  """Maps points from the model frame to field coordinates.

  Args:
    points: [..., 3], model frame.
    space: where rays live.

  Returns:
    [..., 3]: in NDC, contracted, or as they are. NDC takes points in front of
    half of its near plane; others are moved there.
  """
  if space.kind == "contracted":
    return contraction.contract(points)
  if space.kind != "ndc":
    return points
  x, y, z = jnp.moveaxis(points, -1, 0)
  z = jnp.minimum(z, -0.5)
  return jnp.stack(
    [-x / (space.half_width * z), -y / (space.half_height * z), 1 + 2 / z],
    axis=-1,
  )


def euclidean_depth(
  rays: Rays, t, opacity, space: normalization_lib.RaySpace, scale: float
):
  """Converts ray parameters to distances from the camera centre.

  Args:
    rays: leading dimensions [...].
    t: [...], expected ray parameter of each ray.
    opacity: [...], in [0, 1].
    space: where the rays live.
    scale: model units in one file unit.

  Returns:
    [...], file units; 0 where the opacity is below 0.5.
  """
  return jnp.where(opacity < 0.5, 0.0, distances(rays, t, space) / scale)


def distances(rays: Rays, t, space: normalization_lib.RaySpace | None):
  """Computes how far from the camera centre ray parameters lie.

  Args:
    rays: leading dimensions [...].
    t: [...], ray parameters.
    space: where the rays live; None is as any that is not NDC.

  Returns:
    [...], model units; NDC: of t = 1, which is infinity, some 20,000. It has
    finite derivatives everywhere, t = 0 included.
  """
  if space is None or space.kind != "ndc":
    return t * jnp.linalg.norm(rays.directions, axis=-1)
  points = to_model(rays.origins + t[..., None] * rays.directions, space)
  return jnp.linalg.norm(points - rays.centers, axis=-1)


def project(points, camera: CameraArrays):
  """Projects points to pixels, lens distortion included.

  Args:
    points: [..., 3], in the frame of the camera's poses.
    camera: leading dimensions broadcast against those of the points.

  Returns:
    xy: [..., 2], pixel coordinates; (-1, -1), outside every picture, for
      points outside what its lens can show, as those behind the camera.
    z: [...], distance along the optical axis, negative behind the camera.
  """
  offsets = points - camera.camera_to_model[..., :, 3]
  axes = camera.camera_to_model[..., :, :3]
  local = shared_matrix.apply(jnp.swapaxes(axes, -1, -2), offsets)
  normalised, seen = lenses.project(local, camera.lens_terms)
  xy = normalised * camera.intrinsics[..., :2] + camera.intrinsics[..., 2:]
  return jnp.where(seen[..., None], xy, -1.0), -local[..., 2]


def unproject_depth(camera: CameraArrays, xy, depth):
  """Finds the points seen at pixels in given distances.

  Args:
    camera: leading dimensions broadcast against those of `xy`.
    xy: [..., 2], pixel coordinates.
    depth: [...], Euclidean distance from the camera centre, in units of the
      camera's frame.

  Returns:
    [..., 3], in the frame of the camera's poses.
  """
  directions = pixel_directions(camera, xy)
  return camera.camera_to_model[..., :, 3] + depth[..., None] * directions


def pixel_directions(cameras: CameraArrays, xy):
  """Returns unit directions [..., 3] of pixels, distortion undone."""
  focal, center = cameras.intrinsics[..., :2], cameras.intrinsics[..., 2:]
  local = lenses.directions((xy - center) / focal, cameras.lens_terms)
  directions = shared_matrix.apply(cameras.camera_to_model[..., :, :3], local)
  return directions / jnp.linalg.norm(directions, axis=-1, keepdims=True)


def _to_ndc(centers, directions, space: normalization_lib.RaySpace):
  """Converts model-frame rays to NDC, origins moved to the near plane."""
  # NDC cannot hold rays that look away; they are turned to the horizon, so
  # that they stay finite.
  z = jnp.minimum(directions[..., 2:], -1e-6)
  slopes = directions[..., :2] / z
  extent = jnp.asarray([space.half_width, space.half_height], jnp.float32)
  on_plane = centers[..., :2] - (1 + centers[..., 2:]) * slopes
  ones = jnp.ones_like(z)
  origins = jnp.concatenate([on_plane / extent, -ones], axis=-1)
  along = jnp.concatenate([-(slopes + on_plane) / extent, 2 * ones], axis=-1)
  return origins, along


def _between_planes(cameras: CameraArrays, directions, near, far):
  """Turns distances [..., 1] along the optical axis into those along rays."""
  forward = -cameras.camera_to_model[..., :, 2]
  cosines = jnp.sum(forward * directions, axis=-1, keepdims=True)
  # Rays of wide lenses that run beside the planes, or away from them, end.
  stretch = 1.0 / jnp.maximum(cosines, _LEAST_COSINE)
  return near * stretch, far * stretch


def _clip_to_box(
  origins, directions, near, far, space: normalization_lib.RaySpace
):
  """Clips ray intervals [..., 1] to the box; a miss keeps a sliver."""
  lower, upper = jnp.asarray(space.lower), jnp.asarray(space.upper)
  tiny = jnp.where(directions < 0, -1e-9, 1e-9)
  safe = jnp.where(jnp.abs(directions) < 1e-9, tiny, directions)
  first, second = (lower - origins) / safe, (upper - origins) / safe
  enter = jnp.minimum(first, second).max(axis=-1, keepdims=True)
  leave = jnp.maximum(first, second).min(axis=-1, keepdims=True)
  enter, leave = jnp.maximum(enter, near), jnp.minimum(leave, far)
  sliver = _MISS_LENGTH * (far - near)
  hit = leave - enter > 2 * sliver
  return (
    jnp.where(hit, enter, near),
    jnp.where(hit, leave, near + sliver),
  )
