"""Collections of pictures: folders with subfolders, CSV lists, datasets.

A CSV list has a first line of column names: `file` (a path, from the folder of
the list) and, if wanted, `name`; other columns are ignored.
"""

import bisect
import csv
import dataclasses
import itertools
import os
import pathlib
from collections.abc import Iterator, Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import file_names, tfds_address
from stylized_nerf_jax.scenes.pictures import (
  picture_files,
  picture_formats,
  picture_sources,
)

_LIST = ".csv"
KINDS = "a folder of pictures, a .csv list of them, or tfds:NAME?data_dir=DIR"


@dataclasses.dataclass(frozen=True)
class Collection:
  """Pictures of one source.

  Attributes:
    pictures: in order, undecoded; a sequence that may be read from disk.
    messages: what a user should be told.
  """

  pictures: Sequence[picture_sources.Picture]
  messages: tuple[str, ...] = ()


class Chain(Sequence):
  """Several sequences, one behind the other, none of them copied."""

  def __init__(self, parts: Sequence[Sequence]):
    self._parts = tuple(parts)
    self._ends = list(itertools.accumulate(map(len, self._parts)))

  def __len__(self) -> int:
    return self._ends[-1] if self._ends else 0

  def __getitem__(self, index: int):
    index = range(len(self))[index]
    part = bisect.bisect_right(self._ends, index)
    before = self._ends[part - 1] if part else 0
    return self._parts[part][index - before]


def find(source: str | pathlib.Path) -> Collection:
  """Finds the pictures of one source without decoding any.

  Args:
    source: a folder (its subfolders included), a `.csv` list, a picture, or
      the address of a TensorFlow dataset.

  Raises:
    ValueError: nothing is there, there is no picture, or a list is wrong.
  """
  if tfds_address.is_address(source):
    from stylized_nerf_jax.scenes.pictures import tfds_pictures

    return Collection(tfds_pictures.open_pictures(str(source)))
  path = pathlib.Path(source).expanduser()
  if path.is_dir():
    return _find_in_folder(path)
  if not file_names.is_file(path):
    raise user_error.UserError(
      f"{path}: no such file or folder; expected {KINDS}"
    )
  if path.suffix.lower() == _LIST:
    return Collection(_read_list(path))
  return Collection((picture_sources.PictureFile(path),))


def find_all(sources: str) -> Chain:
  """Finds the pictures of several sources with commas between them.

  Raises:
    ValueError: as `find`, or nothing is named.
  """
  parts = [part.strip() for part in sources.split(",")]
  found = [find(part).pictures for part in parts if part]
  if not found:
    raise user_error.UserError(f"no pictures were given; expected {KINDS}")
  return Chain(found)


def _find_in_folder(folder: pathlib.Path) -> Collection:
  """Lists a folder and its subfolders by path; tells of other files."""
  pictures, others = [], []
  for path in _walk(folder):
    is_picture = picture_files.is_picture_name(path)
    (pictures if is_picture else others).append(path)
  pictures, twins, unread = picture_formats.choose(pictures)
  if unread and not pictures:
    raise picture_formats.missing_heif(unread[0])
  if not pictures:
    raise user_error.UserError(
      f"{folder}: holds no picture (found {len(others)} other file(s)); "
      f"expected files ending in {', '.join(picture_files.SUFFIXES)}"
    )
  messages = [
    f"{folder}: {line}"
    for line in picture_formats.describe_choice(twins, unread)
  ]
  if others:
    listed = ", ".join(path.name for path in others[:3])
    listed += ", ..." if len(others) > 3 else ""
    messages.append(
      f"{folder}: ignored {len(others)} file(s) that are no pictures: {listed}"
    )
  return Collection(
    tuple(
      picture_sources.PictureFile(path, given)
      for path, given in zip(pictures, _given_names(pictures, folder))
    ),
    tuple(messages),
  )


def _walk(folder: pathlib.Path) -> Iterator[pathlib.Path]:
  """Yields files, those of a folder before those of its subfolders.

  Hidden files and folders are left out, and links to folders not followed.
  """
  for place, folders, files in os.walk(folder):
    folders[:] = sorted(f for f in folders if not f.startswith("."))
    for name in sorted(files):
      if not name.startswith("."):
        yield pathlib.Path(place, name)


def _given_names(
  paths: Sequence[pathlib.Path], folder: pathlib.Path
) -> list[str]:
  """Names pictures by their subfolder too where two would have one name."""
  counts = {}
  for path in paths:
    counts[path.stem.casefold()] = counts.get(path.stem.casefold(), 0) + 1
  names = []
  for path in paths:
    parts = path.relative_to(folder).parent.parts
    shared = counts[path.stem.casefold()] > 1 and parts
    names.append("-".join([*parts, path.stem]) if shared else "")
  return names


def _read_list(path: pathlib.Path) -> tuple[picture_sources.PictureFile, ...]:
  """Reads a CSV list.

  Raises:
    ValueError: the file, a line or a picture's name is wrong.
  """
  pictures = []
  try:
    with path.open(newline="", encoding="utf-8-sig") as file:
      rows = csv.DictReader(file, strict=True)
      columns = [column.strip() for column in rows.fieldnames or ()]
      if "file" not in columns:
        raise user_error.UserError(
          f"{path}: its first line names the columns "
          f"{', '.join(columns)[:80] or 'none'}; expected file and, if wanted, "
          "name"
        )
      rows.fieldnames = columns
      for row in rows:
        where = f"{path}, line {rows.line_num}"
        pictures.append(_read_row(path.parent, row, where))
  except (csv.Error, UnicodeDecodeError) as error:
    raise user_error.UserError(
      f"{path}: not a readable list ({error}); expected CSV in UTF-8"
    ) from error
  if not pictures:
    raise user_error.UserError(
      f"{path}: lists no picture; expected a line for each"
    )
  return tuple(pictures)


def _read_row(
  folder: pathlib.Path, row: dict, where: str
) -> picture_sources.PictureFile:
  name = file_names.clean((row["file"] or "").strip())
  picture = file_names.inside(folder, name, where=f"{where}: file")
  if not picture_files.is_picture_name(picture):
    raise user_error.UserError(
      f"{where}: file is {name!r}; expected a name ending in "
      f"{', '.join(picture_files.SUFFIXES)}"
    )
  if not file_names.is_file(picture):
    raise user_error.UserError(
      f"{where}: no such file: {picture}; expected a picture: correct the line "
      "or remove it"
    )
  given = (row.get("name") or "").strip()
  return picture_sources.PictureFile(picture, given)
