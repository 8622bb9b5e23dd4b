"""Which frames of a video are sharp: one for each window of time."""

from collections.abc import Sequence

import numpy as np

_ROUNDING = 1e-3  # of the time between two frames


def sharpness(picture: np.ndarray) -> float:
  """Scores a picture by the variance of its Laplacian.

  Blur, of motion or of focus, takes away what varies from pixel to pixel. The
  score depends on what is shown, so that only neighbours in time compare.

  Args:
    picture: [H, W], grey, at least 3 x 3; all of one size where compared.

  Returns:
    The variance of four neighbours minus four times the pixel, over all
    pixels that have four neighbours, in squared grey levels; 0 is flat.
  """
  grey = np.asarray(picture, np.float32)
  around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
  return float(np.var(around - 4 * grey[1:-1, 1:-1], dtype=np.float64))


def sharpest_of_windows(
  scores: Sequence[float],
  count: int,
  times: Sequence[float] | None = None,
) -> list[int]:
  """Chooses the sharpest frame of each of equal windows of time.

  Args:
    scores: sharpness of n frames.
    count: windows, at least 1.
    times: seconds of the frames, ascending; None: equally far apart.

  Returns:
    Indices, ascending: the first of the highest score of each window. Frames
    that are equally far apart are of window floor(i count / n). Where a window
    of time holds no frame, its neighbours give it one, so that there are
    `count` of them; all frames where there are no more than windows.
  """
  scores = np.asarray(scores, np.float64)
  total = len(scores)
  if total <= count:
    return list(range(total))
  times = np.arange(total) if times is None else np.asarray(times, np.float64)
  times = times - times[0]
  gap = float(np.median(np.diff(times)))
  # The last frame is shown, too; times are rounded.
  windows = (times + _ROUNDING * gap) / max(times[-1] + gap, 1e-9) * count
  order = np.arange(count + 1)
  edges = np.searchsorted(windows, order)
  edges = np.maximum.accumulate(edges - order) + order
  edges = np.minimum(edges, total - count + order)
  edges[0], edges[-1] = 0, total
  return [
    low + int(np.argmax(scores[low:high]))
    for low, high in zip(edges[:-1], edges[1:], strict=True)
  ]
