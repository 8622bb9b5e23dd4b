"""Keys of a camera path while they are edited."""

import dataclasses

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import camera_path

STEP_SECONDS = 2.0


@dataclasses.dataclass
class PathEditor:
  """Keys in their order, and how the path through them is shown.

  Attributes:
    moments: what the keys show.
    steps: seconds from the key before to each; that of the first is how long a
      closed path takes from its last key to the first.
    width, height, fps, loop, tension: as of `camera_path.CameraPath`.
  """

  moments: list[camera_path.Moment] = dataclasses.field(default_factory=list)
  steps: list[float] = dataclasses.field(default_factory=list)
  width: int = 960
  height: int = 540
  fps: float = 24.0
  loop: bool = False
  tension: float = 0.0

  def __len__(self) -> int:
    return len(self.moments)

  def add(self, moment: camera_path.Moment, after: int | None = None) -> int:
    """Puts a key behind another, or at the end; returns its number."""
    place = len(self.moments) if after is None else after + 1
    self.moments.insert(place, moment)
    self.steps.insert(place, STEP_SECONDS)
    return place

  def remove(self, number: int) -> None:
    """Takes a key out."""
    del self.moments[number], self.steps[number]

  def clear(self) -> None:
    """Takes all keys out."""
    self.moments.clear()
    self.steps.clear()

  def change(self, number: int, **fields) -> None:
    """Changes what a key shows: fields of `camera_path.Moment`."""
    self.moments[number] = dataclasses.replace(self.moments[number], **fields)

  def time(self, number: int) -> float:
    """Returns when a key comes, in seconds."""
    return float(np.sum(self.steps[1 : number + 1]))

  def path(self) -> camera_path.CameraPath:
    """Returns the path.

    Raises:
      ValueError: there are no keys, or something of them cannot be used.
    """
    if not self.moments:
      raise user_error.UserError("the camera path has no keys yet: add some")
    keys = tuple(
      camera_path.Key(
        self.time(i),
        one.camera_to_world,
        one.fov,
        one.styles,
        one.intensity,
      )
      for i, one in enumerate(self.moments)
    )
    return camera_path.CameraPath(
      keys,
      width=self.width,
      height=self.height,
      fps=self.fps,
      loop=self.loop,
      closing_seconds=self.steps[0],
      tension=self.tension,
    )

  def take(self, path: camera_path.CameraPath) -> None:
    """Takes over all of a path; its frames, if given, are left."""
    self.moments = [
      camera_path.Moment(
        key.camera_to_world, key.fov, key.styles, key.intensity
      )
      for key in path.keys
    ]
    times = [key.time for key in path.keys]
    closing = path.closing_seconds
    if closing is None:
      closing = times[-1] / max(1, len(times) - 1) or STEP_SECONDS
    self.steps = [closing, *np.diff(times).tolist()]
    self.width, self.height, self.fps = path.width, path.height, path.fps
    self.loop, self.tension = path.loop, path.tension
