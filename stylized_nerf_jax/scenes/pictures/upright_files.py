"""Photographs that are stored on their side, and decoded upright.

A camera that is turned stores its pixels as its sensor has them, and how they
are to be turned in the EXIF tag Orientation (EXIF 2.32, 4.6.4). What says where
pixels look means either the pixels as stored or those of the upright picture.
"""

import hashlib
import pathlib
import warnings
from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax.scenes.pictures import image_reader, picture_opening

_TAG = 0x0112
# Orientations under which width and height change places.
SIDEWAYS = (5, 6, 7, 8)
# Pillow turns TIFF itself, and would have to decode PNG to find the tag.
_FORMATS = ("JPEG", "WEBP")


def orientation(path: pathlib.Path) -> int:
  """Returns the EXIF orientation of a picture file, 1 (upright) to 8.

  Raises:
    ValueError: it is no picture.
  """
  with picture_opening.open_image(path) as image:
    if image.format not in _FORMATS:
      return 1
    try:
      with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Other tags may be damaged.
        found = image.getexif().get(_TAG, 1)
    except Exception:  # Pillow's readers raise nearly anything.
      return 1
  return found if found in range(1, 9) else 1


def choose(
  path: pathlib.Path,
  size: tuple[int, int],
  stated: tuple[float | None, float | None],
) -> tuple[tuple[int, int], int, str]:
  """Decides which pixels a file of poses means: as stored, unless it says so.

  Args:
    path: the picture.
    size: (width, height) of it as stored.
    stated: (width, height) in the file of poses, None where they are not.

  Returns:
    (width, height) of the picture that is meant.
    the orientation by which it is turned, 1 where it stays as stored.
    a note for the user where it matters, otherwise "".
  """
  tag = orientation(path)
  if tag == 1:
    return size, 1, ""
  if tag in SIDEWAYS and None not in stated:
    turned, stored = (
      image_reader.same_aspect(s, stated, reduced=True)
      for s in (size[::-1], size)
    )
    if turned and not stored:
      note = "turned upright by the image's EXIF orientation, as w and h ask"
      return size[::-1], tag, note
  return (
    size,
    1,
    "the image's EXIF orientation is not followed: the camera is taken to be "
    "that of the pixels as stored",
  )


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
  """Turns pixels [H, W, ...], stored with a sideways orientation, upright."""
  if orientation in (5, 7):
    pixels = np.swapaxes(pixels, 0, 1)
    return np.rot90(pixels, 2) if orientation == 7 else pixels
  return np.rot90(pixels, -1 if orientation == 6 else 1)


class UprightFiles(image_reader.ImageFiles):
  """images[i]: float32 [H, W, 3], upright, alpha over the background."""

  def __init__(
    self,
    paths: Sequence[pathlib.Path],
    sizes: Sequence[tuple[int, int]],
    orientations: Sequence[int],
    *,
    background: str = "white",
  ):
    """Takes V files.

    Args:
      paths: of the pictures.
      sizes: (width, height) that they are wanted in, upright.
      orientations: one of `SIDEWAYS`, or 1 where the pixels stay as stored.
      background: as of `ImageFiles`.
    """
    super().__init__(paths, sizes, background=background)
    self.orientations = tuple(orientations)

  def rgba(self, index):
    if self.orientations[index] not in SIDEWAYS:
      return super().rgba(index)
    color, alpha = image_reader.decode_rgba(
      self.paths[index], self.sizes[index][::-1]
    )
    turned = self.orientations[index]
    return turn(color, turned), None if alpha is None else turn(alpha, turned)

  def __getitem__(self, index):
    return image_reader.composite(*self.rgba(index), self.background)

  def file_digest(self, index):
    turned = f"orientation {self.orientations[index]}"
    return hashlib.sha256(super().file_digest(index) + turned.encode()).digest()


class UprightAlphas(Sequence):
  """alphas[i]: float32 [H, W] of `UprightFiles`; 1 where a file has none."""

  def __init__(self, images: UprightFiles):
    self.images = images

  def __len__(self) -> int:
    return len(self.images)

  def __getitem__(self, index: int) -> np.ndarray:
    color, alpha = self.images.rgba(index)
    return np.ones_like(color[..., 0]) if alpha is None else alpha
