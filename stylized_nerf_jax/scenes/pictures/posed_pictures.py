"""Pictures with the cameras that a file of poses gives them."""

import dataclasses
import pathlib
from collections.abc import Sequence

from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes.pictures import (
  image_reader,
  mask_files,
  upright_files,
)


@dataclasses.dataclass(frozen=True)
class PosedPicture:
  """One picture, its camera and its masks.

  Attributes:
    camera: at the size of its file, upright.
    file: the image.
    factor: by which it is smaller than the whole picture.
    size: (width, height) that is wanted of it.
    orientation: by which its pixels are turned, 1 where they stay as stored.
    has_alpha: whether the file has.
    use: mask that is black where the image is not to be used, or None.
    avoid: mask that is black where it may be, or None.
    radius: of the disc of a fisheye, in widths of the image, or None.
    listed_as: how the file that lists it names it.
    is_test: whether that file holds it out.
    has_intrinsics: whether it has any of its own.
  """

  camera: camera_lib.Camera
  file: pathlib.Path
  factor: int
  size: tuple[int, int]
  orientation: int
  has_alpha: bool
  use: pathlib.Path | None
  avoid: pathlib.Path | None
  radius: float | None
  listed_as: str
  is_test: bool
  has_intrinsics: bool


def scene_parts(
  pictures: Sequence[PosedPicture], background: str
) -> tuple[camera_lib.Cameras, dict]:
  """Makes of pictures what a scene has of each.

  Returns:
    the cameras, at the sizes that are wanted.
    images, masks and alphas, by these names.
  """
  files, sizes = [p.file for p in pictures], [p.size for p in pictures]
  cameras = camera_lib.Cameras.from_list(
    [picture.camera.resized(*picture.size) for picture in pictures]
  )
  has_alpha = any(picture.has_alpha for picture in pictures)
  alphas = None
  if any(picture.orientation != 1 for picture in pictures):
    images = upright_files.UprightFiles(
      files, sizes, [p.orientation for p in pictures], background=background
    )
    if has_alpha:
      alphas = upright_files.UprightAlphas(images)
  else:
    images = image_reader.ImageFiles(files, sizes, background=background)
    if has_alpha:
      alphas = image_reader.AlphaFiles(files, sizes)
  masks = None
  if any(p.use or p.avoid or p.radius is not None for p in pictures):
    masks = mask_files.MaskFiles(
      [picture.use for picture in pictures],
      sizes,
      avoid=[picture.avoid for picture in pictures],
      radii=[picture.radius for picture in pictures],
    )
  return cameras, {"images": images, "masks": masks, "alphas": alphas}
