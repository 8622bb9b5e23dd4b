"""One view of a scene that is rendered pass after pass, block after block.

Every ray is traced once; what it found is kept, so that a changed dial only
paints. `refine` yields after every block, and may be left then: whoever comes
back goes on where it stopped.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from stylized_nerf_jax.models import block_renderer
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.viewer import lattice


class Blocks(Protocol):
  """What is asked of `models.block_renderer.BlockRenderer`."""

  block: int

  def camera(self, camera: scene_lib.Camera):
    """As there."""
    ...

  def trace(self, camera, index: np.ndarray, width: int):
    """As there."""
    ...

  def paint(self, camera, index: np.ndarray, width: int, traced, paint):
    """As there."""
    ...


class ProgressiveView:
  """What a camera sees, as far as it is known.

  Args:
    blocks: renders.
    camera: file frame; its size is the picture's.

  Attributes:
    camera: as given.
    traced: rays that were traced.
    paint: in which `painted` pixels are painted.
  """

  def __init__(self, blocks: Blocks, camera: scene_lib.Camera):
    self._blocks, self.camera = blocks, camera
    self._arrays = blocks.camera(camera)
    count = camera.height * camera.width
    self._known = np.zeros(count, bool)
    self._painted = np.zeros(count, bool)
    self._rgb = np.zeros((count, 3), np.float32)
    self._own = np.zeros((count, 3), np.float32)
    self._depth = np.zeros(count, np.float32)
    self._opacity = np.zeros(count, np.float32)
    self._packed: np.ndarray | None = None
    self.traced = 0
    self.paint: block_renderer.Paint | None = None

  def show(self, paint: block_renderer.Paint | None) -> None:
    """Sets what pixels are painted in; None: they are only traced."""
    if paint is not self.paint:
      self.paint = paint
      self._painted[:] = False

  def refine(self, stride: int) -> Iterator[int]:
    """Works on the pixels of a lattice, block after block.

    Args:
      stride: of the lattice, one of `lattice.STRIDES`.

    Yields:
      How many pixels of it are done, after each block.
    """
    height, width = self.camera.height, self.camera.width
    index = lattice.pixels(height, width, stride)
    if self.paint is None:
      missing = index[~self._known[index]]
    else:
      missing = index[~(self._known[index] & self._painted[index])]
    done = len(index) - len(missing)
    # Pixels that are known apart, or a block that only paints would trace.
    known = self._known[missing]
    parts = [missing[known], missing[~known]]
    for part in parts:
      for start in range(0, len(part), self._blocks.block):
        rows = part[start : start + self._blocks.block]
        self._work(rows)
        done += len(rows)
        yield done

  def _work(self, rows: np.ndarray) -> None:
    width = self.camera.width
    if not self._known[rows[0]]:
      found = self._blocks.trace(self._arrays, rows, width)
      if self._packed is None:
        shape = (len(self._known), *found.packed.shape[1:])
        self._packed = np.zeros(shape, found.packed.dtype)
      own = found.photographed
      self._own[rows], self._depth[rows] = own.rgb, own.depth
      self._opacity[rows], self._packed[rows] = own.opacity, found.packed
      self._known[rows] = True
      self.traced += len(rows)
    if self.paint is not None:
      assert self._packed is not None
      own = renderer.Rendered(
        self._own[rows], self._depth[rows], self._opacity[rows]
      )
      traced = block_renderer.Traced(own, self._packed[rows])
      self._rgb[rows] = self._blocks.paint(
        self._arrays, rows, width, traced, self.paint
      )
      self._painted[rows] = True

  def is_done(self, stride: int) -> bool:
    """Whether a lattice is traced and, if it is to be, painted."""
    index = lattice.pixels(self.camera.height, self.camera.width, stride)
    done = self._known[index]
    if self.paint is not None:
      done = done & self._painted[index]
    return bool(done.all())

  def image(self, stride: int) -> renderer.Rendered:
    """Returns what a lattice shows: [rows, columns, ...]."""
    return self._at(stride, self._rgb)

  def photographed(self, stride: int) -> renderer.Rendered:
    """As `image`, in the radiance field's own colours."""
    return self._at(stride, self._own)

  def holes(self) -> np.ndarray:
    """Pixels that are not done: [height, width] bool."""
    done = self._known
    if self.paint is not None:
      done = done & self._painted
    return ~done.reshape(self.camera.height, self.camera.width)

  def _at(self, stride: int, rgb: np.ndarray) -> renderer.Rendered:
    height, width = self.camera.height, self.camera.width
    index = lattice.pixels(height, width, stride)
    shape = lattice.size(height, width, stride)
    return renderer.Rendered(
      rgb[index].reshape(*shape, 3),
      self._depth[index].reshape(shape),
      self._opacity[index].reshape(shape),
    )
