"""What lies beside the pictures that a scene names: others, masks, EXIF."""

import collections
import pathlib
from collections.abc import Sequence

from PIL import ExifTags

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.pictures import image_reader


def walk(folder: pathlib.Path) -> dict[str, pathlib.Path]:
  """Finds the pictures of a folder and of those in it, hidden ones not.

  Returns:
    Files by their names in the folder, with forward slashes, sorted.
  """
  return {
    path.relative_to(folder).as_posix(): path
    for path in sorted(folder.rglob("*"))
    if path.suffix.lower() in image_reader.SUFFIXES
    and not path.name.startswith(".")
    and path.is_file()
  }


def unnamed(folder: pathlib.Path, files: Sequence[pathlib.Path]) -> list[str]:
  """Names the pictures of a folder that are not among these files."""
  known = {file.absolute() for file in files}
  return [
    name for name, path in walk(folder).items() if path.absolute() not in known
  ]


def is_turned(file: pathlib.Path) -> bool:
  """Tells whether EXIF asks for a picture to be shown turned or mirrored.

  Raises:
    ValueError: it is no picture.
  """
  with image_reader.open_image(file) as image:
    try:
      return image.getexif().get(ExifTags.Base.Orientation, 1) not in (0, 1)
    except Exception:  # Pillow's readers raise nearly anything.
      return False


def find_masks(
  folder: pathlib.Path, names: Sequence[str], others: Sequence[str] = ()
) -> tuple[list[pathlib.Path | None], list[str]]:
  """Finds masks as COLMAP names them: `a.jpg.png` is that of `a.jpg`.

  `a.png` is, too, where no other picture is called `a`.

  Args:
    folder: of the masks; it may be missing.
    names: of the pictures, with forward slashes.
    others: of pictures beside them, which are not read.

  Returns:
    masks: one for each picture, None where there is none.
    spare: names of the files that are no mask of these pictures.
  """
  if not folder.is_dir():
    return [None] * len(names), []
  found = walk(folder)
  stems = [pathlib.PurePosixPath(name).with_suffix("") for name in names]
  counts = collections.Counter(stems)
  counts.update(pathlib.PurePosixPath(name).with_suffix("") for name in others)
  masks = []
  for name, stem in zip(names, stems, strict=True):
    mask = found.get(f"{name}.png")
    if mask is None and counts[stem] == 1:
      mask = found.get(f"{stem}.png")
    masks.append(mask)
  spare = [name for name, path in found.items() if path not in set(masks)]
  return masks, spare


def check_mask(
  mask: pathlib.Path, file: pathlib.Path, size: tuple[int, int]
) -> None:
  """Raises ValueError unless a mask is of the shape of its picture.

  Args:
    mask: its file.
    file: the picture, for the message.
    size: (width, height) of the picture.
  """
  own, _ = image_reader.read_header(mask)
  if not image_reader.same_aspect(size, own, reduced=True):
    raise user_error.UserError(
      f"{mask}: the mask is {own[0]}x{own[1]} but {file.name} is "
      f"{size[0]}x{size[1]}; expected one aspect ratio: make the mask again or "
      "remove it"
    )
