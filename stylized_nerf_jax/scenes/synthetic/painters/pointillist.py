"""A sunlit shore in dots of pure colour."""

import numpy as np

from stylized_nerf_jax.scenes.synthetic.painters import canvas


def pointillist_shore(
  rng: np.random.Generator, height: int, width: int, scale: float
) -> np.ndarray:
  """Dot a sunlit shore with pure colours that mix in the eye."""
  colours = _shore(rng, height, width)
  picture = np.full((height, width, 3), canvas.hex_colours("efe6cf")[0])
  unit = height / 512 * scale
  for spacing, radius, spread in (
    (7.5, 5.0, 0.06),
    (5.2, 2.9, 0.11),
    (4.4, 2.1, 0.15),
  ):
    picture = _lay_dots(
      rng, picture, colours, spacing * unit, radius * unit, spread
    )
  weave = canvas.noise(rng, height, width, 3, octaves=2)
  return picture * canvas.relief(weave, 0.03)[..., None]


def _shore(rng, height, width):
  """The scene under the dots: sky, sea, sails, a bank and trees."""
  x, y = canvas.grid(height, width)
  unit = height / 512
  warm = canvas.hex_colours("5a8fd0", "8fb8de", "c9cfdc", "f3d9a8", "f6b27a")
  haze = canvas.noise(rng, height, width, (40 * unit, 160 * unit))
  colours = canvas.ramp(y / (0.45 * height) + 0.09 * haze, warm)
  sun_x = rng.uniform(0.5, 0.75) * width
  sun = np.hypot(x - sun_x, y - 0.30 * height) / (95 * unit)
  light = canvas.hex_colours("fff7d0", "ffe08a", "f9a65c")
  colours = canvas.mix(
    colours, canvas.ramp(sun, light), canvas.smoothstep(1.0, 0.2, sun)
  )
  sea = canvas.hex_colours("2a5fa8", "2f8fb5", "58b8b8", "a6d8c4")
  ripple = canvas.noise(rng, height, width, (7 * unit, 70 * unit), octaves=3)
  water = canvas.ramp(1.1 - 1.4 * (y / height - 0.45) + 0.16 * ripple, sea)
  glitter = np.exp(-(((x - sun_x) / (34 * unit)) ** 2)) * (ripple > -0.1)
  water = canvas.mix(water, light[1] + 0 * water, 0.85 * glitter)
  colours = canvas.mix(
    colours, water, canvas.smoothstep(-1, 1, y - 0.45 * height)
  )
  for _ in range(5):
    u, size = rng.uniform(0.1, 0.9) * width, rng.uniform(20, 52) * unit
    foot = 0.46 * height + 0.9 * size
    rise = (foot - y) / (2 * size)
    sail = (rise > 0.08) & (np.abs(x - u) < 0.55 * size * (1 - rise))
    tint = canvas.hex_colours("fff4df", "f7c9a0", "e8735a")[rng.integers(3)]
    shade = tint * np.where(x < u, 1.0, 0.74)[..., None]
    colours = np.where((sail & (rise < 1))[..., None], shade, colours)
    hull = (np.abs(rise) < 0.07) & (np.abs(x - u) < 0.6 * size)
    colours = np.where(hull[..., None], [0.28, 0.16, 0.30], colours)
  bank = height * (0.80 + 0.10 * x / width) + 14 * unit * canvas.noise(
    rng, 1, width, (1, 130 * unit)
  )
  grass = canvas.hex_colours("24406e", "2f7a4a", "8fb83f", "f0d75a")
  tone = 0.55 + 0.2 * canvas.noise(rng, height, width, 36 * unit)
  colours = canvas.mix(
    colours, canvas.ramp(tone, grass), canvas.smoothstep(-2, 2, y - bank)
  )
  return _trees(rng, x, y, unit, colours)


def _trees(rng, x, y, unit, colours):
  """Trunks and round crowns, lit from the right."""
  height, width = y.shape[0], x.shape[1]
  leaf = canvas.hex_colours("1d2f6b", "225a5e", "3f8f45", "b7cf4a", "f7e27a")
  rough = canvas.noise(rng, height, width, 24 * unit)
  for u, v, radius in ((0.10, 0.36, 105), (0.24, 0.52, 62), (0.93, 0.55, 58)):
    trunk = (np.abs(x - u * width) < 7 * unit) & (y > v * height)
    trunk &= y < 0.88 * height
    colours = np.where(trunk[..., None], [0.30, 0.17, 0.33], colours)
    away_x, away_y = x - u * width, y - v * height
    far = np.hypot(away_x, away_y * 1.15) / (radius * unit) + 0.13 * rough
    lit = 0.45 + 0.38 * (away_x - away_y) / (radius * unit) + 0.1 * rough
    crown = canvas.smoothstep(1.04, 0.96, far)
    colours = canvas.mix(colours, canvas.ramp(lit, leaf), crown)
  return colours


def _lay_dots(rng, picture, colours, spacing, radius, spread):
  """Set dots on a jittered lattice, in hues scattered about the scene's."""
  height, width = picture.shape[:2]
  y, x = np.mgrid[0:height:spacing, 0:width:spacing]
  dots = np.stack([x.ravel(), y.ravel()], -1)
  dots = rng.permutation(dots + rng.normal(0, 0.4 * spacing, dots.shape))
  limit = np.array([width - 1, height - 1])
  column, row = np.clip(dots, 0, limit).astype(int).T
  tints = colours[row, column]
  grey = tints.mean(-1, keepdims=True)
  tints = grey + 1.35 * (tints - grey) + rng.normal(0, spread, tints.shape)
  # One dot in nine is the complementary hue, as the divisionists did.
  complement = rng.random(len(dots)) < 0.11
  tints[complement] = 2 * grey[complement] - tints[complement]
  shades = canvas.to_bytes(tints)
  sizes = radius * rng.uniform(0.75, 1.15, len(dots))

  def paint(drawing, factor):
    for (u, v), size, shade in zip(dots * factor, sizes * factor, shades):
      box = (u - size, v - 0.9 * size, u + size, v + 0.9 * size)
      drawing.ellipse(box, tuple(shade.tolist()))

  return canvas.draw(picture, paint)
