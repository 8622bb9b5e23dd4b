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
    count = camera.height * camera.width
    self._known = np.zeros(count, bool)
    self._painted = np.zeros(count, bool)
    self._shown = np.zeros(count, bool)
    self._rgb = np.zeros((count, 3), np.float32)
    self._own = np.zeros((count, 3), np.float32)
    self._depth = np.zeros(count, np.float32)
    self._opacity = np.zeros(count, np.float32)
    self._packed: np.ndarray | None = None
    self._encodings = kept_encodings.KeptEncodings(
      count, blocks.encoded_bytes, most_bytes
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
    """Works on the pixels of a lattice, block after block.

    Args:
      stride: of the lattice, one of `lattice.STRIDES`.
      keep: what tables say, where it is not known; not of pictures that are to
        be there at once.

    Yields:
      How many pixels of it are done, after each block.
    """
    index = self._lattice(stride)
    missing = index[~self._done()[index]]
    done = len(index) - len(missing)
    # Apart, or a block of which one pixel is to be traced would trace all.
    kinds = self._work(missing)
    for kind in reversed(Work):
      part = missing[kinds == kind.value]
      for start in range(0, len(part), self._blocks.block):
        rows = part[start : start + self._blocks.block]
        self._do(rows, kind, keep)
        done += len(rows)
        yield done

  def _work(self, index: np.ndarray) -> np.ndarray:
    """What pixels [N] that are not done need: [N], values of `Work`."""
    paint = Work.READ.value
    if self.paint is not None and self.paint.parts:
      places = [part.place for part in self.paint.parts]
      is_read = self._encodings.known(places, index)
      paint = np.where(is_read, Work.PAINT.value, Work.READ.value)
    known = np.where(
      self._painted[index] & (self.paint is not None), Work.SHOW.value, paint
    )
    return np.where(self._known[index], known, Work.TRACE.value)

  def _do(self, rows: np.ndarray, kind: Work, keep: bool) -> None:
    if kind is Work.TRACE:
      self._trace(rows)
    if self.paint is None:
      return
    own = renderer.Rendered(
      self._own[rows], self._depth[rows], self._opacity[rows]
    )
    if kind is not Work.SHOW:
      self.read += len(rows) if kind is Work.READ else 0
      self._paint(rows, own, keep or kind is Work.PAINT)
    assert self._colors is not None
    painted = block_renderer.Painted(*(values[rows] for values in self._colors))
    self._rgb[rows] = self._blocks.shown(own, painted, self.paint)
    self._shown[rows] = True

  def _trace(self, rows: np.ndarray) -> None:
    found = self._blocks.trace(self._arrays, rows, self.camera.width)
    if self._packed is None:
      shape = (len(self._known), *found.packed.shape[1:])
      self._packed = np.zeros(shape, found.packed.dtype)
    own = found.photographed
    self._own[rows], self._depth[rows] = own.rgb, own.depth
    self._opacity[rows], self._packed[rows] = own.opacity, found.packed
    self._known[rows] = True
    self.traced += len(rows)

  def _paint(
    self, rows: np.ndarray, own: renderer.Rendered, keep: bool
  ) -> None:
    assert self._packed is not None
    found = self._blocks.paint(
      self._arrays,
      rows,
      self.camera.width,
      block_renderer.Traced(own, self._packed[rows]),
      self.paint,
      self._encoded(rows) if keep else (),
    )
    if self._colors is None:
      count = len(self._known)
      self._colors = block_renderer.Painted(
        *(np.zeros((count, *v.shape[1:]), np.float32) for v in found)
      )
    for values, of_rows in zip(self._colors, found):
      values[rows] = of_rows
    self._painted[rows] = True
    self.painted += len(rows)

  def _encoded(self, rows: np.ndarray) -> list[np.ndarray]:
    """What each part of the paint says of pixels; nothing without room."""
    assert self.paint is not None and self._packed is not None
    packed, kept = self._packed, self._encodings
    if len(self.paint.parts) > kept.most:
      return []

    def encode(place: int, missing: np.ndarray) -> np.ndarray:
      return self._blocks.encode(
        self._arrays, missing, self.camera.width, packed[missing], place
      )

    return [
      kept.rows(part.place, rows, functools.partial(encode, part.place))
      for part in self.paint.parts
    ]

  def work(self, stride: int) -> Work:
    """The dearest kind of work that a lattice needs; `SHOW` if none."""
    index = self._lattice(stride)
    missing = index[~self._done()[index]]
    return Work(min(self._work(missing), default=Work.SHOW.value))

  def is_done(self, stride: int) -> bool:
    """Whether a lattice is traced and, if it is to be, painted."""
    return bool(self._done()[self._lattice(stride)].all())

  def _done(self) -> np.ndarray:
    if self.paint is None:
      return self._known
    return self._known & self._painted & self._shown

  def _lattice(self, stride: int) -> np.ndarray:
    return lattice.pixels(self.camera.height, self.camera.width, stride)

  def image(self, stride: int) -> renderer.Rendered:
    """Returns what a lattice shows: [rows, columns, ...]."""
    return self._at(stride, self._rgb)

  def photographed(self, stride: int) -> renderer.Rendered:
    """As `image`, in the radiance field's own colours."""
    return self._at(stride, self._own)

  def holes(self) -> np.ndarray:
    """Pixels that are not done: [height, width] bool."""
    return ~self._done().reshape(self.camera.height, self.camera.width)

  def _at(self, stride: int, rgb: np.ndarray) -> renderer.Rendered:
    index = self._lattice(stride)
    shape = lattice.size(self.camera.height, self.camera.width, stride)
    return renderer.Rendered(
      rgb[index].reshape(*shape, 3),
      self._depth[index].reshape(shape),
      self._opacity[index].reshape(shape),
    )
