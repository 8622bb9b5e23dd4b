"""Camera paths: what to render when nobody says where to look from.

All paths are `Cameras` in the file frame. "spiral", "orbit" and "interpolate"
are pinhole cameras with the focal length and size of the first photograph;
"test" and "train" are the photographs' own cameras, distortion included.
"""

from collections.abc import Mapping

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import normalization as normalization_lib
from stylized_nerf_jax.scenes import pose_geometry, scene_record

GIVEN = ("test", "train")  # the photographs' own cameras
KINDS = ("spiral", "orbit", "interpolate", *GIVEN)
_SPIRAL_TURNS = 2
_SPIRAL_ADVANCE = 0.5
# All-round captures: radius of the spiral in distances to the focus.
_SPIRAL_SHARE = 0.1
_EASED_FRAMES = 4
# An orbit stays where photographs are once a gap between them is this wide.
_WIDEST_GAP = np.pi / 2


def of_scene(
  scene: scene_record.SceneRecord,
  kind: str | None = None,
  num_frames: int = 60,
  *,
  loop: bool = False,
) -> camera_lib.Cameras:
  """Makes a camera path of a scene.

  Args:
    scene: its record.
    kind: as of `make_path`; None: what shows it best, a spiral of captures that
      look one way, else an orbit.
    num_frames, loop: as of `make_path`.

  Raises:
    ValueError: as `make_path`.
  """
  if kind is None:
    kind = "spiral" if scene.layout == "forward_facing" else "orbit"
  return make_path(
    kind,
    scene.cameras,
    normalization=scene.normalization,
    near=scene.near,
    far=scene.far,
    splits=scene.splits,
    num_frames=num_frames,
    loop=loop,
  )


def make_path(
  kind: str,
  cameras: camera_lib.Cameras,
  *,
  normalization: normalization_lib.Normalization,
  near: float,
  far: float,
  splits: Mapping[str, tuple[int, ...]],
  num_frames: int = 60,
  loop: bool = False,
) -> camera_lib.Cameras:
  """Makes a camera path for a scene.

  Args:
    kind: "spiral", "orbit", "interpolate", "test" or "train".
    cameras: all cameras of the scene, file frame.
    normalization: of the scene.
    near: the scene's, file units.
    far: the scene's, file units.
    splits: indices of "train" and "test" among the cameras.
    num_frames: length of the path; "test" and "train" have their own.
    loop: whether "interpolate" goes on from the last camera to the first;
      "spiral" and "orbit" are closed, "test" and "train" are not.

  Returns:
    The path, file frame.

  Raises:
    ValueError: the kind is unknown, a split is empty, or num_frames is not
      positive.
  """
  if kind not in KINDS:
    raise user_error.UserError(
      f"path is {kind!r}; expected one of {', '.join(KINDS)}"
    )
  if kind in GIVEN:
    return _given_views(kind, cameras, splits)
  if num_frames < 1:
    raise user_error.UserError(
      f"num_frames is {num_frames}; expected at least 1"
    )
  if kind == "spiral":
    return spiral_path(
      cameras, normalization, near=near, far=far, num_frames=num_frames
    )
  if kind == "orbit":
    return orbit_path(
      cameras, normalization, near=near, far=far, num_frames=num_frames
    )
  train = _given_views("train", cameras, splits)
  if not loop:
    return interpolate_path(train, num_frames=num_frames)
  closed = train[[*range(len(train)), 0]]
  return interpolate_path(closed, num_frames=num_frames + 1)[:-1]


def spiral_path(
  cameras: camera_lib.Cameras,
  normalization: normalization_lib.Normalization,
  *,
  near: float,
  far: float,
  num_frames: int = 60,
) -> camera_lib.Cameras:
  """Winds around a viewpoint, always looking at one point in front of it.

  Forward-facing scenes take NeRF's path: two turns around the average pose,
  radii the 90th percentile of the cameras' distances along each axis, focus
  at the depth whose disparity lies a quarter between the bounds' (0.9 near
  and 5 far). Others wind around the most central camera, at a tenth of its
  distance to the point all cameras look at.

  Args:
    cameras: all cameras of the scene, file frame.
    normalization: of the scene.
    near: the scene's, file units.
    far: the scene's, file units.
    num_frames: at least 1.

  Returns:
    num_frames pinhole cameras; the path is closed.
  """
  if normalization.space.kind == "ndc":
    base = pose_geometry.average_pose(cameras)
    offsets = (cameras.centers - base[:3, 3]) @ base[:3, :3]
    radii = np.percentile(np.abs(offsets), 90, axis=0)
    depth = _bounds_focus_depth(near, far)
  else:
    focus = focus_of(cameras, near, far)
    base = _central_pose(cameras, focus, up_axis(normalization))
    depth = float(np.linalg.norm(focus - base[:3, 3]))
    radii = np.full(3, _SPIRAL_SHARE * depth)
  target = base[:3, 3] - depth * base[:3, 2]
  poses = []
  for turn in np.arange(num_frames) / num_frames * _SPIRAL_TURNS:
    angle = 2 * np.pi * turn
    circle = [np.cos(angle), -np.sin(angle), -np.sin(_SPIRAL_ADVANCE * angle)]
    center = base[:3, 3] + base[:3, :3] @ (radii * circle)
    poses.append(pose_geometry.look_along(center - target, base[:3, 1], center))
  return _pinhole(poses, cameras[0])


