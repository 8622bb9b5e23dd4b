"""Pictures, folders of them and videos in the style of paintings, in 2D.

Frames of a video are painted one by one, so that it flickers as those of a
stylized scene do not.
"""

import contextlib
import itertools
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.captures import video_frames
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.outputs import image_writer, video
from stylized_nerf_jax.rows import devices
from stylized_nerf_jax.scenes.pictures import (
  picture_collections,
  picture_files,
  picture_sources,
  styles,
)
from stylized_nerf_jax.stylizer import style_maps, stylize
from stylized_nerf_jax.tasks import picture_painter

# Pixels of the longer side, where a user names none.
PICTURE_SIZE, FRAME_SIZE = 1600, 640
_FRAMES_LOOKED_AT = 8
_ENDINGS = (".png", ".jpg", ".jpeg")


def stylize_pictures(
  content: str,
  style: str,
  out: str,
  *,
  style_size: int = 512,
  alpha: float = 1.0,
  palette: float = 1.0,
  transfer: str = style_maps.TABLE,
  max_size: int | None = None,
  encoder: str = "vgg16",
  decoder: str | None = None,
) -> bool:
  """Stylizes what `content` names, and writes what `out` names.

  Args:
    content: a picture, a folder of them (with its subfolders), or a video.
    style: as of `styles.load_style_set`: a painting, several, or a folder.
    out: a .png or .jpg file of a picture; a folder of a folder, whose pictures
      keep their names; an .mp4 file of a video, which keeps its rate and has
      no sound. With several styles the name of each is put behind that of a
      file (`out-NAME.png`), or is a folder in it.
    style_size: short side of the paintings, pixels.
    alpha: strength, 0 to 1.
    palette: from the picture's own chroma, 0, to the painting's palette, 1.
    transfer: one of `style_maps.TRANSFERS`: how the painted picture's colours
      are brought to the painting's palette; for a video once, for all frames.
    max_size: pixels of the longer side that larger ones are reduced to; 0:
      they are not; None: `PICTURE_SIZE`, of a video `FRAME_SIZE`.
    encoder, decoder: weights, as of `stylize.load_stylizer`.

  Returns:
    Whether everything was stylized; False where pictures of a folder could not
    be read, which was said.

  Raises:
    ValueError: an argument or file cannot be used, or nothing be written.
  """
  for name, value in (("alpha", alpha), ("palette", palette)):
    if not 0.0 <= value <= 1.0:
      raise user_error.UserError(f"--{name} is {value:g}; expected 0 to 1")
  if max_size is not None and max_size < 0:
    raise user_error.UserError(f"--max-size is {max_size}; expected 0 or more")
  kind = _kind(content)
  _check_out(out, kind, content)
  if max_size is None:
    max_size = FRAME_SIZE if kind == "video" else PICTURE_SIZE
  paintings = styles.load_style_set(style, style_size=style_size)
  for message in paintings.messages:
    progress.say(f"styles: {message}")
  outs = _outs(pathlib.Path(out), kind, paintings.names)
  networks = stylize.load_stylizer(encoder=encoder, decoder_path=decoder)
  work = {"picture": _picture, "folder": _folder, "video": _video}[kind]
  painter = picture_painter.PicturePainter(
    networks, paintings, alpha=alpha, palette=palette, transfer=transfer
  )
  complete = work(pathlib.Path(content), painter, outs, max_size)
  for target in outs.values():
    progress.say(f"wrote {target}")
  return complete


def _picture(
  content: pathlib.Path,
  painter: picture_painter.PicturePainter,
  outs: Mapping[str, pathlib.Path],
  max_size: int,
) -> bool:
  pixels = picture_files.read_picture(content)
  reduced = picture_painter.reduced(pixels, max_size)
  told = f"{content}, {_size(pixels)}"
  if reduced.shape != pixels.shape:
    told += f", reduced to {_size(reduced)} (--max-size 0 would not)"
  _say_plan(told, painter)
  _say_colors([content])
  with progress.progress(painter.count(reduced), "stylizing, parts") as bar:
    tables = painter.tables([reduced])
    painted = painter.paint(reduced, tables, advance=bar.advance)
    for target, picture in zip(outs.values(), painted):
      image_writer.save_image(target, picture)
  return True


def _folder(
  content: pathlib.Path,
  painter: picture_painter.PicturePainter,
  outs: Mapping[str, pathlib.Path],
  max_size: int,
) -> bool:
  found = picture_collections.find(content)
  for message in found.messages:
    progress.say(message)
  count = len(found.pictures)
  _say_plan(f"{count} pictures of {content}{_limit(max_size)}", painter)
  _say_colors([picture.path for picture in found.pictures])
  unread = []
  with progress.progress(count, "stylizing, pictures") as bar:
    for picture in found.pictures:
      try:
        pixels = picture_painter.reduced(picture.read(), max_size)
      except user_error.UserError as error:
        unread.append(error)
        continue
      finally:
        bar.advance()
      place = _place(picture, content)
      pictures = painter.paint(pixels, painter.tables([pixels]))
      for folder, painted in zip(outs.values(), pictures):
        image_writer.save_image(folder / place, painted)
  for error in unread:
    progress.say(f"left out: {error}")
  if len(unread) == count:
    raise user_error.UserError(
      f"{content}: none of its {count} pictures can be read"
    )
  return not unread


