"""A mountain lake printed from two blocks."""

import numpy as np

from stylized_nerf_jax.scenes.synthetic.painters import canvas


def woodcut(
  rng: np.random.Generator, height: int, width: int, scale: float
) -> np.ndarray:
  """Print a mountain lake under a burning sky from two blocks.

  The key block is black: grooves whose breadth follows the tone. The second
  block lies under it in flat, slightly graded colours.
  """
  unit = height / 512
  x, y = canvas.grid(height, width)
  wobble = canvas.noise(rng, height, width, 26 * unit, octaves=2)
  sun = np.array([rng.uniform(0.55, 0.7) * width, 0.27 * height])
  far = np.hypot(x - sun[0], y - sun[1]) / unit
  period = 8.5 * unit * scale
  phase = far * unit / period
  tone = 0.34 + 0.62 * np.exp(-far / 170)
  tone = np.where(far < 46, 2.0, tone)
  heat = canvas.smoothstep(420, 60, far + 10 * wobble)
  block = canvas.ramp(
    heat, canvas.hex_colours("e9d3a6", "e7863c", "d4492a", "eda531", "fbe9b7")
  )
  for layer in range(3):
    ridge = canvas.skyline(
      rng, width, unit, (0.47 + 0.09 * layer) * height, 70 - 16 * layer
    )
    folds = canvas.noise(rng, height, width, 58 * unit, octaves=2)
    lean = (-1) ** layer * 0.7
    light = 0.52 + 0.30 * np.tanh(3 * folds + lean) - 0.05 * layer
    rock = (y + lean * x + 14 * unit * folds) / period
    below = y > ridge
    phase, tone = np.where(below, rock, phase), np.where(below, light, tone)
    # An uncut rim draws each ridge.
    tone = np.where(np.abs(y - ridge) < 2 * unit, -2, tone)
    stone = canvas.hex_colours("d8b48a", "8fa698", "5d8a8c")[layer]
    block = np.where(
      below[..., None], stone * (1 + 0.1 * light[..., None]), block
    )
  lake = y > 0.74 * height
  path = np.exp(-(((x - sun[0] + 5 * wobble) / (52 * unit)) ** 2))
  swell = 0.8 * y / period + 0.9 * np.sin(x / (38 * unit) + wobble)
  phase = np.where(lake, swell, phase)
  tone = np.where(
    lake, 0.46 + 0.4 * path + 0.10 * np.sin(x / (70 * unit)), tone
  )
  sea = canvas.hex_colours("3f7d8c", "eda531")
  block = np.where(lake[..., None], canvas.ramp(path, sea), block)
  wedge = np.abs(2 * (phase - np.floor(phase)) - 1) * (1 + 0.1 * wobble)
  soft = 1.2 / period
  paper = canvas.smoothstep(-soft, soft, wedge - (1 - tone))
  paper = paper * (1 - _pines(rng, x, y, unit))
  grain = canvas.noise(rng, height, width, (3, 60 * unit), octaves=2)
  fibres = canvas.noise(rng, height, width, 4, octaves=2)
  ink = canvas.hex_colours("1b1715")[0]
  ink = ink + 0.05 * np.clip(grain, 0, 2)[..., None]
  block = block * (1 + 0.03 * fibres + 0.03 * grain)[..., None]
  return canvas.mix(ink, block, paper)


def _pines(rng, x, y, unit):
  """Soft mask [H, W] of black pines on both sides of the foreground."""
  height, width = y.shape[0], x.shape[1]
  mask = np.zeros((height, width))
  spots = np.concatenate([rng.uniform(0.0, 0.26, 5), rng.uniform(0.84, 1.0, 3)])
  for u in spots:
    size = rng.uniform(150, 330) * unit
    fall = (y - (height * 1.02 - size)) / size
    teeth = np.abs((fall * 9) % 1 - 1) * 0.75 + 0.25
    breadth = 0.15 * size * fall * teeth
    hair = 5 * unit * np.sin(y / (2.1 * unit)) * fall
    tree = (np.abs(x - u * width) < breadth + hair) & (fall > 0)
    mask = np.maximum(mask, tree)
  return canvas.blur(mask, 1)
