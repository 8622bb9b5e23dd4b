"""One view of a scene that is rendered pass after pass, block after block.

Every ray is traced once and tables are read once; what was found is kept, so
that a changed dial only paints, and one of colours does not even that. `refine`
yields after every block, and may be left then: whoever comes back goes on where
it stopped.
"""

import enum
import functools
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from stylized_nerf_jax.models import block_renderer, kept_encodings
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.viewer import lattice


class Work(enum.Enum):
  """What a pixel needs, the dearest first."""

  TRACE = enum.auto()
  READ = enum.auto()  # Painted from tables, not from what they said before.
  PAINT = enum.auto()
  SHOW = enum.auto()


class Blocks(Protocol):
  """What is asked of `models.block_renderer.BlockRenderer`."""

  block: int
  encoded_bytes: int

  def camera(self, camera: scene_lib.Camera):
    """As there."""
    ...

  def trace(self, camera, index: np.ndarray, width: int):
    """As there."""
    ...

  def encode(self, camera, index: np.ndarray, width: int, packed, place: int):
    """As there."""
    ...

  def paint(
    self, camera, index: np.ndarray, width: int, traced, paint, encoded=()
  ):
    """As there."""
    ...

  def shown(self, photographed, painted, paint) -> np.ndarray:
    """As there."""
    ...


