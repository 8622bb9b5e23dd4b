"""Splats turned, moved and scaled, and the axes that viewers expect."""

import numpy as np

from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes import normalization as normalization_lib
from stylized_nerf_jax.scenes import paths, pose_geometry
from stylized_nerf_jax.splatting import splats as splats_lib

# Of a direction's length, seen from above: less, and it is straight up or down.
_LEVEL = 1e-3


def moved(splats: splats_lib.Splats, matrix: np.ndarray) -> splats_lib.Splats:
  """Returns splats in another frame.

  Args:
    splats: N.
    matrix: [4, 4], of a similarity: x -> scale R x + t.

  Returns:
    The same splats, float32.
  """
  matrix = np.asarray(matrix, np.float64)
  scale = np.linalg.det(matrix[:3, :3]) ** (1 / 3)
  turn = pose_geometry.quaternion(matrix[:3, :3] / scale)
  means = np.asarray(splats.means, np.float64) @ matrix[:3, :3].T
  found = splats_lib.Splats(
    means=means + matrix[:3, 3],
    log_scales=np.asarray(splats.log_scales, np.float64) + np.log(scale),
    rotations=_product(turn, np.asarray(splats.rotations, np.float64)),
    logits=splats.logits,
  )
  return splats_lib.Splats(*(np.asarray(v, np.float32) for v in found))


def to_file(
  normalization: normalization_lib.Normalization,
) -> np.ndarray:
  """Returns the similarity [4, 4] from the model's to the file's frame."""
  return np.linalg.inv(normalization.world_to_model)


def upright(
  cameras: cameras_lib.Cameras,
  normalization: normalization_lib.Normalization,
) -> np.ndarray:
  """Finds the frame of splat viewers: x right, y down, z forward.

  Down is that of the scene, forward where its cameras look, and the origin what
  they look at, or where they stand if they look one way or outwards. Lengths
  are those of the scene file.

  Args:
    cameras: of the scene, file frame.
    normalization: of the scene.

  Returns:
    [4, 4], rigid, from the file frame.
  """
  up = pose_geometry.unit(np.asarray(paths.up_axis(normalization)))
  # They may look from all sides, or down: then another way will do.
  first = cameras[0].camera_to_world
  ways = (cameras.view_directions.mean(axis=0), -first[:3, 2], first[:3, 1])
  level = [way - up * (way @ up) for way in ways]
  ahead = next(way for way in level if np.linalg.norm(way) > _LEVEL)
  pose = pose_geometry.look_along(-ahead, up, np.zeros(3))
  matrix = np.eye(4)
  matrix[:3, :3] = np.diag([1.0, -1.0, -1.0]) @ pose[:3, :3].T
  matrix[:3, 3] = -matrix[:3, :3] @ pose_geometry.focus_point(cameras)
  return matrix


def _product(one: np.ndarray, others: np.ndarray) -> np.ndarray:
  """Multiplies a quaternion [4] with others [N, 4]; unit again."""
  w, x, y, z = one
  left = np.array(
    [[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]]
  )
  found = others @ left.T
  return found / np.linalg.norm(found, axis=-1, keepdims=True)
