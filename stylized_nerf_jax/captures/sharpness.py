"""Which frames of a video are sharp: one for each window of time."""

from collections.abc import Sequence

import numpy as np


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


def sharpest_of_windows(scores: Sequence[float], count: int) -> list[int]:
  """Chooses the sharpest frame of each of equal windows of time.

  Args:
    scores: sharpness of frames that are equally far apart in time.
    count: windows, at least 1.

  Returns:
    Indices, ascending: the first of the highest score of each window, window
    k being the frames i with floor(i count / len(scores)) = k. All frames
    where there are no more than windows.
  """
  scores = np.asarray(scores, np.float64)
  total = len(scores)
  if total <= count:
    return list(range(total))
  edges = [-(-k * total // count) for k in range(count + 1)]
  return [
    low + int(np.argmax(scores[low:high]))
    for low, high in zip(edges[:-1], edges[1:], strict=True)
  ]
