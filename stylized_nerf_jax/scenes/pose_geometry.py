"""Geometry of a set of camera poses: their average, what they look at, up.

Poses are OpenGL camera-to-world matrices; everything is float64 numpy. Turns
and quaternions are scipy's, which loads that part when it is first used.
"""

from collections.abc import Sequence

import numpy as np
import scipy

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib

# Below this, optical axes are within about two degrees of one another and
# where they meet is decided by noise.
_PARALLEL = 1e-3
# A picture corner this far off the mean optical axis cannot be put in NDC.
_FORWARD_FACING_DEGREES = 85.0
_UNIT_TOLERANCE = 1e-2  # of the length of a quaternion


def unit(vector: np.ndarray) -> np.ndarray:
  """Returns vectors [..., 3] divided by their length."""
  return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def without_scale(matrix) -> tuple[np.ndarray, bool]:
  """Takes the lengths out of a camera's axes, as instant-ngp does.

  The matrix of a camera object that was scaled in Blender, or whose parent was,
  has axes of other lengths than 1 at a right centre.

  Args:
    matrix: [3, 4] or [4, 4] camera-to-world, or anything else.

  Returns:
    the matrix with axes of length 1 where they are perpendicular, between
      1e-3 and 1e3 long and not mirrored; what was given otherwise.
    whether it was changed.
  """
  try:
    scaled = np.array(matrix, dtype=np.float64)
  except (TypeError, ValueError, OverflowError):
    return matrix, False
  if scaled.shape not in ((3, 4), (4, 4)):
    return matrix, False
  axes = scaled[:3, :3]
  with np.errstate(over="ignore", invalid="ignore"):
    lengths = np.linalg.norm(axes, axis=0)
    if not ((lengths > 1e-3) & (lengths < 1e3)).all():
      return matrix, False
    if np.abs(axes.T @ axes - np.eye(3)).max() <= camera_lib.ROTATION_TOLERANCE:
      return matrix, False
  scaled[:3, :3] = axes / lengths
  error = np.abs(scaled[:3, :3].T @ scaled[:3, :3] - np.eye(3)).max()
  if not error <= camera_lib.ROTATION_TOLERANCE or np.linalg.det(axes) < 0:
    return matrix, False
  return scaled, True


def look_along(
  back: np.ndarray, up: np.ndarray, center: np.ndarray
) -> np.ndarray:
  """Builds a pose from where its back points, roughly up, and its centre.

  Args:
    back: [3], the camera looks along -back; any length.
    up: [3], not parallel to back; any length.
    center: [3].

  Returns:
    [4, 4] camera-to-world.
  """
  back = unit(np.asarray(back, dtype=np.float64))
  right = np.cross(up, back)
  if np.linalg.norm(right) < 1e-9 * max(np.linalg.norm(up), 1e-300):
    # Looking straight along `up`: any other direction serves as the horizon.
    right = np.cross(np.roll(back, 1) + [0.1, 0.2, 0.3], back)
  right = unit(right)
  pose = np.eye(4)
  pose[:3, 0] = right
  pose[:3, 1] = np.cross(back, right)
  pose[:3, 2] = back
  pose[:3, 3] = center
  return pose


def average_pose(cameras: camera_lib.Cameras) -> np.ndarray:
  """Averages poses: mean centre, mean viewing direction, mean up.

  Returns:
    [4, 4] camera-to-world, rigid (NeRF's recentring, appendix of its code).

  Raises:
    ValueError: the viewing directions cancel out.
  """
  poses = cameras.camera_to_world
  back = poses[:, :3, 2].sum(axis=0)
  if np.linalg.norm(back) < 1e-6 * len(poses):
    raise user_error.UserError(
      "the viewing directions of the cameras cancel out; an average pose "
      "needs cameras that look one way"
    )
  return look_along(
    back, poses[:, :3, 1].sum(axis=0), poses[:, :3, 3].mean(axis=0)
  )


def mean_up(cameras: camera_lib.Cameras) -> np.ndarray:
  """Returns the mean up axis [3] of the cameras, unit; +z if they cancel."""
  up = cameras.camera_to_world[:, :3, 1].mean(axis=0)
  if np.linalg.norm(up) < 1e-3:
    return np.array([0.0, 0.0, 1.0])
  return unit(up)