def orbit_path(
  cameras: camera_lib.Cameras,
  normalization: normalization_lib.Normalization,
  *,
  near: float,
  far: float,
  num_frames: int = 60,
) -> camera_lib.Cameras:
  """Circles the point all cameras look at, at their mean distance and height.

  Where the photographs leave more than a quarter of the circle uncovered, the
  path swings over the covered arc and back, because nothing is known of what
  the rest would show.

  Args:
    cameras: all cameras of the scene, file frame.
    normalization: of the scene; says which way is up.
    near: the scene's, file units.
    far: the scene's, file units.
    num_frames: at least 1.

  Returns:
    num_frames pinhole cameras; the path is closed.
  """
  focus = focus_of(cameras, near, far)
  up = up_axis(normalization)
  axes = pose_geometry.rotation_to_z(up)
  offsets = (cameras.centers - focus) @ axes.T
  distances = np.linalg.norm(offsets, axis=-1)
  elevation = np.mean(np.arcsin(np.clip(offsets[:, 2] / distances, -1, 1)))
  azimuths = np.arctan2(offsets[:, 1], offsets[:, 0])
  radius = distances.mean()
  poses = []
  for azimuth in _orbit_azimuths(azimuths, num_frames):
    flat = np.cos(elevation) * np.array([np.cos(azimuth), np.sin(azimuth), 0])
    back = axes.T @ (flat + [0, 0, np.sin(elevation)])
    poses.append(pose_geometry.look_along(back, up, focus + radius * back))
  return _pinhole(poses, cameras[0])


def interpolate_path(
  cameras: camera_lib.Cameras, *, num_frames: int = 60
) -> camera_lib.Cameras:
  """Moves through cameras in their order, slowing down at each.

  Centres are interpolated linearly, rotations at constant angular speed,
  both eased by 3 f^2 - 2 f^3 between one camera and the next. With fewer than
  four frames from one to the next, easing would only make the path jerk, and
  is left out.

  Args:
    cameras: at least one, file frame.
    num_frames: at least 1; the first and the last frame are the first and
      the last camera.

  Returns:
    num_frames pinhole cameras.
  """
  poses = cameras.camera_to_world
  ease = num_frames >= _EASED_FRAMES * (len(poses) - 1)
  frames = []
  for position in np.linspace(0, len(poses) - 1, num_frames):
    i = min(int(position), max(len(poses) - 2, 0))
    first, second = poses[i], poses[min(i + 1, len(poses) - 1)]
    fraction = position - i
    if ease:
      fraction = fraction * fraction * (3 - 2 * fraction)
    pose = (1 - fraction) * first + fraction * second
    pose[:3, :3] = pose_geometry.slerp(first[:3, :3], second[:3, :3], fraction)
    frames.append(pose)
  return _pinhole(frames, cameras[0])


def _given_views(
  split: str,
  cameras: camera_lib.Cameras,
  splits: Mapping[str, tuple[int, ...]],
) -> camera_lib.Cameras:
  """Returns the cameras of a split."""
  if not splits.get(split):
    raise user_error.UserError(
      f"path {split!r} has no views: the scene's {split!r} split is empty; "
      f"choose one of {', '.join(KINDS)}"
    )
  return cameras[np.asarray(splits[split], dtype=np.int64)]


def _pinhole(
  poses: list[np.ndarray], like: camera_lib.Camera
) -> camera_lib.Cameras:
  """Returns pinhole cameras with the focal length and size of another."""
  return camera_lib.Cameras.from_list(
    [
      camera_lib.Camera(
        pose, like.fl_x, like.fl_y, like.cx, like.cy, like.width, like.height
      )
      for pose in poses
    ]
  )


def up_axis(normalization: normalization_lib.Normalization) -> np.ndarray:
  """Returns the model's up axis in file coordinates: [3], unit."""
  # NDC looks along -z with y up; the other frames stand on the z = 0 plane.
  row = 1 if normalization.space.kind == "ndc" else 2
  return pose_geometry.unit(normalization.rotation[row])


def _bounds_focus_depth(near: float, far: float) -> float:
  """Returns NeRF's focus depth: a quarter of near's disparity, rest far's."""
  return 1 / (0.25 / (0.9 * near) + 0.75 / (5 * far))


def focus_of(
  cameras: camera_lib.Cameras, near: float, far: float
) -> np.ndarray:
  """Returns what the cameras look at [3], always away from their middle."""
  focus = pose_geometry.focus_point(cameras)
  if np.linalg.norm(cameras.centers - focus, axis=-1).min() > near:
    return focus
  # Axes that never meet: take a point in front of the first camera.
  pose = cameras.camera_to_world[0]
  return pose[:3, 3] - _bounds_focus_depth(near, far) * pose[:3, 2]


def _central_pose(
  cameras: camera_lib.Cameras, focus: np.ndarray, up: np.ndarray
) -> np.ndarray:
  """Returns a pose at the camera nearest to all others, looking at focus."""
  centers = cameras.centers
  apart = np.linalg.norm(centers[:, None] - centers[None], axis=-1).sum(axis=0)
  center = centers[np.argmin(apart)]
  return pose_geometry.look_along(center - focus, up, center)


def _orbit_azimuths(azimuths: np.ndarray, num_frames: int) -> np.ndarray:
  """Returns the path's azimuths in radians, from those of the photographs."""
  turns = np.arange(num_frames) / num_frames
  ordered = np.sort(azimuths)
  gaps = np.diff(ordered, append=ordered[0] + 2 * np.pi)
  widest = int(np.argmax(gaps))
  if gaps[widest] <= _WIDEST_GAP:
    return azimuths[0] + 2 * np.pi * turns
  covered = 2 * np.pi - gaps[widest]
  start = ordered[(widest + 1) % len(ordered)]
  return start + covered * (0.5 - 0.5 * np.cos(2 * np.pi * turns))
