"""Photographs of a capture: checked, upright, and grouped by camera.

Poses refer to the pixels as stored, and so nothing after this looks at EXIF
orientation; nor do other programs look at colour profiles. What is JPEG or PNG,
upright and of sRGB is copied as it is.
"""

import contextlib
import dataclasses
import pathlib
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence

from PIL import ExifTags, Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import leftovers
from stylized_nerf_jax.scenes.pictures import (
  color_profiles,
  image_reader,
  picture_files,
  picture_formats,
  picture_opening,
)

# What Pillow calls a JPEG of several pictures, as phones write, is MPO.
_COPIED = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png"}
# HEIC and AVIF are lossy themselves: as PNG they would grow tenfold.
_ENDINGS = {**_COPIED, "HEIF": ".jpg", "AVIF": ".jpg"}
_EXIF_SRGB = 1
_CAMERA_TAGS = (ExifTags.Base.Make, ExifTags.Base.Model)
_LENS_TAGS = (
  ExifTags.Base.FocalLength,
  ExifTags.Base.FocalLengthIn35mmFilm,
)
_MODES = ("RGB", "L")
_QUALITY = 95
_RAW = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf")


@dataclasses.dataclass(frozen=True)
class Photograph:
  """One photograph as it lies in the folder of the user.

  Attributes:
    path: its file.
    size: (width, height), upright.
    ready: whether it is stored upright and in sRGB, as 8-bit JPEG or PNG.
    ending: of its copy, ".jpg" or ".png".
    camera: make, model and focal lengths by its EXIF data, as far as they
      stand there.
  """

  path: pathlib.Path
  size: tuple[int, int]
  ready: bool
  ending: str
  camera: tuple


def find(folder: pathlib.Path) -> list[Photograph]:
  """Lists the photographs of a folder in natural order.

  Raises:
    ValueError: there are none, or one is no picture or damaged, or all are
      HEIC and the extra `heic` is missing.
  """
  try:
    paths = image_reader.list_images(folder)
  except picture_formats.MissingError:
    raise
  except ValueError:
    raise _nothing(folder) from None
  with _despite_broken_exif():
    image_reader.check_files(paths)
    return [_look(path) for path in paths]


def describe(
  folder: pathlib.Path, photographs: Sequence[Photograph]
) -> list[str]:
  """Says what is left out of a folder, and what is done about colours."""
  present = [
    path
    for path in sorted(folder.iterdir())
    if picture_formats.is_picture_name(path) and path.is_file()
  ]
  _, *left_out = picture_formats.choose(present)
  paths = [photograph.path for photograph in photographs]
  with _despite_broken_exif():
    return [
      *picture_formats.describe_choice(*left_out),
      *leftovers.unread_entries(folder, {path.name for path in present}),
      *image_reader.describe_colors(paths, "photographs"),
    ]


def bring(
  photographs: Sequence[Photograph],
  folder: pathlib.Path,
  advance: Callable[[int], None],
) -> list[str]:
  """Brings photographs upright into a folder, those not there before.

  Args:
    photographs: P of them.
    folder: is made where it is missing.
    advance: told of every one.

  Returns:
    P names in the folder, which differ.

  Raises:
    ValueError: a photograph cannot be decoded.
    OSError: one cannot be written.
  """
  folder.mkdir(parents=True, exist_ok=True)
  names = _names(photographs)
  for photograph, name in zip(photographs, names, strict=True):
    if not (folder / name).exists():
      temporary = folder / f".{name}"
      with _despite_broken_exif():
        _write(photograph, temporary)
      temporary.replace(folder / name)
    advance(1)
  return names


def group(
  photographs: Sequence[Photograph], names: Sequence[str]
) -> list[list[str]]:
  """Groups names of photographs that share a camera, its zoom and a size."""
  groups = {}
  for photograph, name in zip(photographs, names, strict=True):
    key = (photograph.size, photograph.camera)
    groups.setdefault(key, []).append(name)
  return list(groups.values())


@contextlib.contextmanager
def _despite_broken_exif() -> Iterator[None]:
  """Keeps Pillow from warning of it, which is no damage to a photograph."""
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    yield


def _look(path: pathlib.Path) -> Photograph:
  with picture_opening.open_image(path) as image:
    exif, details = _exif(image)
    turned = exif.get(ExifTags.Base.Orientation, 1)
    width, height = image.size
    return Photograph(
      path=path,
      size=(height, width) if turned in (5, 6, 7, 8) else (width, height),
      ready=turned in (0, 1)
      and image.format in _COPIED
      and image.mode in _MODES
      and color_profiles.find(image) is None,
      ending=_ENDINGS.get(image.format, ".png"),
      camera=(
        *(str(exif.get(tag, "")) for tag in _CAMERA_TAGS),
        *(str(details.get(tag, "")) for tag in _LENS_TAGS),
      ),
    )


def _exif(image) -> tuple[dict, dict]:
  """Returns the tags of a picture and those of its exposure; none if broken."""
  try:
    exif = image.getexif()
    return dict(exif), dict(exif.get_ifd(ExifTags.IFD.Exif))
  except Exception:  # Pillow's readers raise nearly anything.
    return {}, {}


def _names(photographs: Sequence[Photograph]) -> list[str]:
  """Names files by their own names, in words without blanks.

  What would be equal is numbered.
  """
  names = []
  for photograph in photographs:
    stem = re.sub(r"[^\w.-]", "_", photograph.path.stem)
    ending = photograph.ending
    name, number = f"{stem}{ending}", 2
    while name in names:
      name = f"{stem}_{number}{ending}"
      number += 1
    names.append(name)
  return names


def _write(photograph: Photograph, path: pathlib.Path) -> None:
  if photograph.ready:
    shutil.copyfile(photograph.path, path)
    return
  with picture_opening.open_image(photograph.path) as image:
    try:
      pixels = Image.fromarray(picture_files.to_rgb(image))
      exif = _upright_srgb(image.getexif())
    except Exception as error:  # Pillow's readers raise nearly anything.
      raise user_error.UserError(
        f"{photograph.path}: the image is damaged ({error}); copy it again or "
        "remove it"
      ) from error
  kind = "JPEG" if path.suffix == ".jpg" else "PNG"
  options = {"quality": _QUALITY, "subsampling": 0} if kind == "JPEG" else {}
  # The focal length stands there, which structure from motion starts from.
  pixels.save(path, kind, exif=exif, **options)


def _upright_srgb(exif: Image.Exif) -> bytes:
  """Returns EXIF data that say of the pixels what is true once converted."""
  exif.pop(ExifTags.Base.Orientation, None)
  details = exif.get_ifd(ExifTags.IFD.Exif)
  details.pop(ExifTags.IFD.Interop, None)
  if details:
    details[ExifTags.Base.ColorSpace] = _EXIF_SRGB
  return exif.tobytes()


def _nothing(folder: pathlib.Path) -> user_error.UserError:
  if not any(folder.iterdir()):
    return user_error.UserError(
      f"{folder}: the folder is empty; expected photographs, or name a video"
    )
  endings = ", ".join(image_reader.SUFFIXES)
  raw = sorted(
    path.name for path in folder.iterdir() if path.suffix.lower() in _RAW
  )
  if raw:
    return user_error.UserError(
      f"{folder}: {len(raw)} raw files such as {raw[0]} and no picture that "
      f"can be read; expected files ending in {endings}: export them as JPEG"
    )
  return user_error.UserError(
    f"{folder}: no photographs; expected files ending in {endings}, or name a "
    "video"
  )
