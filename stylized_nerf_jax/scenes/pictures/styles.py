"""Read style sets: collections of paintings, or styles painted here.

Every picture is decoded to upright 8-bit RGB and resized to a short side of
`style_size`, the dial of the stroke scale.
"""

import dataclasses
import pathlib
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import (
  picture_collections,
  picture_sources,
  style_set,
)
from stylized_nerf_jax.scenes.synthetic import generated_styles

GENERATED = "generated"
_MAX_ASPECT = 10
# What `--style` reads: "a:0.7,b:0.3", or the word none.
_SEPARATORS = ",:"
_RESERVED = ("none", "all")


@dataclasses.dataclass(frozen=True)
class _GeneratedPicture:
  """A style that this project paints, as a `picture_sources.Picture`."""

  name: str
  origin: str = GENERATED

  @property
  def stem(self) -> str:
    return self.name

  def read(self) -> np.ndarray:
    return generated_styles.generate(self.name)

  def encoded(self) -> bytes | None:
    return None


_GENERATED = tuple(map(_GeneratedPicture, generated_styles.NAMES))
StyleImage = style_set.StyleImage
StyleSet = style_set.StyleSet


def load_style_set(
  path: str | pathlib.Path,
  *,
  style_size: int = 512,
  names: str | Iterable[str] = (),
) -> StyleSet:
  """Read a style set.

  Args:
    path: a folder of pictures (with its subfolders), a `.csv` list of them,
      one picture file, a TensorFlow dataset as "tfds:NAME?data_dir=DIR", the
      word "generated" for the styles this project paints itself, or several
      of these with commas between them.
    style_size: short side in pixels that every picture is resized to.
    names: which styles to keep, in this order (a sequence, or one string
      with commas); empty keeps all, sorted by path within a folder.
      Pictures that are not kept are not decoded.

  Returns:
    The styles; `messages` names the files that were left out, and why, and
    what was done about colours.

  Raises:
    ValueError: nothing is there, a picture is damaged or too large, two
      styles have one name, or a name is unknown.
  """
  _check_style_size(style_size)
  found, messages = find_styles(path)
  wanted = style_set.split_names(names) or tuple(found)
  styles = []
  by_hash = {}
  chosen = style_set.select(wanted, found)
  messages += picture_sources.describe_colors(chosen)
  for picture in chosen:
    style = load_picture(picture, style_size)
    first = by_hash.setdefault(style.content_hash, style.name)
    if first != style.name:
      messages.append(
        f"style {style.name!r} is left out: the same picture as {first!r}"
      )
      continue
    styles.append(style)
  return StyleSet(styles, messages=messages)


def find_styles(
  path: str | pathlib.Path,
) -> tuple[dict[str, picture_sources.Picture], list[str]]:
  """Find the styles of a set without decoding any.

  Args:
    path: as for `load_style_set`.

  Returns:
    Pictures by the names of their styles, in order; and messages.

  Raises:
    ValueError: nothing is there, a name cannot name a style, or two styles
      have one name, or names that differ in case only: the run stores styles
      under their names, on file systems that may not tell these apart.
  """
  found, spellings, messages = {}, {}, []
  for source in _split_sources(path):
    pictures = _GENERATED
    if source != GENERATED:
      collection = picture_collections.find(source)
      pictures = collection.pictures
      messages.extend(collection.messages)
    for picture in pictures:
      name = style_name(picture)
      known = spellings.setdefault(name.casefold(), name)
      if known in found:
        raise user_error.UserError(
          f"{picture.origin} and {found[known].origin} would both be the style "
          f"{known!r}; rename one of them"
        )
      found[name] = picture
  return found, messages


def load_style_image(
  path: str | pathlib.Path, style_size: int = 512
) -> StyleImage:
  """Read one style from a picture file.

  Args:
    path: a picture file.
    style_size: short side in pixels that the picture is resized to.

  Raises:
    ValueError: the file is missing, damaged, too large, or a strip.
  """
  return load_picture(
    picture_sources.PictureFile(pathlib.Path(path)), style_size
  )


def load_picture(
  picture: picture_sources.Picture, style_size: int = 512
) -> StyleImage:
  """Read one style from a picture of any source.

  Args:
    picture: the picture.
    style_size: short side in pixels that it is resized to.

  Raises:
    ValueError: it is missing, damaged, too large, or a strip.
  """
  _check_style_size(style_size)
  pixels = picture.read()
  height, width = pixels.shape[:2]
  if max(height, width) > _MAX_ASPECT * min(height, width):
    raise user_error.UserError(
      f"{picture.origin}: a strip of {width} x {height} pixels, longer than "
      f"{_MAX_ASPECT} times its breadth; crop it"
    )
  return StyleImage(style_name(picture), resize_short_side(pixels, style_size))


def resize_short_side(pixels: np.ndarray, size: int) -> np.ndarray:
  """Resize so that the short side is `size` (Lanczos, both directions).

  Args:
    pixels: uint8 [H, W, 3].
    size: wanted short side in pixels.

  Returns:
    uint8 [H', W', 3] with min(H', W') == size and the same proportions to
    half a pixel; the same pixels where the size is right already.
  """
  height, width = pixels.shape[:2]
  short = min(height, width)
  if short == size:
    return pixels
  target = (round(width * size / short), round(height * size / short))
  resized = Image.fromarray(pixels).resize(target, Image.Resampling.LANCZOS)
  return np.array(resized)


def style_name(picture: picture_sources.Picture) -> str:
  """Make the style's name from the picture's.

  Raises:
    ValueError: it cannot name a style.
  """
  # One spelling for accents, which file systems store in two ways.
  name = unicodedata.normalize("NFC", picture.stem)
  if any(mark in name for mark in _SEPARATORS) or name in _RESERVED:
    raise user_error.UserError(
      f"{picture.origin}: its name cannot name a style, because mixes are "
      'written "a:0.7,b:0.3", "none" means no style and "all" each; rename '
      "the file"
    )
  if "/" in name or "\\" in name or name.startswith("."):
    raise user_error.UserError(
      f"{picture.origin}: {name!r} cannot name a style, because styles are "
      "stored under their names; expected the name of a file"
    )
  return name


def _split_sources(path: str | pathlib.Path) -> list[str]:
  """Split "a.jpg,folder" unless a file of just that name exists."""
  text = str(path).strip()
  if not text:
    raise user_error.UserError(
      f'no style path was given; expected "{GENERATED}", a picture, or '
      f"{picture_collections.KINDS}"
    )
  if pathlib.Path(text).expanduser().exists():
    return [text]
  return [part.strip() for part in text.split(",") if part.strip()]


def size_for_views(short_sides: Sequence[int]) -> int:
  """Chooses the size of paintings whose strokes suit pictures of some size.

  A painting much larger than the picture has its strokes between the picture's
  pixels: what is left of them covers the picture with grain. 4/3 of the picture
  is what 512, the usual size, is to 384 pixels.

  Args:
    short_sides: [V], pixels, of the pictures to be stylized.

  Returns:
    A multiple of 64, from 128 to 512: beyond, strokes only get finer.
  """
  wanted = 4 / 3 * float(np.median(short_sides))
  return 64 * int(np.clip(round(wanted / 64), 2, 8))


def _check_style_size(style_size: int) -> None:
  if not 16 <= style_size <= 4096:
    raise user_error.UserError(
      f"style_size is {style_size}; expected 16 to 4096 pixels (512 is usual)"
    )
