"""What a camera sees, apart from its colours in a style."""

import dataclasses
import weakref
from collections.abc import Callable

import jax
import numpy as np

from stylized_nerf_jax.rendering import geometry_cache, renderer
from stylized_nerf_jax.scenes import scene as scene_lib


@dataclasses.dataclass(frozen=True, eq=False)
class TracedView:
  """What a camera sees, ready to be painted in any style.

  Attributes:
    camera: that sees it, file frame.
    photographed: the view in the radiance field's own colours.
    packed: [H, W, 2, K] uint16, see `rendering.geometry_cache.pack`.
    lost: what keeping K samples of each ray loses in the field's own colours:
      means over the picture, see `rendering.geometry_cache.Loss`.
  """

  camera: scene_lib.Camera
  photographed: renderer.Rendered
  packed: np.ndarray
  lost: geometry_cache.Loss


class LastPainted:
  """What was painted last: where only a dial of colours moves, it stays."""

  def __init__(self):
    self._view: Callable[[], TracedView | None] = lambda: None
    self._source: bytes | None = None
    self._rgb: np.ndarray | None = None

  def rgb(
    self,
    view: TracedView,
    source: bytes | None,
    paint: Callable[[], np.ndarray],
  ) -> np.ndarray:
    """Returns what style fields paint of a view: [H, W, 3], the caller's own.

    Args:
      view: that is painted.
      source: what is painted depends on.
      paint: paints it.
    """
    if self._rgb is None or self._view() is not view or self._source != source:
      self._rgb = np.asarray(paint())
      self._view, self._source = weakref.ref(view), source
    return self._rgb.copy()


jax.tree_util.register_dataclass(
  TracedView,
  data_fields=["photographed", "packed", "lost"],
  meta_fields=["camera"],
)
