"""Names of files that other files give, which may say anything."""

import os
import pathlib

from stylized_nerf_jax import user_error


def clean(name: str) -> str:
  """Returns a file path with forward slashes and without "./"."""
  return str(pathlib.PurePosixPath(name.replace("\\", "/")))


def inside(root: pathlib.Path, name: str, *, where: str) -> pathlib.Path:
  """Returns the path of a file in a folder.

  Links within the folder may lead anywhere: they are the user's own.

  Args:
    root: the folder.
    name: as `clean` returns it.
    where: file, entry and field to name in the message.

  Raises:
    ValueError: the name is empty or leads out of the folder.
  """
  inner = os.path.normpath(root.absolute() / name)
  if not pathlib.Path(inner).is_relative_to(os.path.normpath(root.absolute())):
    raise user_error.UserError(
      f"{where} is {name!r}, which leads out of {root}; expected a file in "
      "this folder: copy it there and correct the path"
    )
  if inner == os.path.normpath(root.absolute()):
    raise user_error.UserError(
      f"{where} is {name!r}; expected the name of a file"
    )
  return root / name


def is_file(path: pathlib.Path) -> bool:
  """Tells whether a file is there; a name too long to exist is not."""
  try:
    return path.is_file()
  except (OSError, ValueError):
    return False
