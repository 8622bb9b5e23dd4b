"""Binary files of a COLMAP model: little-endian, packed, counts in front.

Every count is compared with the bytes that are left before anything is made
of it.
"""

import pathlib
import struct

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.readers import colmap_model as model_lib

_LONGEST_NAME = 4096


class _Bytes:
  """The bytes of a file, taken from the front."""

  def __init__(self, path: pathlib.Path):
    self.path = path
    self._data = path.read_bytes()
    self._at = 0

  def take(self, layout: str) -> tuple:
    """Returns the values of a `struct` layout, without its byte order."""
    size = struct.calcsize("<" + layout)
    self._check(size, "they end within an entry")
    values = struct.unpack_from("<" + layout, self._data, self._at)
    self._at += size
    return values

  def count(self, what: str, size: int) -> int:
    """Returns how many entries of at least `size` bytes follow."""
    (count,) = self.take("Q")
    self._check(count * size, f"they claim {count} {what}")
    return count

  def numbers(self, dtype: str, count: int) -> np.ndarray:
    """Returns an array [count]."""
    size = count * np.dtype(dtype).itemsize
    self._check(size, "they end within a list")
    values = np.frombuffer(self._data, dtype, count, self._at)
    self._at += size
    return values

  def skip(self, size: int) -> None:
    """Passes over bytes."""
    self._at += size

  def name(self, where: str) -> str:
    """Returns a text that ends in a zero byte."""
    end = self._data.find(b"\0", self._at, self._at + _LONGEST_NAME)
    if end < 0:
      raise user_error.UserError(
        f"{where}: the name has no end; expected a zero byte after it: export "
        "the model again"
      )
    try:
      name = self._data[self._at : end].decode()
    except UnicodeDecodeError:
      raise user_error.UserError(
        f"{where}: the name is no UTF-8 text; expected the name of an image: "
        "export the model again"
      ) from None
    self._at = end + 1
    return name

  def _check(self, size: int, found: str) -> None:
    left = len(self._data) - self._at
    if size > left:
      raise user_error.UserError(
        f"{self.path}: {len(self._data)} bytes, and {found} where {left} are "
        "left; expected a whole file: copy it again"
      )


def read_lenses(path: pathlib.Path) -> dict[int, model_lib.Lens]:
  """Reads cameras.bin."""
  data, lenses = _Bytes(path), {}
  for i in range(data.count("cameras", 24)):
    where = f"{path}, camera {i}"
    number, kind, width, height = data.take("IiQQ")
    if kind not in model_lib.LENSES:
      raise model_lib.unknown_lens(f"number {kind}", where)
    name, count = model_lib.LENSES[kind]
    parameters = data.take(f"{count}d")
    lens = model_lib.Lens(name, width, height, parameters)
    model_lib.add(lenses, number, model_lib.check_lens(lens, where), where)
  return lenses


def count_pictures(path: pathlib.Path) -> int:
  """Returns how many images images.bin says that it holds; 0 if nothing."""
  with path.open("rb") as file:
    start = file.read(8)
  return struct.unpack("<Q", start)[0] if len(start) == 8 else 0


def read_pictures(path: pathlib.Path) -> dict[int, model_lib.Picture]:
  """Reads images.bin, without the places of points in the pictures."""
  data, pictures = _Bytes(path), {}
  for i in range(data.count("images", 73)):
    where = f"{path}, image {i}"
    number, *motion, lens = data.take("I7dI")
    name = data.name(where)
    data.skip(24 * data.count(f"points in image {i}", 24))
    picture = model_lib.Picture(
      name, lens, tuple(motion[:4]), tuple(motion[4:])
    )
    model_lib.add(pictures, number, picture, where)
  return pictures


def read_points(path: pathlib.Path) -> model_lib.Points:
  """Reads points3D.bin."""
  data, positions, pictures = _Bytes(path), [], []
  for i in range(data.count("points", 51)):
    positions.append(data.take("Q3d3Bd")[1:4])
    length = data.count(f"sightings of point {i}", 8)
    pictures.append(data.numbers("<u4", 2 * length)[::2])
  return model_lib.make_points(positions, pictures, str(path))
