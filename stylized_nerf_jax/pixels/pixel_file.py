"""Pixels of many views in a folder, for captures larger than memory.

```
FOLDER/
  pixels.json   what they were made from, and how many; written last
  colors.bin    [P, 3] uint8, view behind view
  usable.bin    a bit for each pixel, 1 where it may be drawn; only where some
                may not
```

All of it can be made again from the photographs, and is where they, their
masks or their sizes have changed, or where the making was cut off.

Colours are read pixel by pixel from what the system caches of the file. Of a
mapped file, everything around a touched pixel, up to 2 MiB, would count as
memory of the process, and giving it up again takes longer than reading.
"""

import contextlib
import json
import os
import pathlib
import weakref
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import ahead, disk
from stylized_nerf_jax.pixels import pixel_bank

_RECORD, _COLORS, _USABLE = "pixels.json", "colors.bin", "usable.bin"
_LAYOUT = 1
# Pixels whose usable ones are counted together.
_BLOCK = 256
_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(
  axis=1, dtype=np.uint8
)


class PixelFile:
  """P pixels on disk, of which U may be drawn.

  Args:
    folder: as `make` leaves it.
    record: what stands in its pixels.json.

  Attributes:
    num_usable: U.
  """

  def __init__(self, folder: pathlib.Path, record: dict):
    self.num_usable = record["usable"]
    self._descriptor = os.open(folder / _COLORS, os.O_RDONLY)
    weakref.finalize(self, os.close, self._descriptor)
    self._bits = None
    if self.num_usable < record["pixels"]:
      bits = np.memmap(folder / _USABLE, np.uint8, mode="r")
      self._bits = bits.reshape(-1, _BLOCK // 8)
      counts = np.add.reduce(_ONES[self._bits], axis=1, dtype=np.int64)
      self._before = np.concatenate([[0], np.cumsum(counts)])

  def find(self, rank: np.ndarray) -> np.ndarray:
    """Returns which pixels of all [R] are usable ones `rank` [R]."""
    if self._bits is None:
      return rank
    block = np.searchsorted(self._before, rank, side="right") - 1
    bits = np.unpackbits(self._bits[block], axis=1)
    inside = np.cumsum(bits, axis=1, dtype=np.int16)
    wanted = rank - self._before[block]
    return block * _BLOCK + np.argmax(inside > wanted[:, None], axis=1)

  def colors(self, index: np.ndarray) -> np.ndarray:
    """Reads the colours of pixels [R]: [R, 3] uint8."""
    offsets = (3 * index.astype(np.int64)).tolist()
    pixels = [os.pread(self._descriptor, 3, offset) for offset in offsets]
    return np.frombuffer(b"".join(pixels), np.uint8).reshape(-1, 3)


def find(folder: pathlib.Path, content: str, count: int) -> PixelFile | None:
  """Opens the pixels of a folder, if they are whole and made from `content`.

  Args:
    folder: of the files.
    content: hash of what they should be made from.
    count: pixels there should be, P.
  """
  try:
    record = json.loads((folder / _RECORD).read_text())
    sizes = {_COLORS: 3 * count}
    if record["usable"] < count:
      sizes[_USABLE] = _num_blocks(count) * _BLOCK // 8
    whole = all((folder / n).stat().st_size == s for n, s in sizes.items())
    wanted = {"layout": _LAYOUT, "content": content, "pixels": count}
    if whole and wanted.items() <= record.items():
      return PixelFile(folder, record)
  except (OSError, ValueError, LookupError, TypeError, AttributeError):
    pass
  return None


def size_of(count: int, *, masked: bool) -> int:
  """Returns the bytes that the files of `count` pixels take at most."""
  return 3 * count + (_num_blocks(count) * _BLOCK // 8 if masked else 0)


def state(folder: pathlib.Path) -> str:
  """Tells what lies in a folder: "nothing", "pixels" or "unfinished"."""
  if (folder / _RECORD).exists():
    return "pixels"
  return "unfinished" if (folder / _COLORS).exists() else "nothing"


def make(
  folder: pathlib.Path,
  content: str,
  sizes: Sequence[tuple[int, int]],
  read: Callable[[int], tuple[np.ndarray, np.ndarray | None]],
  *,
  masked: bool,
  workers: int | None = None,
  advance: Callable[[], None] = lambda: None,
) -> PixelFile:
  """Writes the pixels of V views, in place of what the folder holds.

  Args:
    folder: made where it is missing.
    content: hash of what `read` reads.
    sizes: (width, height) of each view.
    read: returns colours [H, W, 3], float in [0, 1] or uint8, and usable
      [H, W] bool, or None for everywhere, of a view; called in threads.
    masked: whether `read` returns masks.
    workers: threads; None: one for each core.
    advance: called after every view.

  Raises:
    ValueError: the masks leave no pixel, or a picture has another size.
    disk.DiskFullError: there is no space; nothing is left there.
  """
  count = sum(width * height for width, height in sizes)
  folder.mkdir(parents=True, exist_ok=True)
  # First, so that a kill never leaves it beside files of other pixels.
  for name in (_RECORD, _COLORS, _USABLE):
    (folder / name).unlink(missing_ok=True)

  def view(index: int):
    pixels, usable = read(index)
    width, height = sizes[index]
    if pixels.shape[:2] != (height, width):
      raise user_error.UserError(
        f"training image {index} has {pixels.shape[1]}x{pixels.shape[0]} "
        f"pixels and its camera {width}x{height}: expected one size"
      )
    return pixel_bank.as_bytes(pixels), usable

  workers = workers or os.cpu_count() or 1
  views = ahead.ahead(view, range(len(sizes)), workers=workers, depth=workers)
  with contextlib.ExitStack() as stack:
    stack.enter_context(contextlib.closing(views))
    colors = stack.enter_context(_writing(folder / _COLORS, 3 * count))
    bits = None
    if masked:
      size = _num_blocks(count) * _BLOCK // 8
      bits = _Bits(stack.enter_context(_writing(folder / _USABLE, size)))
    for pixels, usable in views:
      colors.write(np.ascontiguousarray(pixels))
      if bits is not None:
        bits.write(usable)
      advance()
    if bits is not None:
      bits.fill(count)
    num_usable = count if bits is None else bits.ones
    if num_usable == 0:
      raise pixel_bank.nothing_usable()
  if num_usable == count:
    (folder / _USABLE).unlink(missing_ok=True)
  record = {
    "layout": _LAYOUT,
    "content": content,
    "pixels": count,
    "usable": num_usable,
  }
  disk.write_json(folder / _RECORD, record)
  return PixelFile(folder, record)


class _Bits:
  """Writes booleans as bits, eight to a byte."""

  def __init__(self, file):
    self._file, self._rest = file, np.zeros(0, bool)
    self.ones = 0

  def write(self, values: np.ndarray) -> None:
    self.ones += int(np.count_nonzero(values))
    values = np.concatenate([self._rest, np.ravel(values)])
    whole = values.size // 8 * 8
    self._file.write(np.packbits(values[:whole]))
    self._rest = values[whole:]

  def fill(self, count: int) -> None:
    """Ends the last block of `count` booleans with zeros."""
    missing = _num_blocks(count) * _BLOCK - count
    self.write(np.zeros(missing, bool))


def _num_blocks(count: int) -> int:
  return -(-count // _BLOCK)


@contextlib.contextmanager
def _writing(path: pathlib.Path, size: int) -> Iterator:
  """Opens a file that takes all of its space at once, or none of it."""
  try:
    with disk.writing(path), path.open("wb") as file:
      os.posix_fallocate(file.fileno(), 0, size)
      yield file
  except BaseException:
    path.unlink(missing_ok=True)
    raise
