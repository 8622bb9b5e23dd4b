"""Frames along a camera path: a video, or a folder that anyone can score."""

import contextlib
import pathlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import user_error
from stylized_nerf_jax.evaluation import geometry
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.models import region_paints
from stylized_nerf_jax.models.dials import Dials
from stylized_nerf_jax.outputs import animation, image_writer, video
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.tasks import film_plan, style_choice

ALL_STYLES = "all"
# Of pictures and videos that are not written: no folder is meant by these.
_OTHER_ENDINGS = (
  *(".avi", ".jpeg", ".jpg", ".m4v", ".mkv", ".mov", ".mpeg", ".mpg"),
  *(".png", ".tif", ".tiff", ".webm", ".wmv"),
)


def render_frames(
  model: model_lib.StylizedNerf,
  cameras: scene_lib.Cameras,
  *,
  style: model_lib.Style = None,
  looks: Sequence[tuple[model_lib.Style, float]] | None = None,
  label: str = "rendering",
  **dials: Any,
) -> Iterator[renderer.Rendered]:
  """Yields the frames of a path; one training view's codes serve all.

  Args:
    model: what is rendered.
    cameras: the path.
    style: as of `StylizedNerf.render`.
    looks: style and intensity of each frame, in place of `style`; intensities
      are multiplied by that of the dials.
    label: says what is done.
    **dials: of `StylizedNerf.render`.
  """
  view = model.nearest_view(cameras[len(cameras) // 2])
  strength = dials.pop("intensity", 1.0)
  with progress.progress(len(cameras), label) as bar:
    for i, camera in enumerate(cameras):
      shown, share = looks[i] if looks else (style, 1.0)
      yield model.render(
        camera, shown, view=view, intensity=share * strength, **dials
      )
      bar.advance()


def write_folder(
  folder: pathlib.Path,
  cameras: scene_lib.Cameras,
  frames: Iterator[renderer.Rendered],
  *,
  source: str,
  style: str | None | Sequence[str],
  save_depth: bool = False,
) -> None:
  """Writes 00000.png, ..., cameras.json and, if wanted, depth/NNNNN.npy.

  `style` is what the file calls that of all frames, or of each.

  Raises:
    ValueError: the folder holds other pictures, or cannot be written.
  """
  folder = pathlib.Path(folder)
  with image_writer.writing(folder / "cameras.json"):
    folder.mkdir(parents=True, exist_ok=True)
  _refuse_strangers(folder, len(cameras))
  depth_paths = [None] * len(cameras)
  for i, frame in enumerate(frames):
    image_writer.save_image(folder / f"{i:05d}.png", frame.rgb)
    if save_depth:
      depth_paths[i] = f"depth/{i:05d}.npy"
      image_writer.save_depth(folder / depth_paths[i], frame.depth)
  _write_cameras(folder, cameras, source, style, depth_paths)


def write_style_folders(
  model: model_lib.StylizedNerf,
  cameras: scene_lib.Cameras,
  folders: Mapping[str, pathlib.Path],
  *,
  source: str,
  save_depth: bool = False,
  **dials: Any,
) -> None:
  """Renders a path in several styles at once, a folder of frames for each.

  Args:
    model: what is rendered.
    cameras: the path.
    folders: by name of the style; as `write_folder` leaves them.
    source: name of the path.
    save_depth: writes the depth maps too.
    **dials: of `StylizedNerf.render_styles`.

  Raises:
    ValueError: as `write_folder`.
  """
  for folder in folders.values():
    with image_writer.writing(folder / "cameras.json"):
      folder.mkdir(parents=True, exist_ok=True)
    _refuse_strangers(folder, len(cameras))
  depth_paths = [
    f"depth/{i:05d}.npy" if save_depth else None for i in range(len(cameras))
  ]
  sequences = _frames_in_styles(model, cameras, folders, **dials)
  for i, frames in enumerate(sequences):
    for folder, frame in zip(folders.values(), frames):
      image_writer.save_image(folder / f"{i:05d}.png", frame.rgb)
      if save_depth:
        image_writer.save_depth(folder / depth_paths[i], frame.depth)
  for style, folder in folders.items():
    _write_cameras(folder, cameras, source, style, depth_paths)


def write_style_videos(
  model: model_lib.StylizedNerf,
  cameras: scene_lib.Cameras,
  files: Mapping[str, pathlib.Path],
  *,
  fps: float = 24,
  **dials: Any,
) -> None:
  """Renders a path in several styles at once, a video for each.

  Args:
    model: what is rendered.
    cameras: the path.
    files: by name of the style, each as of `film_writer`.
    fps: frames per second.
    **dials: of `StylizedNerf.render_styles`.

  Raises:
    ValueError: the extra for videos is missing, or one cannot be written.
  """
  with contextlib.ExitStack() as stack:
    writers = [
      stack.enter_context(film_writer(file, fps=fps)) for file in files.values()
    ]
    for frames in _frames_in_styles(model, cameras, files, **dials):
      for writer, frame in zip(writers, frames):
        writer.append(frame.rgb)


def film_writer(
  path: pathlib.Path, *, fps: float
) -> video.VideoWriter | animation.AnimationWriter:
  """Returns what writes frames to a file that ends as a film does.

  Args:
    path: ends in .mp4, .gif, .webp or .apng.
    fps: frames per second.

  Raises:
    ValueError: the ending is another, fps is out of range, or the extra for
      videos is missing.
  """
  if path.suffix.lower() in animation.ENDINGS:
    return animation.AnimationWriter(path, fps=fps)
  return video.VideoWriter(path, fps=fps)


def _frames_in_styles(
  model: model_lib.StylizedNerf,
  cameras: scene_lib.Cameras,
  names: Iterable[str],
  **dials: Any,
) -> Iterator[list[renderer.Rendered]]:
  """Yields each frame of a path in all styles, with one view's codes."""
  names = list(names)
  view = model.nearest_view(cameras[len(cameras) // 2])
  with progress.progress(len(cameras), "rendering styles") as bar:
    for camera in cameras:
      yield model.render_styles(camera, names, view=view, **dials)
      bar.advance()


def _write_cameras(folder, cameras, source, style, depth_paths) -> None:
  names = [f"{source}/{camera.name or i}" for i, camera in enumerate(cameras)]
  one = style is None or isinstance(style, str)
  geometry.write_cameras(
    folder,
    cameras,
    sources=names,
    styles=[style] * len(cameras) if one else list(style),
    depth_paths=depth_paths,
  )


def render_to(
  model: model_lib.StylizedNerf,
  out: str | pathlib.Path,
  *,
  path: str = "spiral",
  plan: film_plan.FilmPlan | None = None,
  num_frames: int | None = None,
  style: str | None = None,
  save_depth: bool = False,
  fps: float | None = None,
  regions: Mapping[str, str] | None = None,
  feather: float = region_paints.FEATHER,
  **dials: Any,
) -> None:
  """Renders a path into a film or a folder.

  Args:
    model: what is rendered.
    out: `*.mp4`, `*.gif`, `*.webp`, `*.apng`, or any other name for a folder.
    path: kind of camera path.
    plan: of the film, in place of a path, its length and its rate; styles that
      it names are shown where `style` is None.
    num_frames: its length; as of `film_plan.make`.
    style: as on the command line, but None is the scene as photographed, as
      "none" is; the file of a painting is allowed. "all"
      writes a film `out-NAME.mp4`, or a folder `out/NAME`, for every style.
    save_depth: writes depth maps too; needs a folder.
    fps: frames per second of a film; None: as of `film_plan.make`.
    regions: styles of named parts of the scene, as on the command line.
    feather: of their edges, in [0, 1].
    **dials: intensity, spread, palette, transfer and recolor of
      `StylizedNerf.render`.

  Raises:
    ValueError: a bad argument, or an output that cannot be written.
  """
  out = pathlib.Path(out)
  ending = out.suffix.lower()
  is_film = ending in (".mp4", *animation.ENDINGS)
  if ending in _OTHER_ENDINGS:
    raise user_error.UserError(
      f"--out {out}: {ending} is not written; name a file that ends in .mp4, "
      ".gif, .webp or .apng, or a folder for PNG frames"
    )
  if is_film and save_depth:
    raise user_error.UserError(
      f"--save-depth with --out {out}: depth maps need a folder; name one "
      f"without {ending}"
    )
  chosen_dials = Dials(**dials)  # Says what is wrong, if anything is.
  if ending == ".mp4":
    video.check_available()
  plan = plan or film_plan.make(model, path, num_frames=num_frames, fps=fps)
  cameras, path, fps = plan.cameras, plan.source, plan.fps
  regions = regions or {}
  region_paints.check_feather(feather)
  for name in regions:
    region_paints.find(model.regions, name)
  if style == ALL_STYLES:
    if regions:
      raise user_error.UserError(
        "--style all with --region; name the style of the rest, or none"
      )
    model.latent(model.styles[0] if model.styles else None)
    if is_film:
      files = {n: out.with_stem(f"{out.stem}-{n}") for n in model.styles}
      write_style_videos(model, cameras, files, fps=fps, **dials)
    else:
      files = {name: out / name for name in model.styles}
      write_style_folders(
        model, cameras, files, source=path, save_depth=save_depth, **dials
      )
    for file in files.values():
      progress.say(f"wrote {file}")
    return
  looks = plan.looks if style is None and dials.get("recolor") is None else None
  style, chosen = style_choice.choose(model, style, dials=chosen_dials)
  of_regions = {
    name: style_choice.choose(model, text, dials=chosen_dials)
    for name, text in regions.items()
  }
  if regions:
    named = (f"{k}={one or 'none'}" for k, (one, _) in of_regions.items())
    style = "; ".join([style or "none", *named])
  frames = render_frames(
    model,
    cameras,
    style=chosen,
    looks=looks,
    label=f"rendering {out.name}",
    regions={name: one for name, (_, one) in of_regions.items()},
    feather=feather,
    **dials,
  )
  if is_film:
    with film_writer(out, fps=fps) as writer:
      for frame in frames:
        writer.append(frame.rgb)
  else:
    called = plan.style_names if looks else style
    write_folder(
      out, cameras, frames, source=path, style=called, save_depth=save_depth
    )
  progress.say(f"wrote {out}")


def _refuse_strangers(folder: pathlib.Path, count: int) -> None:
  own = {f"{i:05d}.png" for i in range(count)}
  strangers = sorted(f.name for f in folder.glob("*.png") if f.name not in own)
  if strangers:
    raise user_error.UserError(
      f"{folder} holds {strangers[0]}, which is no frame of this path: choose "
      "an empty folder"
    )
