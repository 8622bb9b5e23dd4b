"""Palettes of paintings that a model was never trained on, as colour maps.

What a code looks like on a scene is measured on a few small views of it, and
mapped to the colours of the painting (`stylizer.style_maps`).
"""

import collections
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.models.traced_view import TracedView
from stylized_nerf_jax.scenes.pictures import styles
from stylized_nerf_jax.stylizer import style_maps

_KEPT = 256  # codes, and tables of them
_SIDE = 256  # pixels, the short one of a picture whose colours are looked at

# A picture's file, and when it was written.
FileState = tuple[str, int]


def file_state(picture: str | pathlib.Path) -> FileState:
  """Returns what tells a picture's file from others and its earlier states.

  Raises:
    ValueError: there is no such file.
  """
  path = pathlib.Path(picture)
  try:
    return os.fspath(path.resolve()), path.stat().st_mtime_ns
  except OSError as error:
    raise user_error.UserError(
      f"style {picture} cannot be read: {error.strerror}"
    ) from None


class Code(Protocol):
  """What a scene can be painted in; all that is asked of it is its bytes."""

  def tobytes(self) -> bytes:
    """Returns what tells it from others."""
    ...


class Target(NamedTuple):
  """A palette that colours are to have.

  Attributes:
    key: of the picture.
    colors: [M, 3], in [0, 1].
  """

  key: FileState
  colors: np.ndarray


class Pictures:
  """Palettes of pictures, each read once for each state of its file."""

  def __init__(self):
    self._read: dict[FileState, Target] = {}

  def target(self, picture: str | pathlib.Path) -> Target:
    """Returns the palette of a picture.

    Raises:
      ValueError: it cannot be read.
    """
    key = file_state(picture)
    if key not in self._read:
      image = styles.load_style_image(pathlib.Path(picture), style_size=_SIDE)
      self._read[key] = Target(key, image.image.reshape(-1, 3))
    return self._read[key]


class Palettes:
  """Colour maps of a scene.

  Args:
    views: of the scene, traced.
    paint: (view, code) -> colours [H, W, 3].
    background: of the scene, [3] or None, which is not measured.
  """

  def __init__(
    self,
    views: Sequence[TracedView],
    paint: Callable[[TracedView, Code], np.ndarray],
    background: Sequence[float] | None,
  ):
    self._views, self._paint = views, paint
    self._background = background
    self._measured: collections.OrderedDict[bytes, style_maps.Colors]
    self._measured = collections.OrderedDict()
    self._tables: collections.OrderedDict[tuple, np.ndarray]
    self._tables = collections.OrderedDict()

  def table(
    self, code: Code | None, target: Target, transfer: str
  ) -> np.ndarray:
    """Returns the map of the scene's colours to a palette.

    Args:
      code: in which the scene is painted; None: as photographed.
      target: the palette.
      transfer: `style_maps.AFFINE` or `style_maps.TABLE`.

    Returns:
      [n, n, n, 3], as of `stylizer.color_tables`; the same array for each of
      the latest arguments.
    """
    key = (_key(code), target.key, transfer)
    if key not in self._tables:
      found = style_maps.table_of(self.colors(code), target.colors, transfer)
      _keep(self._tables, key, found)
    return self._tables[key]

  def colors(self, code: Code | None) -> style_maps.Colors:
    """Measures the scene in a code, once for each of the latest codes."""
    if (key := _key(code)) not in self._measured:
      _keep(self._measured, key, self._measure(code))
    return self._measured[key]

  def _measure(self, code: Code | None) -> style_maps.Colors:
    parts = []
    for view in self._views:
      shown = view.photographed
      rgb = shown.rgb if code is None else self._paint(view, code)
      parts.append(style_maps.own_colors(rgb, shown.opacity, self._background))
    colors, weights = zip(*parts)
    return np.concatenate(colors), np.concatenate(weights)


def _key(code: Code | None) -> bytes:
  return b"" if code is None else code.tobytes()


def _keep(kept: collections.OrderedDict, key, value) -> None:
  if len(kept) >= _KEPT:
    kept.popitem(last=False)
  kept[key] = value
