"""Pictures as the stylizer takes them: a file, or a record of a dataset.

Each has a name, tells where it is from, and is decoded when it is read.
"""

import dataclasses
import pathlib
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from PIL import Image

from stylized_nerf_jax.scenes.pictures import color_profiles, picture_files

_EXIF_ORIENTATION = 0x0112


class Picture(Protocol):
  """One picture.

  Attributes:
    name: file name, or what stands for one.
    stem: the name without its ending.
    origin: what an error calls it.
  """

  name: str
  stem: str
  origin: str

  def read(self) -> np.ndarray:
    """Decodes it: upright sRGB, uint8 [H, W, 3], transparency over white.

    Raises:
      ValueError: it is damaged or too large.
    """

  def encoded(self) -> bytes | None:
    """Returns a JPEG or PNG file of just these pixels, where it is one."""


@dataclasses.dataclass(frozen=True, slots=True)
class PictureFile:
  """A picture file.

  Attributes:
    path: of the file.
    given: name that a list gave it in place of its file's, or "".
  """

  path: pathlib.Path
  given: str = ""

  @property
  def name(self) -> str:
    """The stem with the ending of the file."""
    return self.stem + self.path.suffix

  @property
  def stem(self) -> str:
    """The name that was given, or that of the file without its ending."""
    return self.given or self.path.stem

  @property
  def origin(self) -> str:
    """The path."""
    return str(self.path)

  def read(self) -> np.ndarray:
    """Decodes the file."""
    return picture_files.read_picture(self.path)

  def encoded(self) -> bytes | None:
    """Returns the file, unless it is turned, transparent or not 8-bit sRGB."""
    try:
      with Image.open(self.path, formats=("JPEG", "PNG")) as image:
        upright = image.getexif().get(_EXIF_ORIENTATION, 1) == 1
        plain = image.mode == "RGB" and "transparency" not in image.info
        plain = plain and color_profiles.find(image) is None
    except Exception:  # `read` says what is wrong with it.
      return None
    return self.path.read_bytes() if upright and plain else None


def describe_colors(pictures: Iterable[Picture]) -> list[str]:
  """Says what is done about the colours of those that are files."""
  paths = [one.path for one in pictures if isinstance(one, PictureFile)]
  return picture_files.describe_colors(paths, "pictures")
