"""Errors as colours, from dark to bright, so that they also read in grey."""

import numpy as np

_COLOURS = (
  np.array(
    [
      [20, 17, 26],
      [66, 20, 76],
      [130, 30, 78],
      [195, 56, 56],
      [236, 112, 40],
      [250, 178, 60],
      [253, 240, 176],
    ]
  )
  / 255
)
_NOTHING = np.array([136, 136, 136]) / 255


def heat_map(values: np.ndarray, most: float) -> np.ndarray:
  """Colours a map of errors.

  Args:
    values: [H, W], 0 or more; NaN where nothing is known.
    most: value of the brightest colour, which larger ones have, too.

  Returns:
    float32 [H, W, 3] in [0, 1]; grey where nothing is known.
  """
  known = np.isfinite(values)
  share = np.clip(np.where(known, values, 0.0) / max(most, 1e-9), 0.0, 1.0)
  knots = np.linspace(0, 1, len(_COLOURS))
  channels = [np.interp(share, knots, c) for c in _COLOURS.T]
  colours = np.where(known[..., None], np.stack(channels, axis=-1), _NOTHING)
  return colours.astype(np.float32)


def scale_bar(width: int = 256, height: int = 12) -> np.ndarray:
  """Draws all colours from no error to the largest: [H, W, 3]."""
  row = np.linspace(0.0, 1.0, width, dtype=np.float32)
  return heat_map(np.tile(row, (height, 1)), 1.0)