def focus_point(cameras: camera_lib.Cameras) -> np.ndarray:
  """Finds the point that the cameras look at.

  It is the point nearest to all optical axes in the least-squares sense.
  Where the axes are all but parallel, or meet behind the cameras (a capture
  that looks outwards), there is none, and the mean centre stands for it.

  Returns:
    [3], file frame.
  """
  centers, axes = cameras.centers, cameras.view_directions
  across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
  system = across.mean(axis=0)
  middle = centers.mean(axis=0)
  if np.linalg.eigvalsh(system)[0] < _PARALLEL:
    return middle
  target = np.einsum("vij,vj->i", across, centers - middle) / len(centers)
  point = middle + np.linalg.solve(system, target)
  in_front = np.einsum("vi,vi->v", point - centers, axes)
  return point if np.median(in_front) > 0 else middle


def is_forward_facing(cameras: camera_lib.Cameras) -> tuple[bool, float]:
  """Tells whether all pictures look one way, so that NDC can hold them.

  Returns:
    whether every picture corner is within 85 degrees of the mean optical axis.
    the largest such angle in degrees (180 where the axes cancel out).
  """
  mean = cameras.view_directions.mean(axis=0)
  length = np.linalg.norm(mean)
  if length < 1e-6:
    return False, 180.0
  largest = 0.0
  for camera in cameras:
    for x in (0, camera.width):
      for y in (0, camera.height):
        ray = np.array(
          [(x - camera.cx) / camera.fl_x, -(y - camera.cy) / camera.fl_y, -1]
        )
        ray = camera.camera_to_world[:3, :3] @ ray
        cosine = ray @ mean / (np.linalg.norm(ray) * length)
        angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        largest = max(largest, float(angle))
  return largest <= _FORWARD_FACING_DEGREES, largest


def rotation_to_z(direction: np.ndarray) -> np.ndarray:
  """Returns the smallest rotation [3, 3] that turns a unit vector to +z."""
  x, y, z = direction
  sideways = x**2 + y**2
  if z < 0 and sideways < 1e-24:
    return np.diag([1.0, -1.0, -1.0])
  # Rodrigues' formula with the axis direction x (0, 0, 1). Below, 1 + z would
  # lose all of its digits.
  scale = 1 / (1 + z) if z >= 0 else (1 - z) / sideways
  cross = np.array([[0, 0, -x], [0, 0, -y], [x, y, 0]])
  return np.eye(3) + cross + scale * (cross @ cross)


def slerp(first: np.ndarray, second: np.ndarray, fraction: float) -> np.ndarray:
  """Turns one rotation into another at constant speed, the short way round.

  Args:
    first: [3, 3] rotation, at fraction 0.
    second: [3, 3] rotation, at fraction 1.
    fraction: usually in [0, 1].

  Returns:
    [3, 3] rotation.
  """
  start, end = map(_rotations().from_matrix, (first, second))
  # Not to a power: of that scipy 1.14 keeps seven digits.
  turn = fraction * (start.inv() * end).as_rotvec()
  return (start * _rotations().from_rotvec(turn)).as_matrix()


def axis_rotation(axis: np.ndarray, angle: float) -> np.ndarray:
  """Returns the rotation [3, 3] about a unit axis by radians."""
  return _rotations().from_rotvec(angle * np.asarray(axis)).as_matrix()


def from_quaternion(
  quaternion: Sequence[float], *, where: str, again: str
) -> np.ndarray:
  """Returns the rotation [3, 3] of a quaternion (w, x, y, z).

  Args:
    quaternion: of length 1.
    where: file and entry, for the message.
    again: what to do where it is wrong, for the message.

  Raises:
    ValueError: its length is not 1, to a hundredth.
  """
  values = np.array(quaternion, np.float64)
  with np.errstate(over="ignore", invalid="ignore"):
    length = np.sqrt(np.sum(values**2))
  if not abs(length - 1) <= _UNIT_TOLERANCE:
    raise user_error.UserError(
      f"{where}: the quaternion has length {length:g}; expected 1: {again}"
    )
  return _rotations().from_quat(values, scalar_first=True).as_matrix()


def quaternion(rotation: np.ndarray) -> np.ndarray:
  """Returns the quaternion (w, x, y, z), w at least 0, of a rotation [3, 3]."""
  turn = _rotations().from_matrix(rotation)
  return turn.as_quat(canonical=True, scalar_first=True)


def _rotations() -> type:
  return scipy.spatial.transform.Rotation