class ProgressiveView:
  """What a camera sees, as far as it is known.

  Pixels are kept in the order of `lattice.order` and worked on in blocks of it,
  always the same: what is known of one pixel of a block is known of all.

  Args:
    blocks: renders.
    camera: file frame; its size is the picture's.
    most_bytes: of encodings that are kept, see `KeptEncodings`.

  Attributes:
    camera: as given.
    traced, read, painted: pixels that were, since the beginning; those painted
      from tables are read.
    paint: that pixels are shown in.
  """

  def __init__(
    self,
    blocks: Blocks,
    camera: scene_lib.Camera,
    most_bytes: int = kept_encodings.MOST_BYTES,
  ):
    self._blocks, self.camera = blocks, camera
    self._arrays = blocks.camera(camera)
    self._order = lattice.order(camera.height, camera.width)
    count = len(self._order.pixels)
    number = self._number(count)
    self._known = np.zeros(number, bool)
    self._painted = np.zeros(number, bool)
    self._shown = np.zeros(number, bool)
    self._rgb = np.zeros((count, 3), np.float32)
    self._own = np.zeros((count, 3), np.float32)
    self._depth = np.zeros(count, np.float32)
    self._opacity = np.zeros(count, np.float32)
    self._packed: np.ndarray | None = None
    self._encodings = kept_encodings.KeptEncodings(
      count * blocks.encoded_bytes, most_bytes
    )
    self._colors: block_renderer.Painted | None = None
    self.traced = self.read = self.painted = 0
    self.paint: block_renderer.Paint | None = None
    self._source: tuple | None = None

  def show(self, paint: block_renderer.Paint | None) -> None:
    """Sets what pixels are shown in; None: they are only traced."""
    if paint is self.paint:
      return
    if paint is not None:
      if paint.source != self._source:
        self._source, self._colors = paint.source, None
        self._painted[:] = False
      self._shown[:] = False
    self.paint = paint

  def refine(self, stride: int, *, keep: bool = True) -> Iterator[int]:
    """Works on the blocks that hold the pixels of a lattice.

    Args:
      stride: of the lattice, one of `lattice.STRIDES`.
      keep: what tables say, where it is not known; not of pictures that are to
        be there at once.

    Yields:
      How many pixels of them are done, after each block.
    """
    is_done = self._done()[: self._needed(stride)]
    done = sum(len(self._rows(block)) for block in np.flatnonzero(is_done))
    missing = np.flatnonzero(~is_done)
    kinds = self._work(missing)
    for kind in reversed(Work):
      for block in missing[kinds == kind.value].tolist():
        self._do(block, kind, keep)
        done += len(self._rows(block))
        yield done

  def _number(self, pixels: int) -> int:
    """Blocks that so many pixels take."""
    return -(-pixels // self._blocks.block)

  def _needed(self, stride: int) -> int:
    """Blocks that hold a lattice: the first."""
    return self._number(self._order.ends[stride])

  def _slice(self, block: int) -> slice:
    size = self._blocks.block
    return slice(block * size, (block + 1) * size)

  def _rows(self, block: int) -> np.ndarray:
    """The pixels of a block, counted row by row."""
    return self._order.pixels[self._slice(block)]

  def _work(self, blocks: np.ndarray) -> np.ndarray:
    """What blocks [B] that are not done need: [B], values of `Work`."""
    paint = Work.READ.value
    if self.paint is not None and self.paint.parts:
      places = [part.place for part in self.paint.parts]
      is_read = [self._encodings.has(places, i) for i in blocks.tolist()]
      paint = np.where(is_read, Work.PAINT.value, Work.READ.value)
    known = np.where(
      self._painted[blocks] & (self.paint is not None), Work.SHOW.value, paint
    )
    return np.where(self._known[blocks], known, Work.TRACE.value)

  def _do(self, block: int, kind: Work, keep: bool) -> None:
    if kind is Work.TRACE:
      self._trace(block)
    if self.paint is None:
      return
    part = self._slice(block)
    own = renderer.Rendered(
      self._own[part], self._depth[part], self._opacity[part]
    )
    if kind is not Work.SHOW:
      self.read += len(own.rgb) if kind is Work.READ else 0
      self._paint(block, own, keep or kind is Work.PAINT)
    assert self._colors is not None
    painted = block_renderer.Painted(*(values[part] for values in self._colors))
    self._rgb[part] = self._blocks.shown(own, painted, self.paint)
    self._shown[block] = True

  def _trace(self, block: int) -> None:
    part, rows = self._slice(block), self._rows(block)
    found = self._blocks.trace(self._arrays, rows, self.camera.width)
    if self._packed is None:
      shape = (len(self._order.pixels), *found.packed.shape[1:])
      self._packed = np.zeros(shape, found.packed.dtype)
    own = found.photographed
    self._own[part], self._depth[part] = own.rgb, own.depth
    self._opacity[part], self._packed[part] = own.opacity, found.packed
    self._known[block] = True
    self.traced += len(rows)

  def _paint(self, block: int, own: renderer.Rendered, keep: bool) -> None:
    assert self._packed is not None
    part, rows = self._slice(block), self._rows(block)
    found = self._blocks.paint(
      self._arrays,
      rows,
      self.camera.width,
      block_renderer.Traced(own, self._packed[part]),
      self.paint,
      self._encoded(block) if keep else (),
    )
    if self._colors is None:
      count = len(self._order.pixels)
      self._colors = block_renderer.Painted(
        *(np.zeros((count, *v.shape[1:]), np.float32) for v in found)
      )
    for values, of_rows in zip(self._colors, found):
      values[part] = of_rows
    self._painted[block] = True
    self.painted += len(rows)

  def _encoded(self, block: int) -> list:
    """What each part of the paint says of a block; nothing without room."""
    assert self.paint is not None and self._packed is not None
    rows, packed = self._rows(block), self._packed[self._slice(block)]
    if len(self.paint.parts) > self._encodings.most:
      return []

    def encode(place: int):
      return self._blocks.encode(
        self._arrays, rows, self.camera.width, packed, place
      )

    return [
      self._encodings.of(
        part.place, block, functools.partial(encode, part.place)
      )
      for part in self.paint.parts
    ]

  def work(self, stride: int) -> Work:
    """The dearest kind of work that a lattice needs; `SHOW` if none."""
    missing = np.flatnonzero(~self._done()[: self._needed(stride)])
    return Work(min(self._work(missing), default=Work.SHOW.value))

  def is_done(self, stride: int) -> bool:
    """Whether a lattice is traced and, if it is to be, painted."""
    return bool(self._done()[: self._needed(stride)].all())

  def _done(self) -> np.ndarray:
    """Of each block."""
    if self.paint is None:
      return self._known
    return self._known & self._painted & self._shown

  def image(self, stride: int) -> renderer.Rendered:
    """Returns what a lattice shows: [rows, columns, ...]."""
    return self._at(stride, self._rgb)

  def photographed(self, stride: int) -> renderer.Rendered:
    """As `image`, in the radiance field's own colours."""
    return self._at(stride, self._own)

  def holes(self) -> np.ndarray:
    """Pixels that are not done: [height, width] bool."""
    missing = ~np.repeat(self._done(), self._blocks.block)[self._order.places]
    return missing.reshape(self.camera.height, self.camera.width)

  def _at(self, stride: int, rgb: np.ndarray) -> renderer.Rendered:
    height, width = self.camera.height, self.camera.width
    place = self._order.places[lattice.pixels(height, width, stride)]
    shape = lattice.size(height, width, stride)
    return renderer.Rendered(
      rgb[place].reshape(*shape, 3),
      self._depth[place].reshape(shape),
      self._opacity[place].reshape(shape),
    )
