"""Palettes of paintings that a model was never trained on, as colour maps.

What a code looks like on a scene is measured on a few small views of it, and
mapped to the colours of the painting (`stylizer.palette`).
"""

import collections
from collections.abc import Callable, Sequence

import numpy as np

from stylized_nerf_jax.models.traced_view import TracedView
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.stylizer import palette

_VIEWS = 8
_LONG_SIDE = 64  # pixels
_KEPT = 256  # codes
_NOTHING = 1e-6  # opacity


def cameras_to_measure(
  record: scene_record.SceneRecord,
) -> list[scene_lib.Camera]:
  """Returns 8 training views at most, evenly apart, of 64x64 pixels at most."""
  cameras = record.split("train")
  count = min(_VIEWS, len(cameras))
  chosen = np.linspace(0, len(cameras) - 1, count).round().astype(int)
  found = []
  for camera in (cameras[int(i)] for i in chosen):
    long_side = max(camera.width, camera.height)
    found.append(camera.scaled(min(1.0, _LONG_SIDE / long_side)))
  return found


def stack(maps: Sequence[palette.ColorMap | None]) -> palette.ColorMap:
  """Stacks N maps, of which None stands for colours as they are.

  Returns:
    float32, with N in front.
  """
  kept = palette.mix([], [])
  columns = zip(*(kept if one is None else one for one in maps))
  return palette.ColorMap(*(np.asarray(v, np.float32) for v in columns))


class Palettes:
  """Colour maps of a scene.

  Args:
    views: of the scene, traced.
    paint: (view, code [L]) -> colours [H, W, 3].
    background: of the scene, [3] or None, which is not measured.
  """

  def __init__(
    self,
    views: Sequence[TracedView],
    paint: Callable[[TracedView, np.ndarray], np.ndarray],
    background: Sequence[float] | None,
  ):
    self._views = views
    self._paint = paint
    self._background = np.zeros(3) if background is None else background
    self._measured: collections.OrderedDict[bytes, palette.Statistics] = (
      collections.OrderedDict()
    )

  def color_map(
    self,
    code: np.ndarray,
    targets: Sequence[tuple[palette.Statistics, float]],
    amount: float,
  ) -> palette.ColorMap:
    """Returns the map of the style field's colours under a code.

    Args:
      code: [L].
      targets: colours of paintings, and their shares of the style; what is
        left of 1 keeps the style field's colours.
      amount: in [0, 1], of the whole map.

    Returns:
      float32.
    """
    content = self._content(np.asarray(code))
    mixed = palette.mix(
      [palette.transfer(content, style) for style, _ in targets],
      [amount * share for _, share in targets],
    )
    return palette.ColorMap(*(np.asarray(v, np.float32) for v in mixed))

  def _content(self, code: np.ndarray) -> palette.Statistics:
    """Measures the scene in a code, once for each of the latest codes."""
    key = code.tobytes()
    if key not in self._measured:
      if len(self._measured) >= _KEPT:
        self._measured.popitem(last=False)
      self._measured[key] = self._measure(code)
    return self._measured[key]

  def _measure(self, code: np.ndarray) -> palette.Statistics:
    colors, weights = [], []
    for view in self._views:
      opacity = np.maximum(view.photographed.opacity, _NOTHING)[..., None]
      behind = (1.0 - opacity) * self._background
      own = (self._paint(view, code) - behind) / opacity
      colors.append(own.reshape(-1, 3))
      weights.append(opacity.reshape(-1))
    return palette.statistics(np.concatenate(colors), np.concatenate(weights))
