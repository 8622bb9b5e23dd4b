"""Contact sheets: many pictures in one small one, with labels."""

import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer, video

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_INK = (30, 30, 30)


def make_contact_sheet(
  pictures: Sequence[np.ndarray],
  *,
  labels: Sequence[str] = (),
  columns: int | None = None,
  tile_width: int = 240,
  gap: int = 6,
) -> np.ndarray:
  """Lay pictures out in a grid, row by row, on white.

  Args:
    pictures: [H_i, W_i, 3] each, floats in [0, 1] or uint8. They are shrunk
      to fit tiles of `tile_width`, as high as the first picture's proportions
      ask, and never enlarged.
    labels: text under each picture; none, or one for each.
    columns: pictures in a row; default: about as many as rows.
    tile_width: pixels.
    gap: pixels between tiles and around them.

  Returns:
    uint8 [H, W, 3].

  Raises:
    ValueError: there is no picture, or the number of labels differs.
  """
  if not len(pictures):
    raise user_error.UserError(
      "a contact sheet of no pictures; expected at least one"
    )
  if len(labels) not in (0, len(pictures)):
    raise user_error.UserError(
      f"{len(labels)} labels for {len(pictures)} pictures; expected one each"
    )
  tiles = [_shrink(picture, tile_width) for picture in pictures]
  wide = max(tile.width for tile in tiles)
  high = max(tile.height for tile in tiles)
  columns = columns or round(np.ceil(np.sqrt(len(tiles))))
  columns = min(max(columns, 1), len(tiles))
  rows = -(-len(tiles) // columns)
  font = ImageFont.load_default(size=max(10, wide // 16))
  line = 2 * max(10, wide // 16) if len(labels) else 0
  line = round(0.75 * line)
  size = (gap + columns * (wide + gap), gap + rows * (high + line + gap))
  sheet = Image.new("RGB", size, (255, 255, 255))
  drawing = ImageDraw.Draw(sheet)
  for number, tile in enumerate(tiles):
    row, column = divmod(number, columns)
    left = gap + column * (wide + gap)
    top = gap + row * (high + line + gap)
    shift = (wide - tile.width) // 2, (high - tile.height) // 2
    sheet.paste(tile, (left + shift[0], top + shift[1]))
    if len(labels):
      text = _fit(drawing, font, str(labels[number]), wide)
      middle = (left + wide / 2, top + high + line / 2)
      drawing.text(middle, text, fill=_INK, font=font, anchor="mm")
  return np.array(sheet)


def load_frames(
  path: str | pathlib.Path, *, count: int = 12
) -> tuple[list[np.ndarray], list[str]]:
  """Take evenly spaced frames from a video or a folder of pictures.

  Args:
    path: an .mp4 file, or a folder (in order of file names).
    count: at most so many frames, the first and the last among them.

  Returns:
    frames: uint8 [H, W, 3] each.
    labels: frame numbers, or file names.

  Raises:
    ValueError: nothing is there to take.
  """
  path = pathlib.Path(path)
  if path.is_dir():
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
    if not files:
      raise user_error.UserError(f"{path}: holds no pictures")
    files = [files[i] for i in _spread(len(files), count)]
    return [_read(file) for file in files], [file.stem for file in files]
  total = sum(1 for _ in video.read_video(path))
  chosen = set(_spread(total, count))
  frames = enumerate(video.read_video(path))
  frames = {i: frame for i, frame in frames if i in chosen}
  return list(frames.values()), [str(i) for i in frames]


def save_contact_sheet(
  path: str | pathlib.Path, pictures: Sequence[np.ndarray], **options
) -> None:
  """Make a contact sheet and write it: .jpg for a small file, or .png.

  Args:
    path: file to write.
    pictures: as for `make_contact_sheet`.
    **options: as for `make_contact_sheet`.
  """
  sheet = make_contact_sheet(pictures, **options)
  image_writer.save_image(path, sheet, quality=85)


def _shrink(picture: np.ndarray, width: int) -> Image.Image:
  tile = Image.fromarray(image_writer.to_uint8(picture)).convert("RGB")
  if tile.width <= width:
    return tile
  height = max(1, round(tile.height * width / tile.width))
  return tile.resize((width, height), Image.Resampling.LANCZOS)


def _fit(drawing, font, text: str, width: int) -> str:
  """Cut a text so that it is no wider than its tile."""
  if drawing.textlength(text, font=font) <= width:
    return text
  while text and drawing.textlength(text + "...", font=font) > width:
    text = text[:-1]
  return text + "..."


def _spread(total: int, count: int) -> list[int]:
  """At most `count` of `total` numbers, evenly, with the first and last."""
  return sorted({round(v) for v in np.linspace(0, total - 1, max(count, 1))})


def _read(file: pathlib.Path) -> np.ndarray:
  try:
    with Image.open(file) as image:
      return np.array(image.convert("RGB"))
  except (OSError, SyntaxError, ValueError) as error:
    raise user_error.UserError(
      f"{file}: cannot be read as a picture"
    ) from error
