"""Files of camera paths, in nerfstudio's format, with what we add to it.

nerfstudio's viewer writes `camera_path`, the camera of every frame, which its
renderer reads, and `keyframes`, which its viewer reads. Poses are 4x4 OpenGL
camera-to-world matrices, row after row, fields of view are vertical and in
degrees. Both skip what they do not know: under "stylized_nerf" a file of ours
says which scene it is of, and its keys and frames say style and intensity.
"""

import dataclasses
import json
import math
import pathlib
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import camera_path as path_lib
from stylized_nerf_jax.scenes import scene_record

_OURS = "stylized_nerf"
_VERSION = 1
_STEP_SECONDS = 2.0
_LARGEST_FILE = 64 * 2**20
# Of scenes that are the same at another size or after other reading.
_PLACE_TOLERANCE = 1e-3
# How far from the cameras a path may lead that does not say of which scene it
# is, in distances of theirs.
_FARTHEST = 10.0


@dataclasses.dataclass(frozen=True)
class SceneNote:
  """Which scene a path is of.

  Attributes:
    name: of the scene.
    content_hash: of its files.
    center: mean of its cameras' centres, file frame.
    radius: of the cameras about it, root mean square, file units.
  """

  name: str
  content_hash: str
  center: tuple[float, float, float]
  radius: float

  @classmethod
  def of(cls, record: scene_record.SceneRecord) -> "SceneNote":
    """Returns that of a scene."""
    centers = record.cameras.centers
    center = centers.mean(axis=0)
    radius = math.sqrt(((centers - center) ** 2).sum(axis=-1).mean())
    return cls(record.name, record.content_hash, tuple(center.tolist()), radius)


def write(
  path: path_lib.CameraPath,
  record: scene_record.SceneRecord,
  file: str | pathlib.Path,
) -> None:
  """Writes a path of a scene.

  Raises:
    OSError: the file cannot be written.
  """
  pathlib.Path(file).write_text(as_text(path, record))


def as_text(path: path_lib.CameraPath, record: scene_record.SceneRecord) -> str:
  """Returns what `write` writes."""
  aspect = path.width / path.height
  keyframes = []
  seconds = path.seconds - (path.keys[-1].time - path.keys[0].time)
  for i, key in enumerate(path.keys):
    if i:
      seconds = key.time - path.keys[i - 1].time
    elif not seconds:
      seconds = _STEP_SECONDS
    keyframes.append(
      {
        "matrix": _flat(key.camera_to_world),
        "fov": key.fov,
        "aspect": aspect,
        "override_transition_enabled": True,
        "override_transition_sec": seconds,
        "time": key.time,
        **_style_fields(key),
      }
    )
  frames = [
    {
      "camera_to_world": _flat(frame.camera_to_world),
      "fov": frame.fov,
      "aspect": aspect,
      **_style_fields(frame),
    }
    for frame in path.frames()
  ]
  note = dataclasses.asdict(SceneNote.of(record))
  fields = {
    "camera_type": "perspective",
    "render_height": path.height,
    "render_width": path.width,
    "fps": path.fps,
    "seconds": path.seconds,
    "smoothness_value": path.tension,
    "is_cycle": path.loop,
    "crop": None,
    "default_fov": path.keys[0].fov,
    "default_transition_sec": _STEP_SECONDS,
    "keyframes": keyframes,
    "camera_path": frames,
    _OURS: {
      "version": _VERSION,
      "scene": note,
      "closing_seconds": path.closing_seconds,
      "frames_are_given": path.given is not None,
    },
  }
  return json.dumps(fields, indent=1) + "\n"


