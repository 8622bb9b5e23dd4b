"""What a film shows: its cameras, and the styles that its path names."""

import dataclasses
import pathlib
from collections.abc import Iterable

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import camera_path as camera_path_lib
from stylized_nerf_jax.scenes import camera_path_file, paths
from stylized_nerf_jax.scenes import scene as scene_lib

DEFAULT_FRAMES = 60
DEFAULT_FPS = 24.0
_LARGEST_SIDE = 16384


@dataclasses.dataclass(frozen=True, eq=False)
class FilmPlan:
  """A film before it is rendered.

  Attributes:
    cameras: of its frames, file frame.
    source: name of the path.
    fps: frames per second.
    looks: style and intensity of every frame; None: the path says nothing.
  """

  cameras: scene_lib.Cameras
  source: str
  fps: float = DEFAULT_FPS
  looks: tuple[tuple[model_lib.Style, float], ...] | None = None

  @property
  def style_names(self) -> list[str]:
    """What to call the looks of the frames, as `--style` reads it."""
    return [_called(style) for style, _ in self.looks or ()]


def make(
  model: model_lib.StylizedNerf,
  path: str = "spiral",
  *,
  num_frames: int | None = None,
  camera_path: str | pathlib.Path | None = None,
  force: bool = False,
  size: tuple[int, int] | None = None,
  scale: float = 1.0,
  loop: bool = False,
  fps: float | None = None,
) -> FilmPlan:
  """Plans a film of a model's scene.

  Args:
    model: whose scene it is.
    path: as of `paths.make_path`, where there is no camera path.
    num_frames: its length; None: 60, or what the path itself says.
    camera_path: file of one.
    force: uses the file of another scene, too.
    size: width and height of frames, in pixels; None: what the path says.
    scale: which these are multiplied by.
    loop: whether a path through keys or photographs returns to its beginning.
    fps: frames per second; None: 24, or what the file says.

  Raises:
    ValueError: an argument cannot be used, or does not go with another; or as
      `camera_path_file.read`.
  """
  if camera_path is not None:
    if num_frames is not None:
      raise user_error.UserError(
        f"--frames {num_frames} with --camera-path: its seconds and frames a "
        "second say how many there are; leave --frames out"
      )
    return of_camera_path(
      model,
      camera_path_file.read(camera_path, model.scene, force=force),
      source=pathlib.Path(camera_path).stem,
      size=size,
      scale=scale,
      loop=loop,
      fps=fps,
    )
  if force:
    raise user_error.UserError("--force is for --camera-path; leave it out")
  cameras = path_cameras(model, path, num_frames, loop=loop)
  return FilmPlan(_sized(cameras, size, scale), path, fps or DEFAULT_FPS)


def of_camera_path(
  model: model_lib.StylizedNerf,
  path: camera_path_lib.CameraPath,
  *,
  source: str,
  size: tuple[int, int] | None = None,
  scale: float = 1.0,
  loop: bool = False,
  fps: float | None = None,
) -> FilmPlan:
  """As `make`, for a camera path that is at hand.

  Raises:
    ValueError: as `make`, or a style of the path is unknown to the model.
  """
  if loop and not path.loop:
    path = dataclasses.replace(path, loop=True, given=None)
  if fps is not None:
    path = dataclasses.replace(path, fps=fps)
  width, height = _size(size or (path.width, path.height), scale)
  frames = list(path.frames())
  _check_styles(model, (name for one in frames for name in one.styles or ()))
  looks = None
  if path.says_styles:
    looks = tuple((one.styles or None, one.intensity) for one in frames)
  cameras = [frame.camera(width, height) for frame in frames]
  return FilmPlan(scene_lib.Cameras.from_list(cameras), source, path.fps, looks)


def path_cameras(
  model: model_lib.StylizedNerf,
  kind: str,
  num_frames: int | None = None,
  *,
  loop: bool = False,
) -> scene_lib.Cameras:
  """Makes a camera path of a model's scene.

  Args:
    model: whose scene it is.
    kind: as of `paths.of_scene`.
    num_frames: its length; None: 60, or what the photographs' own views are.
    loop: whether "interpolate" returns to its beginning; others do, but for
      the photographs' own views.

  Raises:
    ValueError: as `paths.of_scene`, or the kind has a length of its own.
  """
  scene = model.scene
  if num_frames is not None and kind in paths.GIVEN:
    raise user_error.UserError(
      f"--frames {num_frames} with --path {kind}: its frames are the "
      f"{len(scene.split(kind))} photographs' own views; leave --frames out, "
      "or take another path"
    )
  if loop and kind in paths.GIVEN:
    raise user_error.UserError(
      f"--loop with --path {kind}: the photographs' own views do not close; "
      "take another path"
    )
  frames = DEFAULT_FRAMES if num_frames is None else num_frames
  return paths.of_scene(scene, kind, frames, loop=loop)


def _sized(
  cameras: scene_lib.Cameras, size: tuple[int, int] | None, scale: float
) -> scene_lib.Cameras:
  if size is None and scale == 1.0:
    return cameras
  return scene_lib.Cameras.from_list(
    [
      camera_path_lib.resized(
        camera, *_size(size or (camera.width, camera.height), scale)
      )
      for camera in cameras
    ]
  )


def _size(size: tuple[int, int], scale: float) -> tuple[int, int]:
  width, height = (round(side * scale) if scale > 0 else 0 for side in size)
  if not (1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE):
    raise user_error.UserError(
      f"frames of {size[0]}x{size[1]} times {scale:g}: expected sides of 1 to "
      f"{_LARGEST_SIDE} pixels"
    )
  return width, height


def _check_styles(model: model_lib.StylizedNerf, names: Iterable[str]) -> None:
  for name in dict.fromkeys(names):
    if name not in model.styles and not pathlib.Path(name).is_file():
      raise user_error.UserError(
        f"the camera path shows the style {name!r}, which is neither a style "
        f"of this run ({', '.join(model.styles) or 'none trained'}) nor a "
        "file; --style paints all of it in one"
      )


def _called(style: model_lib.Style) -> str:
  if not style:
    return "none"
  weights = dict(style)
  if len(weights) == 1:
    return str(next(iter(weights)))
  return ",".join(f"{name}:{weight:.3g}" for name, weight in weights.items())
