"""Decode one picture file into plain 8-bit RGB.

Whatever a camera, scanner or drawing program stored comes out as uint8
[H, W, 3] in sRGB, upright: EXIF rotation applied, grey, palette, CMYK and
16-bit files and other colours converted, transparency laid over white.
"""

import io
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import color_profiles, picture_formats

SUFFIXES = picture_formats.SUFFIXES
MAX_PIXELS = 100_000_000
is_picture_name = picture_formats.is_picture_name


def read_picture(path: str | pathlib.Path) -> np.ndarray:
  """Read a picture file.

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
    data: of a picture file.
    where: what an error calls it.

  Raises:
    ValueError: as `read_picture`.
  """
  return _read(io.BytesIO(data), where)


def describe_colors(paths: Sequence[pathlib.Path], noun: str) -> list[str]:
  """Say what is done about the colours of pictures, by their headers.

  Args:
    paths: of the pictures; those that cannot be opened are passed over.
    noun: what they are, in the plural.
  """

  def opened():
    for path in paths:
      try:
        image = _open(path, path)
      except ValueError:
        continue  # Whoever reads it says so.
      with image:
        yield image

  return color_profiles.describe(opened(), noun)


def _open(source: pathlib.Path | io.BytesIO, where: object) -> Image.Image:
  try:
    image = picture_formats.open_picture(source, where)
  except picture_formats.MissingError:
    raise
  except Image.DecompressionBombError:
    raise _too_large(where, "far more") from None
  except Exception as error:  # Pillow's readers raise nearly anything.
    raise _damaged(where, error) from error
  if image.width * image.height > MAX_PIXELS:
    size = f"{image.width} x {image.height}"
    image.close()
    raise _too_large(where, size)
  return image


def _read(source: pathlib.Path | io.BytesIO, where: object) -> np.ndarray:
  with _open(source, where) as image:
    try:
      return to_rgb(image)
    except Exception as error:
      raise _damaged(where, error) from error


def to_rgb(image: Image.Image) -> np.ndarray:
  """Make an opened picture of any mode uint8 [H, W, 3]: upright, sRGB.

  Raises:
    Exception: whatever Pillow's decoders raise.
  """
  space = color_profiles.find(image)
  image = ImageOps.exif_transpose(image)
  if image.mode.startswith("I"):
    # 16-bit grey: Pillow's own conversion would clip at 255.
    if space is not None and image.mode.startswith("I;16"):
      grey = 255.0 * space.grey_to_srgb(np.asarray(image))
    else:
      grey = np.clip(np.asarray(image, dtype=np.float64) / 257.0, 0, 255)
    grey = np.round(grey).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)
  if space is not None:
    image = space.to_srgb(image)
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
    f"{where}: cannot be read as a picture ({reason}); replace or remove it"
  )


def _too_large(where: object, found: str) -> user_error.UserError:
  return user_error.UserError(
    f"{where}: claims {found} pixels, more than the limit of "
    f"{MAX_PIXELS // 1_000_000} million; store a smaller copy"
  )
