"""Read style sets: folders of paintings, single pictures, generated styles.

Every picture is decoded to upright 8-bit RGB and resized to a short side of
`style_size`, the dial of the stroke scale.
"""

import functools
import pathlib
import unicodedata
from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from stylized_nerf_jax.scenes import generated_styles, picture_files, style_set

GENERATED = "generated"
_MAX_ASPECT = 10
# What `--style` reads: "a:0.7,b:0.3", or the word none.
_SEPARATORS = ",:"
_RESERVED = ("none",)


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
    path: a folder of pictures, one picture file, the word "generated" for
      the styles this project paints itself, or several of these with commas
      between them.
    style_size: short side in pixels that every picture is resized to.
    names: which styles to keep, in this order (a sequence, or one string
      with commas); empty keeps all, sorted by file name within a folder.
      Pictures that are not kept are not decoded.

  Returns:
    The styles; `messages` names the files that were left out, and why.

  Raises:
    ValueError: nothing is there, a picture is damaged or too large, two
      styles have one name, or a name is unknown.
  """
  _check_style_size(style_size)
  messages = []
  found = {}
  for source in _split_sources(path):
    for origin, name, load in _find_styles(source, style_size, messages):
      _add_style(found, origin, name, load)
  wanted = style_set.split_names(names) or tuple(found)
  loaders = style_set.select(
    wanted, {name: load for name, (_, load) in found.items()}
  )
  styles = []
  by_hash = {}
  for load in loaders:
    style = load()
    first = by_hash.setdefault(style.content_hash, style.name)
    if first != style.name:
      messages.append(
        f"style {style.name!r} is left out: the same picture as {first!r}"
      )
      continue
    styles.append(style)
  return StyleSet(styles, messages=messages)


def load_style_image(
  path: str | pathlib.Path, style_size: int = 512
) -> StyleImage:
  """Read one style from a picture file.

  Args:
    path: a JPEG, PNG or WebP file.
    style_size: short side in pixels that the picture is resized to.

  Raises:
    ValueError: the file is missing, damaged, too large, or a strip.
  """
  _check_style_size(style_size)
  path = pathlib.Path(path)
  pixels = picture_files.read_picture(path)
  height, width = pixels.shape[:2]
  if max(height, width) > _MAX_ASPECT * min(height, width):
    raise ValueError(
      f"{path}: a strip of {width} x {height} pixels, longer than "
      f"{_MAX_ASPECT} times its breadth; crop it"
    )
  return StyleImage(_style_name(path), resize_short_side(pixels, style_size))


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


def _find_styles(source: str, style_size: int, messages: list[str]):
  """Yield (origin, name, loader) of every style of one source, undecoded."""
  if source == GENERATED:
    for name in generated_styles.NAMES:
      yield GENERATED, name, functools.partial(_generate, name, style_size)
    return
  path = pathlib.Path(source).expanduser()
  if path.is_dir():
    yield from _find_in_folder(path, style_size, messages)
  elif path.exists():
    load = functools.partial(load_style_image, path, style_size)
    yield str(path), _style_name(path), load
  else:
    raise ValueError(
      f"{path}: no such file or folder; expected a folder of paintings, a "
      f'picture, or "{GENERATED}"'
    )


def _find_in_folder(path: pathlib.Path, style_size: int, messages: list[str]):
  """Yield the pictures of a folder by name; tell of the other files."""
  files = sorted(
    p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")
  )
  pictures = [p for p in files if picture_files.is_picture_name(p)]
  others = [p.name for p in files if p not in pictures]
  if not pictures:
    raise ValueError(
      f"{path}: holds no picture (found {len(others)} other file(s)); "
      f"expected files ending in {', '.join(picture_files.SUFFIXES)}"
    )
  if others:
    listed = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    messages.append(
      f"{path}: ignored {len(others)} file(s) that are no JPEG, PNG or WebP "
      f"picture: {listed}"
    )
  for picture in pictures:
    load = functools.partial(load_style_image, picture, style_size)
    yield str(picture), _style_name(picture), load


def _add_style(found: dict, origin: str, name: str, load: Callable) -> None:
  """Enter a style, refusing names that differ in case only.

  The run stores styles under their names, on file systems that may not tell
  upper from lower case.
  """
  for known, (known_origin, _) in found.items():
    if known.casefold() == name.casefold():
      raise ValueError(
        f"{origin} and {known_origin} would both be the style {known!r}; "
        "rename one of them"
      )
  found[name] = (origin, load)


def _generate(name: str, style_size: int) -> StyleImage:
  pixels = generated_styles.generate(name)
  return StyleImage(name, resize_short_side(pixels, style_size))


def _style_name(path: pathlib.Path) -> str:
  """Make the style's name from its file name."""
  # One spelling for accents, which file systems store in two ways.
  name = unicodedata.normalize("NFC", path.stem)
  if any(mark in name for mark in _SEPARATORS) or name in _RESERVED:
    raise ValueError(
      f"{path}: its name cannot name a style, because mixes are written "
      '"a:0.7,b:0.3" and "none" means no style; rename the file'
    )
  return name


def _split_sources(path: str | pathlib.Path) -> list[str]:
  """Split "a.jpg,folder" unless a file of just that name exists."""
  text = str(path).strip()
  if not text:
    raise ValueError(
      "no style path was given; expected a folder of paintings, a picture, or "
      f'"{GENERATED}"'
    )
  if pathlib.Path(text).expanduser().exists():
    return [text]
  return [part.strip() for part in text.split(",") if part.strip()]


def _check_style_size(style_size: int) -> None:
  if not 16 <= style_size <= 4096:
    raise ValueError(
      f"style_size is {style_size}; expected 16 to 4096 pixels (512 is usual)"
    )
