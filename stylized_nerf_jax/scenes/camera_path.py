"""Camera paths through keys: place, view, style and time of each.

A path is `Key`s in the file frame and what lies between them. Positions are
cubic Hermite splines whose tangents are those of Catmull and Rom for uneven
times (three-point differences), rotations scipy's `RotationSpline`, fields of
view monotone between keys. How much of each style is shown goes linearly from
key to key, what is as photographed among them.
"""

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping

import numpy as np
import scipy

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib

# Keys of a closed path that are repeated before its first and after its last.
_LAPPED = 8
_FOV_RANGE = (0.1, 175.0)
_FEWEST_SECONDS = 1e-3
_MOST_FRAMES = 100_000


@dataclasses.dataclass(frozen=True, eq=False)
class Key:
  """What is seen at a moment of a path.

  Attributes:
    time: seconds from the beginning.
    camera_to_world: [4, 4], OpenGL axes, file frame.
    fov: of the picture's height, in degrees.
    styles: weights by name, their sum is 1; {}: as photographed; None: what
      the path says nothing of.
    intensity: of the style, in [0, 1].
  """

  time: float
  camera_to_world: np.ndarray
  fov: float
  styles: Mapping[str, float] | None = None
  intensity: float = 1.0

  def __post_init__(self):
    where = f"key at {self.time:g} s"
    pose = camera_lib.check_pose(self.camera_to_world, where=where)
    object.__setattr__(self, "camera_to_world", pose)
    low, high = _FOV_RANGE
    if not low <= self.fov <= high:
      raise user_error.UserError(
        f"{where}: field of view is {self.fov:g}; expected {low:g} to "
        f"{high:g} degrees of the picture's height"
      )
    if not 0.0 <= self.intensity <= 1.0:
      raise user_error.UserError(
        f"{where}: intensity is {self.intensity:g}; expected a number in [0, 1]"
      )
    if self.styles:
      total = sum(self.styles.values())
      if not (0 < total < math.inf) or min(self.styles.values()) < 0:
        raise user_error.UserError(
          f"{where}: weights of styles are {dict(self.styles)}; expected "
          "numbers from 0 on, not all of them 0"
        )
      styles = {k: v / total for k, v in self.styles.items() if v > 0}
      object.__setattr__(self, "styles", styles)

  @property
  def shown(self) -> dict[str, float]:
    """How much of each style is shown, at most 1 together."""
    return {k: self.intensity * v for k, v in (self.styles or {}).items()}


