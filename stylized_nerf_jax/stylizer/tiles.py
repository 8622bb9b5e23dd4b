"""Stylizing pictures of any size in bounded memory: tile by tile.

Only the statistics of E's features need the whole picture (AdaIN, method:
section 4), and features are an eighth as wide and high as it is: they are
computed window by window, normalised together, and decoded window by window.
Windows reach farther than their tiles by more than any output pixel looks
(`_HALO`), and windows at the picture's edge end there, so that a picture in
tiles is the picture as a whole, to rounding.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.stylizer import adain, color_tables, stylize, vgg

TILE = 768  # pixels, a side
# E up to relu4_1 looks 38 pixels far (VGG-19), and D 5 features: 40 pixels.
_HALO = 48
_STRIDE = vgg.STRIDE


@dataclasses.dataclass(frozen=True)
class Window:
  """What is computed at a time along one axis, and what is kept of it.

  Attributes:
    start: first pixel of the window; a multiple of 8.
    first, last: pixels of the picture that are kept, the last exclusive.
  """

  start: int
  first: int
  last: int


def windows(size: int, tile: int, halo: int) -> tuple[int, list[Window]]:
  """Cuts an axis into windows of one length.

  Args:
    size: of the axis, pixels; a multiple of 8.
    tile: pixels that a window has beside its halo, at most; a multiple of 8.
    halo: pixels that a window has beyond what it keeps, unless the picture
      ends there; a multiple of 8.

  Returns:
    The length of every window, and the windows: what they keep is the axis,
    each pixel once.
  """
  count = max(-(-(size - 2 * halo) // tile), 1)
  # As many windows, as short as they can be. The outer ones keep one halo.
  tile = -(-(size - 2 * halo) // (count * _STRIDE)) * _STRIDE
  length = size if count == 1 else tile + 2 * halo
  found = []
  for index in range(count):
    first = halo + index * tile if index else 0
    last = halo + (index + 1) * tile if index < count - 1 else size
    start = min(max(first - halo, 0), size - length)
    found.append(Window(start, first, last))
  return length, found


class PictureStylizer:
  """Paints pictures in several styles; compiled once for each size of window.

  Args:
    stylizer: the networks.
    tile: pixels, a side of what is worked on at a time; a multiple of 8.
  """

  def __init__(self, stylizer: stylize.Stylizer, tile: int = TILE):
    self._stylizer, self._tile = stylizer, tile
    self._encode = jax.jit(
      lambda pixels: stylizer.encode(pixels[None] / 255.0)["relu4_1"][0]
    )
    self._decode = jax.jit(
      lambda features: stylizer.decode(
        features[None], *(_STRIDE * n for n in features.shape[:2])
      )[0]
    )
    self._statistics = jax.jit(stylizer.style_statistics)
    self._restyle = jax.jit(adain.adain)
    self._recolor = jax.jit(_recolored)

  def style(self, pixels: np.ndarray) -> tuple[jax.Array, jax.Array]:
    """Measures mean and deviation [512] of a painting, [H, W, 3] in [0, 1]."""
    return self._statistics(pixels)

  def count(self, height: int, width: int, styles: int) -> int:
    """Returns how often `paint` calls `advance` for a picture."""
    sizes = _padded(height), _padded(width)
    rows, columns = (windows(n, self._tile, _HALO)[1] for n in sizes)
    return len(rows) * len(columns) * (1 + styles)

  def paint(
    self,
    pixels: np.ndarray,
    styles: Sequence[tuple[jax.Array, jax.Array]],
    *,
    alpha: float = 1.0,
    tables: Sequence[np.ndarray] | None = None,
    palette: float = 1.0,
    advance: Callable[[], None] = lambda: None,
  ) -> Iterator[np.ndarray]:
    """Yields a picture in each style; features are found once.

    Args:
      pixels: uint8 [H, W, 3].
      styles: as `style` measured them.
      alpha: strength from 0, the reconstructed picture, to 1.
      tables: of each style, [n, n, n, 3], what becomes of painted colours
        (`color_tables`), by their strength; None: they stay.
      palette: from the picture's own chroma at the painted luma, 0, to the
        colours of the style, 1.
      advance: called after every window.

    Yields:
      uint8 [H, W, 3].
    """
    height, width, _ = pixels.shape
    padded = np.asarray(stylize.pad_to_stride(pixels[None])[0])
    size = padded.shape[:2]
    features = np.empty((*(n // _STRIDE for n in size), 512), np.float32)
    for window, kept, inside in _grid(size, self._tile):
      found = self._encode(padded[window].astype(np.float32))
      features[_cells(kept)] = found[_cells(inside)]
      advance()
    for place, (mean, std) in enumerate(styles):
      table = tables[place] if tables else np.float32(color_tables.mix([], []))
      target = self._restyle(features, mean, std, alpha)
      painted = np.empty((*size, 3), np.uint8)
      for window, kept, inside in _grid(size, self._tile):
        found = self._decode(target[_cells(window)])
        if tables or palette < 1.0:
          found = self._recolor(found, padded[window], table, alpha, palette)
        found = np.asarray(found[inside])
        painted[kept] = (found * 255.0 + 0.5).astype(np.uint8)
        advance()
      yield painted[:height, :width]


def _recolored(painted, pixels, table, alpha, palette):
  """Maps painted colours [h, w, 3], and gives them the chroma of pixels."""
  mapped = jnp.clip(color_tables.apply(painted, table), 0.0, 1.0)
  found = painted + alpha * (mapped - painted)
  kept = color_tables.in_chroma_of(found, pixels / 255.0)
  return kept + palette * (found - kept)


def _padded(size: int) -> int:
  """Length of an axis as `stylize.pad_to_stride` leaves it."""
  return max(-(-size // _STRIDE) * _STRIDE, 2 * _STRIDE)


def _grid(size: tuple[int, int], tile: int):
  """Yields, of each tile: its window, what is kept, and where in the window."""
  (height, rows), (width, columns) = (windows(n, tile, _HALO) for n in size)
  for y in rows:
    for x in columns:
      yield (
        np.s_[y.start : y.start + height, x.start : x.start + width],
        np.s_[y.first : y.last, x.first : x.last],
        np.s_[
          y.first - y.start : y.last - y.start,
          x.first - x.start : x.last - x.start,
        ],
      )


def _cells(slices: tuple[slice, slice]) -> tuple[slice, slice]:
  """Makes slices of pixels those of features."""
  return tuple(slice(s.start // _STRIDE, s.stop // _STRIDE) for s in slices)