def _video(
  content: pathlib.Path,
  painter: picture_painter.PicturePainter,
  outs: Mapping[str, pathlib.Path],
  max_size: int,
) -> bool:
  source = video_frames.read_header(content)
  count = max(round(source.duration * source.rate), 1)
  _say_plan(
    f"some {count} frames of {content}, {source.width} x {source.height} "
    f"pixels, {source.rate:g} a second, each by itself and without sound"
    f"{_limit(max_size)}",
    painter,
  )
  for message in source.colors.messages:
    progress.say(message)
  tables = painter.tables(_some_frames(source, count))
  with contextlib.ExitStack() as stack:
    writers = [
      stack.enter_context(video.VideoWriter(target, fps=source.rate))
      for target in outs.values()
    ]
    bar = stack.enter_context(progress.progress(count, "stylizing, frames"))
    for frame in video_frames.all_frames(source, max_size):
      for writer, painted in zip(writers, painter.paint(frame, tables)):
        writer.append(painted)
      bar.advance()
  return True


def _some_frames(
  source: video_frames.Video, count: int
) -> Iterator[np.ndarray]:
  """Yields a few frames of some `count`, evenly apart and small."""
  apart = max(count // _FRAMES_LOOKED_AT, 1)
  frames = video_frames.all_frames(source, picture_painter.LOOKED_AT)
  yield from itertools.islice(frames, apart // 2, None, apart)


def _say_plan(what: str, painter: picture_painter.PicturePainter) -> None:
  """Says what begins, how much it is, and where."""
  count = len(painter.names)
  named = painter.names[0] if count == 1 else f"{count} styles"
  progress.say(f"stylizing in {named}, on {devices.in_words()}: {what}")


def _say_colors(paths: Sequence[pathlib.Path]) -> None:
  """Says what is done about the colours of pictures."""
  for message in picture_files.describe_colors(paths, "pictures"):
    progress.say(message)


def _limit(max_size: int) -> str:
  if not max_size:
    return ""
  return f", reduced where a side is longer than {max_size} pixels (--max-size)"


def _size(pixels: np.ndarray) -> str:
  return f"{pixels.shape[1]} x {pixels.shape[0]} pixels"


def _kind(content: str) -> str:
  """Returns "picture", "folder" or "video"."""
  path = pathlib.Path(content)
  if path.is_dir():
    return "folder"
  is_video = path.suffix.lower() in video_frames.SUFFIXES
  if is_video and not path.is_file():
    raise user_error.UserError(f"{path}: no such file; expected a video")
  return "video" if is_video else "picture"


def _check_out(out: str, kind: str, content: str) -> None:
  """Raises ValueError where what is made of a kind cannot go by this name."""
  path = pathlib.Path(out)
  endings = {"picture": _ENDINGS, "video": (".mp4",)}.get(kind)
  if endings and path.suffix.lower() not in endings:
    raise user_error.UserError(
      f"--out {path}: expected a name that ends in {' or '.join(endings)}, as "
      f"{content} is a {kind}"
    )
  if endings and not path.parent.is_dir():
    raise user_error.UserError(
      f"--out {path}: the folder {path.parent} does not exist"
    )
  if kind != "folder":
    return
  if path.is_file() or path.suffix.lower() in (*_ENDINGS, ".mp4"):
    raise user_error.UserError(
      f"--out {path}: expected a folder, as {content} is a folder"
    )
  inside = pathlib.Path(content).resolve()
  if inside in (path.resolve(), *path.resolve().parents):
    raise user_error.UserError(
      f"--out {path} lies in the folder that --content names, whose pictures "
      "it would be taken for: name another folder"
    )


def _outs(
  out: pathlib.Path, kind: str, names: Sequence[str]
) -> dict[str, pathlib.Path]:
  """Returns what is written, by the name of the style."""
  if len(names) == 1:
    return {names[0]: out}
  if kind == "folder":
    return {name: out / name for name in names}
  return {name: out.with_stem(f"{out.stem}-{name}") for name in names}


def _place(
  picture: picture_sources.PictureFile, folder: pathlib.Path
) -> pathlib.Path:
  """Returns where in a folder the picture of a picture goes."""
  place = picture.path.relative_to(folder)
  # WebP is read and not written.
  is_written = place.suffix.lower() in _ENDINGS
  return place if is_written else place.with_suffix(".png")
