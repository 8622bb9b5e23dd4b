"""All that is measured of frames against one painting, frame by frame."""

from typing import Any

import jax
import numpy as np

from stylized_nerf_jax.evaluation import (
  brushwork,
  lpips,
  strokes,
  style_scores,
)

NAMES = (
  "style_distance",
  "color_distance",
  "realism",
  "coverage",
  "stroke_orientation",
  "stroke_scale",
  "painting_energy",
)
_energy = jax.jit(style_scores.high_frequency_energy)


class PaintingScores:
  """Takes frames one by one; their scores are those of the whole sequence."""

  def __init__(
    self,
    painting: np.ndarray,
    lpips_params: dict[str, Any],
    encode: style_scores.Encode | None = None,
  ):
    """Measure the painting.

    Args:
      painting: [H, W, 3] in [0, 1], at the size that its style was learned in.
      lpips_params: what `lpips.load_lpips` returns.
      encode: the stylizer's encoder, see `style_scores.style_distance`.
    """
    self._measures = {"color_distance": style_scores.color_distance(painting)}
    if encode is not None:
      self._measures["style_distance"] = style_scores.style_distance(
        encode, painting
      )
    self._strokes = None
    # A painting that AlexNet cannot see has no places to compare with.
    if min(painting.shape[:2]) >= lpips.SMALLEST_SIDE:
      self._strokes = strokes.Resemblance(painting, lpips_params)
      self._measures["realism"] = self._strokes.add
    self._energy = float(_energy(np.asarray(painting, np.float32)))
    self._painted = brushwork.Brushwork([painting])
    self._shown = brushwork.Brushwork()
    self._rows: list[dict[str, float]] = []

  def add(self, frame: np.ndarray) -> None:
    """Measure one more frame [H, W, 3] in [0, 1]."""
    self._rows.append({n: float(m(frame)) for n, m in self._measures.items()})
    self._shown.add(frame)

  def scores(self) -> dict[str, float | None]:
    """Return what was measured, of at least one frame.

    Returns:
      By the names of `NAMES`: "style_distance" (None without encode),
      "color_distance" and "realism", means over the frames; "coverage", of all
      frames together (both None where the painting is smaller than 31 pixels
      on a side); "stroke_orientation", degrees, and "stroke_scale", octaves,
      of the frames' mean histograms; "painting_energy", the painting's own
      `style_scores.high_frequency_energy`.
    """
    found: dict[str, float | None] = dict.fromkeys(NAMES)
    found["painting_energy"] = self._energy
    for name in self._measures:
      found[name] = float(np.mean([row[name] for row in self._rows]))
    if self._strokes is not None:
      found["coverage"] = self._strokes.coverage()
    return found | self._shown.distances(self._painted)
