"""Pictures of a scene, opened by their headers, with all that may be wrong."""

import dataclasses
import io
import pathlib
import re

from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import picture_formats

# As many as Pillow opens; more is an attack or a mistake.
MAX_PIXELS = 178_956_970


@dataclasses.dataclass(frozen=True)
class EncodedPicture:
  """The bytes of a picture file that lies in something larger.

  Attributes:
    data: as a PNG or JPEG file holds them.
    where: what an error calls it.
  """

  data: bytes
  where: str

  def __str__(self) -> str:
    return self.where


def open_image(path: pathlib.Path | EncodedPicture) -> Image.Image:
  """Opens a picture by its header.

  Raises:
    ValueError: it is missing, empty, no picture, claims too many pixels, or
      needs an extra.
  """
  stream = path
  if isinstance(path, EncodedPicture):
    stream, count = io.BytesIO(path.data), len(path.data)
  elif pathlib.Path(path).is_file():
    count = pathlib.Path(path).stat().st_size
  else:
    raise user_error.UserError(f"{path}: no such image file")
  if count == 0:
    raise user_error.UserError(
      f"{path}: the image file is empty (0 bytes); copy it again or remove "
      "the image and its pose"
    )
  try:
    image = picture_formats.open_picture(stream, path)
  except picture_formats.MissingError:
    raise
  except Image.DecompressionBombError as error:
    raise _too_large(path, str(error)) from error
  except Exception as error:  # Pillow's readers raise nearly anything.
    raise user_error.UserError(
      f"{path}: not a readable image ({type(error).__name__}); copy it again "
      "or remove the image and its pose"
    ) from error
  if not 1 <= image.width * image.height <= MAX_PIXELS:
    size = f"{image.width}x{image.height}"
    image.close()
    raise _too_large(path, size)
  return image


def _too_large(path: pathlib.Path, found: str) -> user_error.UserError:
  """Refuses a picture by its header, before anything is decoded."""
  count = re.search("[0-9]+x?[0-9]*", found)
  return user_error.UserError(
    f"{path}: the image claims {count[0] if count else found} pixels; expected "
    f"1 to {MAX_PIXELS}: store a smaller copy, or remove the image and its pose"
  )