def read(
  file: str | pathlib.Path,
  record: scene_record.SceneRecord,
  *,
  force: bool = False,
) -> path_lib.CameraPath:
  """Reads a path, ours or nerfstudio's.

  Args:
    file: JSON.
    record: of the scene that it is to be used for.
    force: uses the path of another scene, too.

  Returns:
    The path. Frames of a file that is not ours are taken as they are.

  Raises:
    ValueError: it cannot be read, or is of another scene.
  """
  file = pathlib.Path(file)
  try:
    if file.stat().st_size > _LARGEST_FILE:
      raise user_error.UserError(
        f"{file}: larger than {_LARGEST_FILE // 2**20} MiB; expected the JSON "
        "of a camera path"
      )
    text = file.read_text()
  except (OSError, UnicodeDecodeError) as error:
    reason = getattr(error, "strerror", None) or "no text"
    raise user_error.UserError(
      f"{file}: cannot be read: {reason}; expected the JSON of a camera path"
    ) from None
  return from_text(text, record, where=str(file), force=force)


def from_text(
  text: str,
  record: scene_record.SceneRecord,
  *,
  where: str,
  force: bool = False,
) -> path_lib.CameraPath:
  """As `read`, of a file's text; `where` is what messages call it."""
  try:
    fields = json.loads(text)
  except (ValueError, RecursionError):
    raise user_error.UserError(
      f"{where}: not JSON; expected a camera path of nerfstudio's format"
    ) from None
  if not isinstance(fields, dict) or not (
    fields.get("camera_path") or fields.get("keyframes")
  ):
    raise user_error.UserError(
      f"{where}: neither camera_path nor keyframes; expected a camera path of "
      "nerfstudio's format"
    )
  try:
    path = _path(fields, where)
    note = _note(fields)
  except user_error.UserError as error:
    said = str(error)
    if not said.startswith(where):
      said = f"{where}: {said}"
    raise user_error.UserError(said) from None
  except (KeyError, TypeError, ValueError, AttributeError) as error:
    raise user_error.UserError(
      f"{where}: {_what(error)}; expected a camera path of nerfstudio's format"
    ) from None
  if not force:
    _check_scene(path, note, record, where)
  return path


def _what(error: Exception) -> str:
  if isinstance(error, KeyError):
    return f"field {error.args[0]!r} is missing"
  return f"a field is wrong ({error})"


def _path(fields: dict[str, Any], where: str) -> path_lib.CameraPath:
  kind = fields.get("camera_type", "perspective")
  if kind != "perspective":
    raise user_error.UserError(
      f"{where}: camera_type is {kind!r}; expected 'perspective'"
    )
  ours = fields.get(_OURS)
  ours = ours if isinstance(ours, dict) else None
  if ours and ours.get("version", 0) > _VERSION:
    raise user_error.UserError(
      f"{where}: written by a later version of this program; install that one"
    )
  loop = bool(fields.get("is_cycle", False))
  fps = float(fields.get("fps") or 24.0)
  given = None
  if not ours or ours.get("frames_are_given"):
    frames = fields.get("camera_path") or []
    given = tuple(_moment(frame, "camera_to_world") for frame in frames) or None
  keyframes = fields.get("keyframes")
  closing = ours.get("closing_seconds") if ours else None
  if keyframes:
    times, after_last = _times(keyframes, fields)
    closing = closing if ours else after_last
    moments = [_moment(frame, "matrix") for frame in keyframes]
  else:
    moments = list(given or ())
    times = [i / fps for i in range(len(moments))]
  keys = tuple(
    path_lib.Key(time, one.camera_to_world, one.fov, one.styles, one.intensity)
    for time, one in zip(times, moments, strict=True)
  )
  return path_lib.CameraPath(
    keys,
    width=int(fields.get("render_width") or 960),
    height=int(fields.get("render_height") or 540),
    fps=fps,
    loop=loop,
    closing_seconds=closing,
    tension=float(np.clip(fields.get("smoothness_value") or 0.0, 0, 1)),
    given=given,
  )


