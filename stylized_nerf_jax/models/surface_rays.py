"""Short rays through points of surfaces, as the training cameras see them."""

import jax
import numpy as np
from scipy import spatial

from stylized_nerf_jax.meshes import point_radiance
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import scene_record

# Of a ray: in pixels of the nearest camera.
_LENGTH = 2.0


def towards(record: scene_record.SceneRecord, points: np.ndarray):
  """Casts short rays from the nearest training camera through each point.

  Args:
    record: of the scene.
    points: [N, 3], file frame.

  Returns:
    `rays.Rays` of numpy [N, ...].
  """
  cameras = record.split("train")
  _, nearest = spatial.cKDTree(cameras.centers).query(points)
  offsets = points - cameras.centers[nearest]
  distances = np.maximum(np.linalg.norm(offsets, axis=-1), 1e-9)
  directions = offsets / distances[:, None] @ record.normalization.rotation.T
  lengths = _LENGTH * distances / cameras.fl_x[nearest]
  return _through(
    _float(record.normalization.points_to_model(points)),
    _float(directions),
    _float(record.normalization.scale * lengths),
    record.normalization.space,
  )


def field_points(
  record: scene_record.SceneRecord, points: np.ndarray
) -> np.ndarray:
  """Maps points [N, 3] of the file frame to field coordinates, float32."""
  model = _float(record.normalization.points_to_model(points))
  return np.asarray(_to_field(model, record.normalization.space))


def file_points(
  record: scene_record.SceneRecord, points: np.ndarray
) -> np.ndarray:
  """Maps points [N, 3] of field coordinates to the file frame, float64."""
  model = _to_model(_float(points), record.normalization.space)
  return record.normalization.points_to_file(np.asarray(model, np.float64))


def across(
  record: scene_record.SceneRecord, points: np.ndarray, step: float
) -> rays_lib.Rays:
  """Casts rays as long as a step of field coordinates, away from the middle.

  Args:
    record: of the scene.
    points: [N, 3], field coordinates, the rays' middles.
    step: of a grid, in field coordinates.

  Returns:
    `rays.Rays` of numpy [N, ...].
  """
  space = record.normalization.space
  points = _float(points)
  if space.kind == "contracted":
    norms = np.linalg.norm(points, axis=-1, keepdims=True)
    ahead = points / np.maximum(norms, 1e-6)
  else:
    ahead = np.broadcast_to(_float([0.0, 0.0, 1.0]), points.shape)
  half = _float(0.5 * step) * ahead
  first, last = (
    np.asarray(_to_model(end, space)) for end in (points - half, points + half)
  )
  offsets = last - first
  lengths = np.linalg.norm(offsets, axis=-1)
  directions = offsets / np.maximum(lengths, 1e-12)[:, None]
  return _through(0.5 * (first + last), directions, lengths, space)


def _float(values) -> np.ndarray:
  return np.asarray(values, np.float32)


_to_field = jax.jit(rays_lib.to_field)
_to_model = jax.jit(point_radiance.model_points)
_cast = jax.jit(point_radiance.rays_through, static_argnames="space")


def _through(points, directions, lengths, space) -> rays_lib.Rays:
  rays = _cast(points, directions, lengths, space=space)
  return jax.tree.map(np.asarray, rays)
