"""Files of arrays with JSON beside them: npz without pickles.

Reading one cannot run code. Arrays are named by their paths in a tree, and
`__meta__` is JSON text as bytes, which says what the file is.
"""

import json
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from stylized_nerf_jax.host import disk

# What damaged files raise while they are read.
DAMAGED = (
  *(ValueError, LookupError, TypeError, AttributeError, OSError, EOFError),
  zipfile.BadZipFile,
)
_META = "__meta__"


def write(path: pathlib.Path, arrays: Mapping[str, Any], meta: Mapping) -> None:
  """Writes a file so that a kill leaves the old one or the new.

  Args:
    path: of the file.
    arrays: by their names.
    meta: what JSON can hold.

  Raises:
    DiskFullError: there is no space.
  """
  text = np.frombuffer(json.dumps(meta).encode(), np.uint8)
  temporary = path.with_name(path.name + ".tmp")
  with disk.writing(path), temporary.open("wb") as file:
    np.savez(file, **arrays, **{_META: text})
  temporary.replace(path)


def read(path: pathlib.Path) -> tuple[dict[str, np.ndarray], dict]:
  """Reads what `write` wrote: arrays by their names, and what JSON held.

  Raises:
    Exception: one of `DAMAGED`, where the file is damaged or no such file.
  """
  # np.load would also take an array of its own format, and leave the file
  # open where it is no archive.
  with path.open("rb") as file:
    archive = np.lib.npyio.NpzFile(file, allow_pickle=False)
    arrays = {name: archive[name] for name in archive.files}
  return arrays, json.loads(arrays.pop(_META).tobytes())


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, np.ndarray]:
  """Names the arrays of a tree by their paths, "folder/leaf"."""
  flat: dict[str, np.ndarray] = {}
  for name, value in tree.items():
    if isinstance(value, Mapping):
      flat |= flatten(value, f"{prefix}{name}/")
    else:
      flat[prefix + name] = np.asarray(value)
  return flat


def below(
  arrays: Mapping[str, np.ndarray], prefix: str
) -> dict[str, np.ndarray]:
  """Returns the arrays whose names begin with a prefix, without it."""
  return {
    name.removeprefix(prefix): values
    for name, values in arrays.items()
    if name.startswith(prefix)
  }


def unflatten(arrays: Mapping[str, np.ndarray], prefix: str = "") -> dict:
  """Restores the tree of the arrays whose paths begin with a prefix."""
  tree: dict = {}
  for path, value in below(arrays, prefix).items():
    *folders, leaf = path.split("/")
    branch = tree
    for folder in folders:
      branch = branch.setdefault(folder, {})
    branch[leaf] = value
  return tree
