"""What lies beside the pictures that a scene names: others, masks."""

import collections
import pathlib
from collections.abc import Sequence

from stylized_nerf_jax.scenes import leftovers
from stylized_nerf_jax.scenes.pictures import picture_formats


def walk(folder: pathlib.Path) -> dict[str, pathlib.Path]:
  """Finds the pictures of a folder and of those in it, hidden ones not.

  Returns:
    Files by their names in the folder, with forward slashes, sorted; without
    those that `picture_formats.choose` leaves out.
  """
  found, *_ = picture_formats.choose(
    path
    for path in sorted(folder.rglob("*"))
    if picture_formats.is_picture_name(path) and path.is_file()
  )
  return {path.relative_to(folder).as_posix(): path for path in found}


def unnamed(folder: pathlib.Path, files: Sequence[pathlib.Path]) -> list[str]:
  """Names the pictures of a folder that are not among these files."""
  known = {file.absolute() for file in files}
  return [
    name for name, path in walk(folder).items() if path.absolute() not in known
  ]


def unread(files: Sequence[pathlib.Path], root: pathlib.Path) -> list[str]:
  """Says what lies in the folders of pictures that no reader looks at.

  Args:
    files: the pictures.
    root: folder whose own entries are named elsewhere.
  """
  twins, heic, messages = [], [], []
  for folder in sorted({file.parent for file in files}):
    present = sorted(path for path in folder.iterdir() if path.is_file())
    named = [path for path in present if picture_formats.is_picture_name(path)]
    _, *left_out = picture_formats.choose(named)
    twins += left_out[0]
    heic += left_out[1]
    if folder.resolve() != root.resolve():
      others = {path.name for path in present} - {path.name for path in named}
      hidden = {name for name in others if name.startswith(".")}
      messages += leftovers.unread_keys(others, hidden, folder)
  return [*picture_formats.describe_choice(twins, heic), *messages]


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
