"""Weights that other programs wrote: .npz, .safetensors and .pth files.

A .pth file has a pickle inside, and is a zip, or, as PyTorch wrote until 2020,
five pickles and the numbers after them. Both are read by an unpickler that
knows how to rebuild tensors and nothing else, so no code in the file can run
and PyTorch is not needed. Names and layouts stay as the file has them.
"""

import collections
import dataclasses
import math
import pathlib
import pickle
import zipfile
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import safetensors

from stylized_nerf_jax import user_error

_STORAGES = {
  "DoubleStorage": "<f8",
  "FloatStorage": "<f4",
  "HalfStorage": "<f2",
  "LongStorage": "<i8",
}
# A pickle beyond this is damage or an attack, not a description.
_LONGEST_PICKLE = 100_000_000
# What begins a .pth file that is no zip: a number and a version, pickled.
_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001


def read_state_dict(
  path: str | pathlib.Path, *, skip: str | None = None
) -> dict[str, np.ndarray]:
  """Read a flat dict of arrays.

  Args:
    path: a file that ends in .npz, .safetensors, .pth or .pt.
    skip: entries whose names begin so are left out, and not read.

  Returns:
    Name to array.

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

  def wanted(name: str) -> bool:
    return skip is None or not name.startswith(skip)

  try:
    return readers[path.suffix.lower()](path, wanted)
  except Exception as error:  # a damaged file may raise nearly anything
    raise user_error.UserError(
      f"{path}: expected named arrays of numbers and nothing else, found"
      f" {error}; get the file again or convert it to .safetensors"
    ) from error


def _read_npz(path: pathlib.Path, wanted) -> dict[str, np.ndarray]:
  # numpy leaves a file that it opened itself open where that fails.
  with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
    return {name: arrays[name] for name in arrays.files if wanted(name)}


def _read_safetensors(path: pathlib.Path, wanted) -> dict[str, np.ndarray]:
  with safetensors.safe_open(path, framework="numpy") as file:
    names = [name for name in file.keys() if wanted(name)]  # noqa: SIM118
    return {name: file.get_tensor(name) for name in names}


class _StorageType:
  """Stands for a class such as torch.FloatStorage."""

  def __init__(self, dtype: str):
    self.dtype = dtype


@dataclasses.dataclass(frozen=True)
class _Storage:
  """Numbers in the file that tensors are cut from.

  Attributes:
    dtype: numpy's name of their type.
    count: of them.
    read: returns their bytes.
  """

  dtype: str
  count: int
  read: Callable[[], bytes]


@dataclasses.dataclass(frozen=True)
class _Tensor:
  """A tensor whose numbers are not read yet; offset and stride in numbers."""

  storage: _Storage
  offset: int
  size: tuple[int, ...]
  stride: tuple[int, ...]

  def __post_init__(self):
    steps = sum((n - 1) * s for n, s in zip(self.size, self.stride))
    last = self.offset + steps
    inside = 0 <= self.offset <= last < self.storage.count
    if math.prod(self.size) and not inside:
      raise user_error.UserError(
        f"a tensor of shape {self.size} beyond its storage"
      )

  def array(self) -> np.ndarray:
    """Cut the tensor out of its storage, as torch._utils does."""
    values = np.frombuffer(self.storage.read(), self.storage.dtype)
    if values.size < self.storage.count:
      raise user_error.UserError(f"a storage of {values.size} values")
    strides = [s * values.itemsize for s in self.stride]
    view = np.lib.stride_tricks.as_strided(
      values[self.offset :], self.size, strides, writeable=False
    )
    return view.copy()


def _rebuild_tensor(storage, offset, size, stride, *_: Any) -> _Tensor:
  return _Tensor(storage, offset, size, stride)


def _rebuild_parameter(data: _Tensor, *_: Any) -> _Tensor:
  return data


_ADMITTED = {
  ("collections", "OrderedDict"): collections.OrderedDict,
  ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
  ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
  ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
  **{("torch", name): _StorageType(d) for name, d in _STORAGES.items()},
}


class _TensorUnpickler(pickle.Unpickler):
  """An unpickler that can rebuild tensors, and nothing else.

  Args:
    file: at the beginning of the pickle.
    read: returns the bytes of the storage of a key and a size in bytes.
  """

  def __init__(self, file: IO[bytes], read: Callable[[str, int], bytes]):
    super().__init__(file)
    self._read = read
    self.storages: dict[str, _Storage] = {}

  def find_class(self, module: str, name: str) -> Any:
    if (module, name) not in _ADMITTED:
      raise pickle.UnpicklingError(f"the name {module}.{name}")
    return _ADMITTED[module, name]

  def persistent_load(self, pid: Any) -> _Storage:
    kind, storage_type, key, _, count, *view = pid
    if kind != "storage" or not str(key).isdigit() or any(view):
      raise pickle.UnpicklingError(f"the reference {kind} {key}")
    dtype = storage_type.dtype
    size = count * np.dtype(dtype).itemsize
    storage = _Storage(dtype, count, lambda: self._read(str(key), size))
    self.storages[str(key)] = storage
    return storage


def _read_torch(path: pathlib.Path, wanted) -> dict[str, np.ndarray]:
  with path.open("rb") as file:
    if not zipfile.is_zipfile(file):
      file.seek(0)
      return _read_pickles(file, wanted)
    with zipfile.ZipFile(file) as archive:
      return _read_zip(archive, wanted)


def _read_zip(archive: zipfile.ZipFile, wanted) -> dict[str, np.ndarray]:
  pickles = [n for n in archive.namelist() if n.endswith("data.pkl")]
  if len(pickles) != 1:
    raise user_error.UserError(f"{len(pickles)} pickles in the zip")
  folder = pickles[0].removesuffix("data.pkl")
  if archive.getinfo(pickles[0]).file_size > _LONGEST_PICKLE:
    raise user_error.UserError("a pickle too long for a state dict")
  with archive.open(pickles[0]) as file:
    tree = _TensorUnpickler(
      file, lambda key, _: archive.read(f"{folder}data/{key}")
    ).load()
  return _arrays(tree, wanted)


def _read_pickles(file: IO[bytes], wanted) -> dict[str, np.ndarray]:
  """Read what PyTorch wrote before its files were zips."""
  places: dict[str, int] = {}

  def read(key: str, size: int) -> bytes:
    file.seek(places[key])
    return file.read(size)

  def load() -> Any:
    return _TensorUnpickler(file, read).load()

  # Number, version, and the byte order and sizes of the machine.
  if (load(), load()) != (_MAGIC, _VERSION) or not load()["little_endian"]:
    raise user_error.UserError("no file of PyTorch, or of a big-endian machine")
  unpickler = _TensorUnpickler(file, read)
  tree = unpickler.load()
  # The storages follow, each behind its count.
  for key in load():
    storage = unpickler.storages[key]
    if int.from_bytes(file.read(8), "little") != storage.count:
      raise user_error.UserError(f"a storage that is not of {storage.count}")
    places[key] = file.tell()
    file.seek(storage.count * np.dtype(storage.dtype).itemsize, 1)
  return _arrays(tree, wanted)


def _arrays(tree: Any, wanted) -> dict[str, np.ndarray]:
  if not isinstance(tree, dict):
    raise user_error.UserError(f"a {type(tree).__name__} and no state dict")
  for name, value in tree.items():
    if not isinstance(name, str) or not isinstance(value, _Tensor):
      raise user_error.UserError(
        f"the entry {name!r} of type {type(value).__name__}"
      )
  return {name: value.array() for name, value in tree.items() if wanted(name)}
