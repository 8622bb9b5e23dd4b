"""Arrays of `.npy` and `.npz` files, measured before anything is allocated.

Only numbers are read, never pickles.
"""

import math
import pathlib
import zipfile
from collections.abc import Mapping

import numpy as np

from stylized_nerf_jax import user_error

# Deflate cannot shrink anything further than this.
_MOST_SHRUNK = 1100


def read_npy(path: pathlib.Path, *, expected: str) -> np.ndarray:
  """Reads a `.npy` file.

  Args:
    path: the file.
    expected: what it should hold, for messages.

  Raises:
    ValueError: it cannot be read, or holds other than what it claims.
  """
  try:
    with path.open("rb") as file:
      return _read(file, path.stat().st_size)
  except Exception as error:  # numpy's readers raise nearly anything.
    raise user_error.UserError(
      f"{path}: not a readable .npy file ({_reason(error)}); expected numbers "
      f"of {expected}: copy it again"
    ) from error


class NpzFile(Mapping):
  """The arrays of a `.npz` file by name, read when they are asked for.

  Raises:
    ValueError: the file, or an array of it, cannot be read.
  """

  def __init__(self, path: pathlib.Path):
    self.path = pathlib.Path(path)
    try:
      with zipfile.ZipFile(self.path) as archive:
        members = archive.infolist()
    except Exception as error:  # A damaged archive raises nearly anything.
      raise user_error.UserError(
        f"{self.path}: not a readable .npz file ({_reason(error)}); copy it "
        "again"
      ) from error
    self._members = {
      info.filename.removesuffix(".npy"): info for info in members
    }

  def __len__(self) -> int:
    return len(self._members)

  def __iter__(self):
    return iter(self._members)

  def __getitem__(self, name: str) -> np.ndarray:
    info = self._members[name]
    try:
      size = self.path.stat().st_size
      if not 0 <= info.compress_size <= size:
        raise user_error.UserError(f"{info.compress_size} bytes of {size}")
      if info.file_size > _MOST_SHRUNK * info.compress_size:
        raise user_error.UserError(
          f"{info.file_size} bytes out of {info.compress_size}"
        )
      with zipfile.ZipFile(self.path) as archive, archive.open(info) as file:
        return _read(file, info.file_size)
    except Exception as error:  # A damaged archive raises nearly anything.
      raise user_error.UserError(
        f'{self.path}: the array "{name}" cannot be read ({_reason(error)}); '
        "expected numbers: write the file again"
      ) from error


def _read(file, size: int) -> np.ndarray:
  """Reads one array from a stream that claims to hold `size` bytes."""
  version = np.lib.format.read_magic(file)
  read_header = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
  }.get(version)
  if read_header is None:
    raise user_error.UserError(f"version {version} of the format")
  shape, fortran_order, dtype = read_header(file)
  if dtype.kind not in "biuf" or dtype.itemsize > 16:
    raise user_error.UserError(f"{dtype} values")
  if any(side < 0 for side in shape):
    raise user_error.UserError(f"shape {list(shape)}")
  claimed = math.prod(shape) * dtype.itemsize
  if claimed > size:
    raise user_error.UserError(
      f"shape {list(shape)} of {dtype} takes {claimed} bytes, of which there "
      f"are at most {size}"
    )
  values = file.read(claimed)
  if len(values) != claimed:
    raise user_error.UserError(f"{claimed} bytes claimed, {len(values)} there")
  array = np.frombuffer(values, dtype)
  return array.reshape(shape, order="F" if fortran_order else "C")


def _reason(error: Exception) -> str:
  return " ".join(str(error).split()) or type(error).__name__