@dataclasses.dataclass(frozen=True, eq=False)
class Moment:
  """A frame of a path; attributes are those of `Key`, without a time."""

  camera_to_world: np.ndarray
  fov: float
  styles: Mapping[str, float] | None = None
  intensity: float = 1.0

  def camera(self, width: int, height: int) -> camera_lib.Camera:
    """Returns the pinhole camera of a picture of this size, in pixels."""
    focal = 0.5 * height / math.tan(math.radians(self.fov) / 2)
    return camera_lib.Camera(
      self.camera_to_world,
      focal,
      focal,
      width / 2,
      height / 2,
      width,
      height,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class CameraPath:
  """A path through keys.

  Attributes:
    keys: at least one, in the order of their times.
    width: of its pictures, in pixels; height likewise.
    fps: frames per second.
    loop: whether it goes on from the last key to the first.
    closing_seconds: that this takes; None: as long as the mean of the others.
    tension: in [0, 1], 1 stops at every key (nerfstudio's smoothness_value).
    given: its frames, if they are not to be found from the keys.
  """

  keys: tuple[Key, ...]
  width: int = 960
  height: int = 540
  fps: float = 24.0
  loop: bool = False
  closing_seconds: float | None = None
  tension: float = 0.0
  given: tuple[Moment, ...] | None = None

  def __post_init__(self):
    if not self.keys:
      raise user_error.UserError("a camera path has no keys; expected some")
    steps = np.diff([key.time for key in self.keys])
    if not np.isfinite(steps).all() or (steps < _FEWEST_SECONDS).any():
      times = ", ".join(f"{key.time:g}" for key in self.keys)
      raise user_error.UserError(
        f"keys of a camera path are at {times} s; expected times that grow, "
        f"by at least {_FEWEST_SECONDS:g} s"
      )
    for name, value in (("width", self.width), ("height", self.height)):
      if value < 1:
        raise user_error.UserError(f"{name} is {value}; expected at least 1")
    if not 0 < self.fps <= 1000:
      raise user_error.UserError(
        f"frames per second are {self.fps:g}; expected more than 0, at most "
        "1000"
      )
    if not 0 <= self.tension <= 1:
      raise user_error.UserError(
        f"tension is {self.tension:g}; expected a number in [0, 1]"
      )
    closing = self.closing_seconds
    if closing is not None and not _FEWEST_SECONDS <= closing < math.inf:
      raise user_error.UserError(
        f"closing_seconds is {closing:g}; expected at least {_FEWEST_SECONDS:g}"
      )
    if self.seconds * self.fps > _MOST_FRAMES:
      raise user_error.UserError(
        f"{self.seconds:g} s at {self.fps:g} frames a second are more than "
        f"{_MOST_FRAMES:,} frames"
      )

  @property
  def seconds(self) -> float:
    """How long it takes."""
    open_seconds = self.keys[-1].time - self.keys[0].time
    return open_seconds + (self._closing if self._closes else 0.0)

  @property
  def num_frames(self) -> int:
    """Frames, of which a closed path shows its first only once."""
    if self.given is not None:
      return len(self.given)
    steps = round(self.seconds * self.fps)
    return max(1, steps if self._closes else steps + 1)

  def frames(self) -> Iterator[Moment]:
    """Yields all frames, 1 / fps seconds apart."""
    if self.given is not None:
      yield from self.given
      return
    for i in range(self.num_frames):
      yield self.at(i / self.fps)

  def at(self, seconds: float) -> Moment:
    """Returns what the keys say of a time.

    Args:
      seconds: from the first key on; others are brought back into the path.
    """
    first = self.keys[0].time
    seconds = float(np.clip(seconds, 0.0, self.seconds))
    t = first + seconds
    pose = np.eye(4)
    position, rotation, fov = self._splines
    pose[:3, :3] = rotation(t)
    pose[:3, 3] = position(t)
    styles, intensity = self._styles_at(t)
    return Moment(pose, float(np.clip(fov(t), *_FOV_RANGE)), styles, intensity)

  def centers(self, count: int) -> np.ndarray:
    """Returns points of the path, evenly in time: [count, 3]."""
    times = np.linspace(0.0, self.seconds, count) + self.keys[0].time
    return np.stack([self._splines[0](t) for t in times])

  @property
  def says_styles(self) -> bool:
    """Whether it says in which style it is shown."""
    frames = self.keys if self.given is None else self.given
    return any(one.styles is not None for one in frames)

  @property
  def _closes(self) -> bool:
    return self.loop and len(self.keys) > 1

  @property
  def _closing(self) -> float:
    if self.closing_seconds is not None:
      return self.closing_seconds
    open_seconds = self.keys[-1].time - self.keys[0].time
    return open_seconds / max(1, len(self.keys) - 1)

  @functools.cached_property
  def _lapped(self) -> tuple[np.ndarray, list[Key]]:
    """Times and keys, beyond both ends of a closed path."""
    keys = list(self.keys)
    times = np.array([key.time for key in keys])
    if not self._closes:
      return times, keys
    laps = math.ceil(_LAPPED / len(keys))
    shifts = np.arange(-laps, laps + 1) * self.seconds
    times = (shifts[:, None] + times).ravel()
    keys = keys * len(shifts)
    kept = slice(
      laps * len(self.keys) - _LAPPED, (laps + 1) * len(self.keys) + _LAPPED
    )
    return times[kept], keys[kept]

  @functools.cached_property
  def _splines(self):
    """Position [3], rotation [3, 3] and field of view, as functions of time."""
    times, keys = self._lapped
    poses = np.stack([key.camera_to_world for key in keys])
    fovs = np.array([key.fov for key in keys])
    if len(keys) == 1:
      return (
        lambda t: poses[0, :3, 3],
        lambda t: poses[0, :3, :3],
        lambda t: fovs[0],
      )
    centers = poses[:, :3, 3]
    slopes = (1 - self.tension) * _slopes(times, centers)
    position = scipy.interpolate.CubicHermiteSpline(times, centers, slopes)
    turns = scipy.spatial.transform.Rotation.from_matrix(poses[:, :3, :3])
    rotation = scipy.spatial.transform.RotationSpline(times, turns)
    fov = scipy.interpolate.PchipInterpolator(times, fovs)
    return position, lambda t: rotation(t).as_matrix(), fov

  def _styles_at(self, t: float) -> tuple[dict[str, float] | None, float]:
    """Weights of styles and their intensity at a time."""
    if not self.says_styles:
      return None, 1.0
    times, keys = self._lapped
    after = int(np.clip(np.searchsorted(times, t, side="right"), 1, len(keys)))
    before = keys[after - 1]
    if after == len(keys):
      return dict(before.styles or {}), before.intensity
    share = (t - times[after - 1]) / (times[after] - times[after - 1])
    shown: dict[str, float] = {}
    for key, part in ((before, 1 - share), (keys[after], share)):
      for name, amount in key.shown.items():
        shown[name] = shown.get(name, 0.0) + part * amount
    shown = {name: amount for name, amount in shown.items() if amount > 1e-9}
    intensity = sum(shown.values())
    if not shown:
      return {}, 1.0
    weights = {name: amount / intensity for name, amount in shown.items()}
    return weights, min(1.0, intensity)


def resized(camera: camera_lib.Camera, width: int, height: int):
  """Returns a camera of another size that sees as much from top to bottom.

  Args:
    camera: any.
    width: of its picture, in pixels: more of them show more on both sides.
    height: in pixels.
  """
  factor = height / camera.height
  return dataclasses.replace(
    camera,
    fl_x=camera.fl_x * factor,
    fl_y=camera.fl_y * factor,
    cx=width / 2 + (camera.cx - camera.width / 2) * factor,
    cy=camera.cy * factor,
    width=width,
    height=height,
  )


def fov_of(camera: camera_lib.Camera) -> float:
  """Returns a camera's field of view from top to bottom, in degrees."""
  return math.degrees(2 * math.atan(0.5 * camera.height / camera.fl_y))


def _slopes(times: np.ndarray, values: np.ndarray) -> np.ndarray:
  """Derivatives [K, D] at uneven times [K], of the parabola through three."""
  steps = np.diff(times)[:, None]
  rises = np.diff(values, axis=0) / steps
  slopes = np.empty_like(values)
  slopes[0], slopes[-1] = rises[0], rises[-1]
  before, after = steps[:-1], steps[1:]
  slopes[1:-1] = (after * rises[:-1] + before * rises[1:]) / (before + after)
  return slopes
