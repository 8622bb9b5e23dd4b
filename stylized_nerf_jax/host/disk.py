"""Writing to disks that may be full: one clear error, whoever noticed it."""

import contextlib
import errno
import json
import os
import pathlib
import re
from collections.abc import Iterator

import numpy as np

_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# Of libraries that pass on the message and not the number; numpy has neither.
_WORDS = re.compile(
  r"no space left|quota exceeded|file too large|"
  r"\d+ requested and \d+ written",
  re.IGNORECASE,
)


class DiskFullError(OSError):
  """Nothing more can be written; what was written before is intact."""


@contextlib.contextmanager
def writing(path: str | pathlib.Path) -> Iterator[None]:
  """Turns what a full disk makes a block raise into a `DiskFullError`.

  Args:
    path: what is written, for the message.
  """
  try:
    yield
  except DiskFullError:
    raise
  except Exception as error:  # Checkpoint libraries raise nearly anything.
    if not is_full(error):
      raise
    raise DiskFullError(
      f"no space left to write {path}: free some; what was saved before is "
      "intact, and the same command goes on from there"
    ) from error


def open_memmap(path: pathlib.Path, dtype, shape: tuple[int, ...]) -> np.memmap:
  """Makes an array in a .npy file, with all the space that it takes.

  A disk that is full only when a mapped page is written kills the process.

  Args:
    path: of the file, which is overwritten.
    dtype, shape: of the array.

  Raises:
    DiskFullError: there is no space.
  """
  with writing(path):
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    with path.open("rb+") as file:
      os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
  return array


def write_json(path: pathlib.Path, values) -> None:
  """Writes JSON so that a kill or a full disk leaves the old file or the new.

  Raises:
    DiskFullError: there is no space.
  """
  temporary = path.with_suffix(path.suffix + ".tmp")
  with writing(path):
    temporary.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
    temporary.replace(path)


def is_full(error: BaseException | None) -> bool:
  """Tells whether an exception, or what caused it, is a full disk."""
  while error is not None:
    if isinstance(error, OSError) and error.errno in _NUMBERS:
      return True
    if _WORDS.search(str(error)):
      return True
    error = error.__cause__ or error.__context__
  return False
