"""Weights that other programs wrote: .npz, .safetensors and .pth files.

A .pth file is a zip with a pickle inside. It is read by an unpickler that
knows how to rebuild tensors and nothing else, so no code in the file can run
and PyTorch is not needed. Names and layouts stay as the file has them.
"""

import collections
import io
import json
import math
import pathlib
import pickle
import struct
import zipfile
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error

_SAFETENSORS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8"}
_STORAGES = {
  "DoubleStorage": "<f8",
  "FloatStorage": "<f4",
  "HalfStorage": "<f2",
  "LongStorage": "<i8",
}
# A header or pickle beyond this is damage or an attack, not a description.
_LONGEST_HEADER = 100_000_000


def read_state_dict(path: str | pathlib.Path) -> dict[str, np.ndarray]:
  """Read a flat dict of arrays.

  Args:
    path: a file that ends in .npz, .safetensors, .pth or .pt.

  Returns:
    Name to array, in the file's order.

  Raises:
    FileNotFoundError: there is no such file.
    ValueError: the ending is not known, the file is damaged, or holds
      anything but named arrays of numbers.
  """
  path = pathlib.Path(path)
  readers = {
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
    ".pth": _read_torch,
    ".pt": _read_torch,
  }
  if path.suffix.lower() not in readers:
    raise user_error.UserError(
      f"{path}: a weights file ends in one of {sorted(readers)}, this one in"
      f" {path.suffix!r}; convert it"
    )
  if not path.is_file():
    raise FileNotFoundError(f"{path}: no such weights file")
  try:
    return readers[path.suffix.lower()](path.read_bytes())
  except Exception as error:  # a damaged file may raise nearly anything
    raise user_error.UserError(
      f"{path}: expected named arrays of numbers and nothing else, found"
      f" {error}; get the file again or convert it to .safetensors"
    ) from error


def _read_npz(content: bytes) -> dict[str, np.ndarray]:
  with np.load(io.BytesIO(content), allow_pickle=False) as file:
    return {name: file[name] for name in file.files}


def _read_safetensors(content: bytes) -> dict[str, np.ndarray]:
  (length,) = struct.unpack("<Q", content[:8])
  if length > _LONGEST_HEADER:
    raise user_error.UserError(f"a header of {length} bytes")
  header = json.loads(content[8 : 8 + length])
  data = content[8 + length :]
  arrays = {}
  for name, entry in header.items():
    if name == "__metadata__":
      continue
    start, end = entry["data_offsets"]
    array = np.frombuffer(data[start:end], _SAFETENSORS[entry["dtype"]])
    arrays[name] = array.reshape(entry["shape"])
  return arrays


class _StorageType:
  """Stands for a class such as torch.FloatStorage."""

  def __init__(self, dtype: str):
    self.dtype = dtype


def _rebuild_tensor(
  storage: np.ndarray,
  offset: int,
  size: tuple[int, ...],
  stride: tuple[int, ...],
  *_: Any,
) -> np.ndarray:
  """Cut a tensor out of its storage, as torch._utils does."""
  last = offset + sum((n - 1) * s for n, s in zip(size, stride))
  if math.prod(size) and not 0 <= offset <= last < storage.size:
    raise user_error.UserError(f"a tensor of shape {size} beyond its storage")
  bytes_stride = [s * storage.itemsize for s in stride]
  view = np.lib.stride_tricks.as_strided(
    storage[offset:], size, bytes_stride, writeable=False
  )
  return view.copy()


def _rebuild_parameter(data: np.ndarray, *_: Any) -> np.ndarray:
  return data


_ADMITTED = {
  ("collections", "OrderedDict"): collections.OrderedDict,
  ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
  ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
  **{("torch", name): _StorageType(d) for name, d in _STORAGES.items()},
}


class _TensorUnpickler(pickle.Unpickler):
  """An unpickler that can rebuild tensors from a zip, and nothing else."""

  def __init__(self, archive: zipfile.ZipFile, folder: str):
    super().__init__(io.BytesIO(archive.read(f"{folder}data.pkl")))
    self._archive = archive
    self._folder = folder

  def find_class(self, module: str, name: str) -> Any:
    if (module, name) not in _ADMITTED:
      raise pickle.UnpicklingError(f"the name {module}.{name}")
    return _ADMITTED[module, name]

  def persistent_load(self, pid: Any) -> np.ndarray:
    kind, storage_type, key, _, count = pid
    if kind != "storage" or not str(key).isdigit():
      raise pickle.UnpicklingError(f"the reference {kind} {key}")
    content = self._archive.read(f"{self._folder}data/{key}")
    storage = np.frombuffer(content, storage_type.dtype)
    if storage.size < count:
      raise pickle.UnpicklingError(f"a storage of {storage.size} values")
    return storage


def _read_torch(content: bytes) -> dict[str, np.ndarray]:
  with zipfile.ZipFile(io.BytesIO(content)) as archive:
    pickles = [n for n in archive.namelist() if n.endswith("data.pkl")]
    if len(pickles) != 1:
      raise user_error.UserError(f"{len(pickles)} pickles in the zip")
    folder = pickles[0].removesuffix("data.pkl")
    if archive.getinfo(pickles[0]).file_size > _LONGEST_HEADER:
      raise user_error.UserError("a pickle too long for a state dict")
    tree = _TensorUnpickler(archive, folder).load()
  if not isinstance(tree, dict):
    raise user_error.UserError(f"a {type(tree).__name__} and no state dict")
  arrays = {}
  for name, value in tree.items():
    if not isinstance(name, str) or not isinstance(value, np.ndarray):
      raise user_error.UserError(
        f"the entry {name!r} of type {type(value).__name__}"
      )
    arrays[name] = value
  return arrays
