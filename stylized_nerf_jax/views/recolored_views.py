"""Rendered views in a painting's palette, and what the finish draws of them.

Colours are those of the field's render, mapped so that all views together have
the mean and covariance of the painting (ARF, Zhang et al. 2022, section 3.4).
Nothing is kept: a map of colours costs less than reading it would.
"""

import flax
import numpy as np

from stylized_nerf_jax.pixels import view_pixels
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.stylizer import palette, vgg
from stylized_nerf_jax.views import rendered_views, style_batches

# Windows lie where those of every scale have whole cells of features.
_STEP = 2 * vgg.STROKE_STRIDE
# Every so many-th pixel tells a view's colours.
_THINNED = 7


@flax.struct.dataclass
class WindowBatch:
  """R square windows of training views, all in one style.

  Attributes:
    style, view: [R], int32.
    corner: [R, 2], x, y of a window's first pixel in its view.
    spread: [R], how far from the style's mean code to the view's it is
      painted, in [0, 1].
    colors: [R, W, W, 3], the recoloured view, uint8.
    packed: [R, W, W, 2, K], uint16, samples of the geometry cache; None where
      there is none.
  """

  style: np.ndarray
  view: np.ndarray
  corner: np.ndarray
  spread: np.ndarray
  colors: np.ndarray
  packed: np.ndarray | None = None


def fit_maps(
  views: rendered_views.Views, styles: style_set.StyleSet
) -> list[palette.ColorMap]:
  """Finds the map that gives all views together a painting's palette, each."""
  pixels = [
    views.rgb(view).reshape(-1, 3)[::_THINNED] for view in range(len(views))
  ]
  content = palette.statistics(np.concatenate(pixels))
  return [
    palette.transfer(content, palette.statistics(style.image.reshape(-1, 3)))
    for style in styles.values()
  ]


class RecoloredViews:
  """Draws rays and windows of rendered views in the palettes of S styles.

  Args:
    views: the rendered training views.
    maps: of the styles.
  """

  def __init__(self, views: rendered_views.Views, maps: list[palette.ColorMap]):
    self._rendered, self._maps = views, maps
    cameras = views.cameras
    self._views = view_pixels.ViewPixels(cameras.width, cameras.height)
    self._rgb = [views.pixels(v) for v in range(len(views))]

  def __len__(self) -> int:
    """Number of styles, S."""
    return len(self._maps)

  def window_size(self, size: int) -> int:
    """Returns the pixels a side of windows of `size` that fit all views."""
    cameras = self._rendered.cameras
    shortest = int(min(cameras.width.min(), cameras.height.min()))
    return view_pixels.window_size(size, shortest, _STEP, fewest=2)

  def draw_rays(
    self,
    random: np.random.Generator,
    style: int,
    count: int,
    rows: np.ndarray | slice = slice(None),
  ) -> style_batches.RayBatch:
    """Draws pixels uniformly over views and pixels.

    Args:
      random: source of randomness.
      style: whose palette they have.
      count: how many are drawn.
      rows: of them that are read and returned.
    """
    index = random.integers(self._views.total, size=count)[rows]
    view, xy = self._views.locate(index)
    colors = np.empty((len(index), 3), np.uint8)
    column, row = np.floor(xy).astype(np.int64).T
    for v in np.unique(view):
      here = view == v
      colors[here] = self._rgb[v][row[here], column[here]]
    geometry = self._rendered.geometry
    return style_batches.RayBatch(
      style=np.full(len(index), style, np.int32),
      view=view,
      xy=xy,
      colors=self._recolor(colors, style),
      packed=None if geometry is None else geometry.rows(index),
    )

  def draw_windows(
    self,
    random: np.random.Generator,
    style: int,
    count: int,
    size: int,
    *,
    of_views: float,
  ) -> WindowBatch:
    """Draws windows anywhere in any view.

    Args:
      random: source of randomness.
      style: whose palette they have.
      count: how many windows, R.
      size: pixels a side, of `window_size`.
      of_views: share of the windows that are painted with a code between the
        style's mean and their view's.
    """
    view = random.integers(len(self._rendered), size=count)
    spread = random.uniform(size=count) * (
      random.uniform(size=count) < of_views
    )
    corners, colors, packed = [], [], []
    geometry = self._rendered.geometry
    for v in view:
      x, y = corner = view_pixels.random_corner(
        random, *self._views.size(v), size, _STEP
      )
      corners.append(corner)
      pixels = view_pixels.window(self._rgb[v], x, y, size)
      colors.append(self._recolor(pixels, style))
      if geometry is not None:
        packed.append(geometry.window(v, x, y, size))
    return WindowBatch(
      style=np.full(count, style, np.int32),
      view=view.astype(np.int32),
      corner=np.stack(corners).astype(np.int32),
      spread=spread.astype(np.float32),
      colors=np.stack(colors),
      packed=np.stack(packed) if packed else None,
    )

  def _recolor(self, pixels: np.ndarray, style: int) -> np.ndarray:
    """Maps colours [..., 3] uint8, and clips them."""
    matrix, offset = self._maps[style]
    mapped = pixels.astype(np.float32) @ matrix.T.astype(np.float32)
    mapped += np.float32(255.0) * offset.astype(np.float32)
    return np.round(np.clip(mapped, 0.0, 255.0)).astype(np.uint8)