def _times(
  keyframes: list[dict], fields: dict
) -> tuple[list[float], float | None]:
  """Times of keys, and the seconds from the last to the first."""
  if all("time" in frame for frame in keyframes):
    return [float(frame["time"]) for frame in keyframes], None
  if all("properties" in frame for frame in keyframes):
    # nerfstudio before 1.0: shares of the whole time, in JSON within JSON.
    seconds = float(fields.get("seconds") or _STEP_SECONDS)
    last = max(1, len(keyframes) - 1)
    found = []
    for i, frame in enumerate(keyframes):
      properties = dict(json.loads(frame["properties"]))
      found.append(seconds * float(properties.get("TIME", i / last)))
    return found, None
  usual = fields.get("default_transition_sec") or _STEP_SECONDS
  steps = [
    frame.get("override_transition_sec")
    if frame.get("override_transition_enabled")
    else None
    for frame in keyframes
  ]
  steps = [float(usual if step is None else step) for step in steps]
  return np.cumsum([0.0, *steps[1:]]).tolist(), steps[0]


def _moment(frame: dict, pose: str) -> path_lib.Moment:
  matrix = frame[pose]
  if isinstance(matrix, str):  # As nerfstudio wrote keys before 1.0.
    matrix = json.loads(matrix)
    matrix = np.reshape(matrix, (4, 4)).T  # of three.js: column after column
  styles = frame.get("style")
  if styles is not None:
    styles = {str(k): float(v) for k, v in dict(styles).items()}
  found = path_lib.Key(  # Which checks it.
    0.0,
    np.reshape(np.asarray(matrix, np.float64), (4, 4)),
    float(frame["fov"]),
    styles,
    float(frame.get("intensity", 1.0)),
  )
  return path_lib.Moment(
    found.camera_to_world, found.fov, found.styles, found.intensity
  )


def _style_fields(one: path_lib.Key | path_lib.Moment) -> dict[str, Any]:
  if one.styles is None:
    return {}
  return {"style": dict(one.styles), "intensity": one.intensity}


def _flat(matrix: np.ndarray) -> list[float]:
  return np.asarray(matrix, np.float64).ravel().tolist()


def _note(fields: dict[str, Any]) -> SceneNote | None:
  ours = fields.get(_OURS)
  if not isinstance(ours, dict) or "scene" not in ours:
    return None
  scene = ours["scene"]
  center = tuple(float(value) for value in scene["center"])
  if len(center) != 3:
    raise user_error.UserError(
      f"center of the scene is {center}; expected three numbers"
    )
  return SceneNote(
    str(scene["name"]),
    str(scene["content_hash"]),
    center,
    float(scene["radius"]),
  )


def _check_scene(
  path: path_lib.CameraPath,
  note: SceneNote | None,
  record: scene_record.SceneRecord,
  where: str,
) -> None:
  own = SceneNote.of(record)
  if note is not None:
    if note.content_hash == own.content_hash or _same_place(note, own):
      return
    raise user_error.UserError(
      f"{where}: a path of another scene, {note.name!r} (cameras within "
      f"{note.radius:.3g} of {_point(note.center)}), for {own.name!r} "
      f"({own.radius:.3g} of {_point(own.center)}); --force uses it as it is"
    )
  poses = [one.camera_to_world for one in path.given or path.keys]
  offsets = np.stack(poses)[:, :3, 3] - np.array(own.center)
  reach = float(np.linalg.norm(offsets, axis=-1).max())
  if reach > _FARTHEST * max(own.radius, record.near):
    raise user_error.UserError(
      f"{where}: it leads to {reach:.3g} from the middle of the cameras of "
      f"{own.name!r}, which stand within {own.radius:.3g}: a path of another "
      "scene or another frame; --force uses it as it is"
    )


def _same_place(one: SceneNote, other: SceneNote) -> bool:
  size = max(one.radius, other.radius, 1e-12)
  apart = float(np.linalg.norm(np.subtract(one.center, other.center)))
  return (
    one.name == other.name
    and apart <= _PLACE_TOLERANCE * size
    and abs(one.radius - other.radius) <= _PLACE_TOLERANCE * size
  )


def _point(values) -> str:
  return "(" + ", ".join(f"{value:.3g}" for value in values) + ")"
