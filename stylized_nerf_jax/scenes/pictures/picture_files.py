"""Decode one picture file into plain 8-bit RGB.

Whatever a camera, scanner or drawing program stored comes out as uint8
[H, W, 3] in sRGB, upright: EXIF rotation applied, grey, palette, CMYK and
16-bit files converted, transparency laid over white.
"""

import io
import pathlib
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from stylized_nerf_jax import user_error

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
MAX_PIXELS = 100_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")


def is_picture_name(path: str | pathlib.Path) -> bool:
  """Tell by its name whether a file is a picture that can be read here."""
  path = pathlib.Path(path)
  return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_picture(path: str | pathlib.Path) -> np.ndarray:
  """Read a JPEG, PNG or WebP file.

  Args:
    path: the file.

  Returns:
    Upright sRGB pixels, uint8 [H, W, 3]; transparency over white.

  Raises:
    ValueError: the file is missing, no picture, damaged, or claims more than
      `MAX_PIXELS` pixels (refused before anything is decoded).
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise user_error.UserError(f"{path}: no such file; expected a picture")
  return _read(path, path)


def decode_picture(data: bytes, *, where: str) -> np.ndarray:
  """Decode the bytes of a picture file, as `read_picture` decodes the file.

  Args:
    data: of a JPEG, PNG or WebP file.
    where: what an error calls it.

  Raises:
    ValueError: as `read_picture`.
  """
  return _read(io.BytesIO(data), where)


def _read(source: pathlib.Path | io.BytesIO, where: object) -> np.ndarray:
  try:
    with warnings.catch_warnings():
      # Our own limit below decides, with a message that names the file.
      warnings.simplefilter("ignore", Image.DecompressionBombWarning)
      image = Image.open(source, formats=_FORMATS)
  except Image.DecompressionBombError:
    raise _too_large(where, "far more") from None
  except Exception as error:  # Pillow's readers raise nearly anything.
    raise _damaged(where, error) from error
  with image:
    if image.width * image.height > MAX_PIXELS:
      raise _too_large(where, f"{image.width} x {image.height}")
    try:
      return _to_rgb(ImageOps.exif_transpose(image))
    except Exception as error:
      raise _damaged(where, error) from error


def _to_rgb(image: Image.Image) -> np.ndarray:
  """Convert a decoded picture of any mode to uint8 [H, W, 3]."""
  if image.mode.startswith("I"):
    # 16-bit grey: Pillow's own conversion would clip at 255.
    grey = np.clip(np.asarray(image, dtype=np.float64) / 257.0, 0, 255)
    grey = np.round(grey).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)
  if image.has_transparency_data:
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    image = Image.alpha_composite(white, rgba)
  return np.array(image.convert("RGB"))


def _damaged(where: object, error: Exception) -> user_error.UserError:
  reason = str(error).splitlines()[0] if str(error) else type(error).__name__
  if isinstance(error, UnidentifiedImageError):
    reason = "it holds something else"
  return user_error.UserError(
    f"{where}: cannot be read as a JPEG, PNG or WebP picture ({reason}); "
    "replace or remove it"
  )


def _too_large(where: object, found: str) -> user_error.UserError:
  return user_error.UserError(
    f"{where}: claims {found} pixels, more than the limit of "
    f"{MAX_PIXELS // 1_000_000} million; store a smaller copy"
  )
