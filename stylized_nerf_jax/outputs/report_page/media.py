"""Pictures and films as data URIs of a bounded size.

Pictures are uint8 or floats in [0, 1], [H, W, 3]. What would be larger than it
may be is made smaller: less quality first, then fewer pixels.
"""

import base64
import dataclasses
import io
import pathlib
import tempfile
from collections.abc import Sequence

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import animation, image_writer, video

_QUALITIES = (88, 78, 64, 48)
_SMALLEST = 8  # pixels; nothing is worth less
# (longest side, quality of H.264) that are tried in turn.
_FILM_SIZES = ((504, 6), (420, 5), (336, 4), (252, 3), (168, 2))


@dataclasses.dataclass(frozen=True)
class Picture:
  """A picture of the page.

  Attributes:
    uri: with the data.
    width, height: pixels.
    alt: what it shows, in words.
  """

  uri: str
  width: int
  height: int
  alt: str


@dataclasses.dataclass(frozen=True)
class Film:
  """A film of the page.

  Attributes:
    uri: with the data.
    kind: "video/mp4" or, where no videos can be written, "image/webp".
    width, height: pixels.
    alt: what it shows, in words.
  """

  uri: str
  kind: str
  width: int
  height: int
  alt: str


def picture(pixels: np.ndarray, alt: str, *, width: int, limit: int) -> Picture:
  """Encodes a picture as JPEG.

  Args:
    pixels: of the picture.
    alt: what it shows.
    width: it is reduced to, if it is wider.
    limit: bytes, at most, before they become base64.
  """
  whole = Image.fromarray(image_writer.to_uint8(pixels)).convert("RGB")
  factor = min(1.0, width / whole.width)
  while True:
    size = tuple(max(1, round(factor * side)) for side in whole.size)
    shown = whole
    if size != whole.size:
      shown = whole.resize(size, Image.Resampling.LANCZOS)
    for quality in _QUALITIES:
      buffer = io.BytesIO()
      shown.save(buffer, "JPEG", quality=quality, optimize=True)
      if buffer.tell() <= limit or max(size) <= _SMALLEST:
        uri = data_uri(buffer.getvalue(), "image/jpeg")
        return Picture(uri, shown.width, shown.height, alt)
    factor *= 0.75


def film(
  frames: Sequence[np.ndarray], alt: str, *, fps: float, limit: int
) -> Film | None:
  """Encodes a film: H.264, or WebP where the extra `video` is missing.

  Args:
    frames: of one size.
    alt: what it shows.
    fps: frames a second.
    limit: bytes, at most, before they become base64.

  Returns:
    The film; None where it cannot be made small enough.
  """
  ending = ".mp4" if video.is_available() else ".webp"
  longest = max(frames[0].shape[:2])
  sizes = [s for s in _FILM_SIZES if s[0] < longest]
  # What is small by itself keeps its size.
  sizes.insert(0, (min(longest, _FILM_SIZES[0][0]), _FILM_SIZES[0][1]))
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / f"film{ending}"
    for side, quality in sizes:
      small = [_reduced(frame, side) for frame in frames]
      if ending == ".mp4":
        video.write_video(path, small, fps=fps, quality=quality)
      else:
        with animation.AnimationWriter(path, fps=fps) as writer:
          for frame in small:
            writer.append(frame)
      content = path.read_bytes()
      if len(content) <= limit:
        kind = "video/mp4" if ending == ".mp4" else "image/webp"
        height, width = small[0].shape[:2]
        return Film(data_uri(content, kind), kind, width, height, alt)
  return None


def stored_film(path: pathlib.Path, alt: str, *, limit: int) -> Film | None:
  """Takes a film as it lies in a file.

  Args:
    path: ends in .mp4 or .webp.
    alt: what it shows.
    limit: bytes, at most, before they become base64.

  Returns:
    The film; None where there is none, it cannot be read, or it is too large.
  """
  if not path.is_file() or path.stat().st_size > limit:
    return None
  try:
    if path.suffix == ".mp4":
      height, width = next(video.read_video(path)).shape[:2]
    else:
      with Image.open(path) as picture:
        width, height = picture.size
  except (user_error.UserError, OSError, ValueError):
    return None
  kind = "video/mp4" if path.suffix == ".mp4" else "image/webp"
  return Film(data_uri(path.read_bytes(), kind), kind, width, height, alt)


def store_film(film: Film, folder: pathlib.Path, name: str) -> pathlib.Path:
  """Writes a film into a folder, under a name and its ending."""
  ending = ".mp4" if film.kind == "video/mp4" else ".webp"
  path = folder / f"{name}{ending}"
  partial = path.with_name(f".{path.name}.partial")
  with image_writer.writing(path):
    partial.write_bytes(base64.b64decode(film.uri.partition(",")[2]))
    partial.replace(path)
  return path


def data_uri(content: bytes, kind: str) -> str:
  """Writes bytes of a media type as a URI."""
  return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _reduced(frame: np.ndarray, side: int) -> np.ndarray:
  """Reduces a frame to a longest side."""
  small = Image.fromarray(image_writer.to_uint8(frame))
  small.thumbnail((side, side), Image.Resampling.LANCZOS)
  return np.asarray(small)
