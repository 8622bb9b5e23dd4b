"""Where the pictures of a capture lie: at several sizes, or moved.

A capture has its photographs in `images`, and smaller copies in `images_N`; of
some data sets only one of these is there (DL3DV-10K: `images_4`). Files that
name pictures may have been written on another machine.
"""

import dataclasses
import os
import pathlib
import re
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import file_names, leftovers
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import transforms_json

# Last parts of another machine's path that are looked for in the folder.
_MOST_PARTS = 8


@dataclasses.dataclass(frozen=True)
class Found:
  """A picture that was found.

  Attributes:
    file: the picture.
    name: of it in the scene, with forward slashes: that of the whole picture
      where the file is a smaller copy.
    factor: N where the file is a copy of 1 / N of the size, otherwise 1.
  """

  file: pathlib.Path
  name: str
  factor: int


def sizes(root: pathlib.Path, name: str = "images") -> dict[int, pathlib.Path]:
  """Returns the folders `name` and `name_N` by N, which is 1 for `name`."""
  found = {}
  for folder in root.iterdir():
    match = re.fullmatch(rf"{re.escape(name)}(?:_([1-9][0-9]*))?", folder.name)
    if match and folder.is_dir():
      found[int(match[1] or 1)] = folder
  return found


def find(root: pathlib.Path, downsample: float) -> tuple[pathlib.Path, int]:
  """Chooses the folder whose pictures are decoded.

  Args:
    root: folder of the scene.
    downsample: wanted reduction, at least 1.

  Returns:
    `images_N` of the largest N up to `downsample` (`images` is 1), and N.

  Raises:
    ValueError: there is none; the message says what there is.
  """
  found = sizes(root)
  usable = [factor for factor in found if factor <= downsample]
  if not usable:
    have = ", ".join(found[factor].name for factor in sorted(found)) or "none"
    hint = f"; set downsample to {min(found)}" if found else ""
    raise user_error.UserError(
      f"{root}: no folder `images` or `images_N` with N up to downsample "
      f"{downsample:g} (found: {have}){hint}"
    )
  return found[max(usable)], max(usable)


def unused(
  root: pathlib.Path,
  files: Sequence[pathlib.Path],
  masks: Sequence[pathlib.Path],
  listed: Sequence[str],
) -> list[str]:
  """Says which pictures lie beside those of a scene and are none of it.

  Args:
    root: folder of the scene.
    files: the pictures of the scene.
    masks: of them.
    listed: names that were read, also of what is left out for another reason.

  Returns:
    A message, or none.
  """
  used = {*files, *masks}
  names = {pathlib.PurePosixPath(file_names.clean(n)).name for n in listed}
  # A name without ending is that of one file: of two types, one is not used.
  names -= {file.stem for file in files}
  left = [
    transforms_json.image_name(root, path)
    for folder in sorted({file.parent for file in files})
    for path in image_reader.list_images(folder)
    if path not in used and not {path.name, path.stem} & names
  ]
  return leftovers.left_out(left, "picture", "is named by no frame")


class Finder:
  """Finds the pictures that a file of poses names, in its folder.

  Looked for are, in this order: for names that begin with `images/` (or
  another name of such a folder) the copy of the largest N up to the wanted
  reduction, then the whole picture, then smaller copies; the name as it
  stands; the name in a folder beside the scene's, of those given. A path that
  leads out of the folder is looked for by its last parts, the longest first.
  """

  def __init__(
    self,
    root: pathlib.Path,
    *,
    downsample: float = 1,
    folder: str = "images",
    beside: Sequence[str] = (),
  ):
    """Looks at the folder once.

    Args:
      root: the folder.
      downsample: wanted reduction, at least 1.
      folder: name of the folders that have copies.
      beside: names of folders beside it that are looked into, too: nothing
        else outside of it ever is.
    """
    self.root = root
    self.folder = folder
    self.beside = [root.absolute().parent / name for name in beside]
    found = sizes(root, folder)
    small = sorted((n for n in found if n <= downsample), reverse=True)
    large = sorted(n for n in found if n > downsample)
    self._copies = [(n, found[n]) for n in (*small, *large)]

  def find(self, name: str, *, where: str) -> Found | None:
    """Finds a picture, whose name may lack the ending.

    Args:
      name: with forward slashes.
      where: file, frame and field, for messages.

    Returns:
      What was found, or None.

    Raises:
      ValueError: the name leads out of the folder by "..", and nothing in the
        folder ends in the same parts.
    """
    absolute = name.startswith("/") or re.match("[A-Za-z]:/", name)
    base = pathlib.Path(os.path.normpath(self.root.absolute()))
    inner = pathlib.Path(os.path.normpath(base / name))
    if inner.is_relative_to(base) and inner != base:
      found = self._look_up(inner.relative_to(base).as_posix(), where)
      if found or not absolute:
        return found
    if inner != base:
      parts = [part for part in inner.parts if part != inner.anchor]
      for count in range(min(len(parts), _MOST_PARTS), 0, -1):
        found = self._look_up("/".join(parts[-count:]), where)
        if found:
          return found
    if not absolute:
      file_names.inside(self.root, name, where=where)
    return None

  def _look_up(self, name: str, where: str) -> Found | None:
    """Finds a picture by a name that does not lead out."""
    first, _, rest = os.path.normpath(name).partition("/")
    if rest and first == self.folder:
      for factor, folder in self._copies:
        file = transforms_json.find_image(folder, rest, where=where)
        if file is None and factor > 1:
          file = self._find_copy(folder, pathlib.PurePosixPath(rest), where)
        if file is not None:
          return Found(file, _named(name, file), factor)
    file = transforms_json.find_image(self.root, name, where=where)
    if file is not None:
      return Found(file, transforms_json.image_name(self.root, file), 1)
    for folder in self.beside:
      file = transforms_json.find_image(folder, name, where=where)
      if file is not None:
        return Found(file, _named(name, file), 1)
    return None

  @staticmethod
  def _find_copy(
    folder: pathlib.Path, name: pathlib.PurePosixPath, where: str
  ) -> pathlib.Path | None:
    """Finds a smaller copy: of another format, or not in a folder of its own.

    nerfstudio keeps all copies in one folder.
    """
    for other in (name.with_suffix(""), name.name, name.stem):
      file = transforms_json.find_image(folder, str(other), where=where)
      if file is not None:
        return file
    return None


def _named(name: str, file: pathlib.Path) -> str:
  """Returns the name that was given, with the ending of the file."""
  given = pathlib.PurePosixPath(os.path.normpath(name))
  if given.suffix.lower() == file.suffix.lower():
    return str(given)
  if given.name == file.stem:
    return f"{given}{file.suffix}"
  return str(given.with_suffix(file.suffix))


def others(root: pathlib.Path, chosen: pathlib.Path) -> list[str]:
  """Returns a message of the folders that were not chosen; or none."""
  found = sizes(root)
  names = [found[n].name for n in sorted(found) if found[n] != chosen]
  if not names:
    return []
  return [
    f"pictures are read from {chosen.name}, not from {leftovers.some(names)}"
  ]
