"""What all painters share: noise, colour ramps, relief and drawing.

Canvases are float arrays [H, W, 3] in [0, 1]; coordinates are pixels (x, y)
at pixel centres; every random choice comes from the generator passed in.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw


def hex_colours(*codes: str) -> np.ndarray:
  """Turn "1a2b3c" codes into colours [N, 3] in [0, 1]."""
  return (
    np.array(
      [[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in codes]
    ).astype(np.float64)
    / 255
  )


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
  """Return pixel-centre coordinates x [1, W] and y [H, 1]."""
  return np.arange(width)[None] + 0.5, np.arange(height)[:, None] + 0.5


def noise(
  rng: np.random.Generator,
  height: int,
  width: int,
  cell: float | tuple[float, float],
  *,
  octaves: int = 4,
) -> np.ndarray:
  """Draw smooth fractal noise.

  Args:
    rng: generator.
    height: rows.
    width: columns.
    cell: size in pixels of the coarsest features, or (vertical, horizontal).
    octaves: levels, each half the size and half as strong as the last.

  Returns:
    [H, W], zero mean, unit standard deviation.
  """
  vertical, horizontal = cell if isinstance(cell, tuple) else (cell, cell)
  total = np.zeros((height, width))
  for octave in range(octaves):
    rows = max(2, int(np.ceil(height / vertical * 2**octave)) + 3)
    columns = max(2, int(np.ceil(width / horizontal * 2**octave)) + 3)
    rows, columns = min(rows, height + 3), min(columns, width + 3)
    coarse = Image.fromarray(rng.standard_normal((rows, columns), np.float32))
    fine = coarse.resize((width, height), Image.Resampling.BICUBIC)
    total += np.asarray(fine, np.float64) / 2**octave
  return (total - total.mean()) / (total.std() + 1e-12)


def skyline(rng, width, unit, base, rise):
  """Return the heights [1, W] of a skyline: sharp peaks, round valleys."""
  fold = np.abs(noise(rng, 1, width, (1, 170 * unit), octaves=4))
  return base + rise * unit * (0.9 - 1.1 * fold)


def smoothstep(low: float, high: float, values: np.ndarray) -> np.ndarray:
  """Ease from 0 at `low` to 1 at `high`."""
  t = np.clip((values - low) / (high - low), 0, 1)
  return t * t * (3 - 2 * t)


def ramp(values: np.ndarray, colours: np.ndarray) -> np.ndarray:
  """Look values [...] in [0, 1] up in evenly spaced colours [N, 3]."""
  knots = np.linspace(0, 1, len(colours))
  fine = np.linspace(0, 1, 1024)
  table = np.stack([np.interp(fine, knots, c) for c in colours.T], -1)
  return table[(np.clip(values, 0, 1) * 1023 + 0.5).astype(int)]


def mix(base: np.ndarray, over: np.ndarray, mask: np.ndarray) -> np.ndarray:
  """Lay `over` on `base` where mask [H, W] in [0, 1] says."""
  return base + (over - base) * mask[..., None]


def blur(values: np.ndarray, radius: float) -> np.ndarray:
  """Smooth [H, W] by three box filters of about `radius` pixels."""
  radius = max(1, round(radius))
  for axis in (0, 1):
    for _ in range(3):
      pad = [(0, 0), (0, 0)]
      pad[axis] = (radius + 1, radius)
      sums = np.cumsum(np.pad(values, pad, mode="edge"), axis=axis)
      upper = np.take(sums, range(2 * radius + 1, sums.shape[axis]), axis)
      lower = np.take(sums, range(sums.shape[axis] - 2 * radius - 1), axis)
      values = (upper - lower) / (2 * radius + 1)
  return values


def relief(heights: np.ndarray, strength: float) -> np.ndarray:
  """Light a surface from the top left; a factor [H, W] around 1."""
  down, right = np.gradient(heights)
  return np.clip(1 - strength * (down + right), 0.4, 1.7)


def smear(values: np.ndarray, angle: np.ndarray, length: int) -> np.ndarray:
  """Average [H, W] along a direction field, as bristles drag paint.

  This is line integral convolution with nearest-pixel steps.

  Args:
    values: [H, W].
    angle: direction in radians [H, W].
    length: steps of one pixel taken to either side.
  """
  height, width = values.shape
  total = values.copy()
  for sign in (-1, 1):
    y, x = (part.astype(np.float32) for part in np.indices(values.shape))
    step_x = (sign * np.cos(angle)).astype(np.float32).ravel()
    step_y = (sign * np.sin(angle)).astype(np.float32).ravel()
    x, y = x.ravel(), y.ravel()
    index = np.arange(values.size)
    flat = values.ravel()
    for _ in range(length):
      x = np.clip(x + step_x[index], 0, width - 1)
      y = np.clip(y + step_y[index], 0, height - 1)
      index = (y + 0.5).astype(np.int32) * width + (x + 0.5).astype(np.int32)
      total += flat[index].reshape(values.shape)
  return total / (2 * length + 1)


def draw(
  canvas: np.ndarray,
  paint: Callable[[ImageDraw.ImageDraw, float], None],
  *,
  oversample: int = 2,
) -> np.ndarray:
  """Let Pillow draw on a canvas, antialiased.

  Args:
    canvas: [H, W, 3] or [H, W].
    paint: called with a drawing and the factor to multiply coordinates by.
    oversample: size of the drawing in canvas sizes.

  Returns:
    The canvas with the drawing on it.
  """
  height, width = canvas.shape[:2]
  picture = Image.fromarray(to_bytes(canvas))
  picture = picture.resize((width * oversample, height * oversample), 0)
  paint(ImageDraw.Draw(picture), oversample)
  return np.asarray(picture.reduce(oversample), np.float64) / 255


def to_bytes(canvas: np.ndarray) -> np.ndarray:
  """Round a canvas to uint8."""
  return np.round(np.clip(canvas, 0, 1) * 255).astype(np.uint8)


def colour(values: np.ndarray) -> tuple[int, ...]:
  """Turn a colour [3] in [0, 1] into what Pillow takes."""
  return tuple(int(v) for v in to_bytes(np.asarray(values)))
