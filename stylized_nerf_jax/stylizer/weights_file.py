"""The project's own weights files: trees of arrays and a note, in one npz.

Keys are paths such as "decoder/conv4_1/kernel"; "metadata" holds JSON. Nothing
in such a file is ever unpickled.
"""

import json
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import traverse_util

from stylized_nerf_jax import user_error

_METADATA = "metadata"


def save_weights(
  path: str | pathlib.Path,
  tree: Mapping[str, Any],
  metadata: Mapping[str, Any],
  *,
  dtype: str = "float32",
) -> None:
  """Write a tree of arrays; an existing file is replaced at once or not.

  Args:
    path: the file, ending in .npz.
    tree: nested dicts of arrays.
    metadata: what JSON can hold.
    dtype: "float32" or "float16", the storage of floating values.
  """
  path = pathlib.Path(path)
  arrays = {
    name: np.asarray(value, dtype if value.dtype.kind == "f" else None)
    for name, value in traverse_util.flatten_dict(tree, sep="/").items()
  }
  arrays[_METADATA] = np.array(json.dumps(metadata, sort_keys=True))
  partial = path.with_name(path.name + ".partial.npz")
  np.savez(partial, **arrays)
  partial.replace(path)


def load_weights(
  path: str | pathlib.Path,
) -> tuple[dict[str, Any], dict[str, Any]]:
  """Read what `save_weights` wrote.

  Args:
    path: the file.

  Returns:
    The tree, floating values as float32, and the metadata.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: it is not such a file.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(f"{path}: no such weights file")
  try:
    # numpy leaves a file that it opened itself open where that fails.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
      flat = {name: arrays[name] for name in arrays.files}
    metadata = json.loads(str(flat.pop(_METADATA)))
    tree = traverse_util.unflatten_dict(flat, sep="/")
  except (
    *(IndexError, KeyError, ValueError, OSError, EOFError),
    zipfile.BadZipFile,
  ) as error:
    raise user_error.UserError(
      f"{path}: expected an npz of weights with a metadata entry, as"
      f" train-stylizer writes it, found {error}; write the file again"
    ) from error
  return jax.tree.map(_single, tree), metadata


def _single(value: np.ndarray) -> np.ndarray:
  return value.astype(np.float32) if value.dtype.kind == "f" else value


def check_layout(
  tree: Mapping[str, Any], expected: Mapping[str, Any], source: str
) -> None:
  """Compare names and shapes of weights with those of a module.

  Args:
    tree: the weights.
    expected: arrays or shape structures, as `jax.eval_shape` gives them.
    source: the file, for the message.

  Raises:
    ValueError: a name is missing or unknown, or a shape differs.
  """
  wanted, found = (
    {name: tuple(leaf.shape) for name, leaf in flat.items()}
    for flat in (
      traverse_util.flatten_dict(expected, sep="/"),
      traverse_util.flatten_dict(tree, sep="/"),
    )
  )
  for name in sorted(wanted.keys() | found.keys()):
    if wanted.get(name) != found.get(name):
      raise user_error.UserError(
        f"{source}: {name} has shape {found.get(name, 'none (missing)')},"
        f" expected {wanted.get(name, 'no such entry')}; these are weights of"
        " another layout"
      )
