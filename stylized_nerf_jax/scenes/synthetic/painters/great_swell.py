"""Breaking waves in flat colours with outlines."""

import numpy as np

from stylized_nerf_jax.scenes.synthetic.painters import canvas


def great_swell(
  rng: np.random.Generator, height: int, width: int, scale: float
) -> np.ndarray:
  """Print breaking waves and a far peak in flat colours with outlines."""
  unit = height / 512
  x, y = canvas.grid(height, width)
  sky = canvas.hex_colours("b9a98a", "e3cfa4", "f1e2bd", "e9c39a")
  fall = y / (0.62 * height) + 0.02 * canvas.noise(rng, height, width, 90)
  picture = canvas.ramp(fall + 0 * x, sky)
  disc = np.hypot(x - 0.74 * width, y - 0.2 * height) / unit
  red = canvas.hex_colours("cf4b2e")[0]
  picture = canvas.mix(picture, red, canvas.smoothstep(44.7, 43.3, disc))
  picture = _far_peak(x, y, unit, picture)
  inks = canvas.hex_colours("0f2f57", "1f5288", "5f96b8", "a9c8cc", "f4ecd8")
  for layer in range(5):
    picture = _wave(rng, x, y, unit, scale, layer, picture, inks)
  wood = canvas.noise(rng, height, width, (3.5, 190 * unit), octaves=2)
  speck = canvas.noise(rng, height, width, 3, octaves=1)
  return picture * (1 + 0.022 * wood + 0.012 * speck)[..., None]


def _far_peak(x, y, unit, picture):
  """A snow-capped cone on the horizon."""
  height, width = y.shape[0], x.shape[1]
  away = np.abs(x - 0.47 * width)
  slope = 0.36 * height + 0.48 * away + 0.0011 * away**2 / unit
  slope = np.maximum(slope, 0.37 * height)
  cone = y > slope
  shades = canvas.hex_colours("3c5f80", "7896a4", "f6efdf", "1d2f45")
  body = canvas.ramp((y - 0.36 * height) / (0.3 * height) + 0 * x, shades[:2])
  snow = y < 0.425 * height + 9 * unit * np.abs(((x / (17 * unit)) % 2) - 1)
  body = np.where(snow[..., None], shades[2], body)
  picture = np.where(cone[..., None], body, picture)
  line = np.abs(y - slope) < 1.4 * unit
  return np.where(line[..., None], shades[3], picture)


def _wave(rng, x, y, unit, scale, layer, picture, inks):
  """Lay one row of peaked waves with foam fingers over the picture."""
  height = y.shape[0]
  length = (120 + 62 * layer) * unit * scale
  lift = (34 + 27 * layer) * unit * scale
  base = (0.56 + 0.105 * layer) * height
  travel = x / length + rng.uniform(0, 1) + 0.10 * y / length
  # Points move back where the wave is high, so that crests lean over.
  along = travel - 0.13 * np.sin(2 * np.pi * travel + 0.9)
  shape = (0.5 + 0.5 * np.cos(2 * np.pi * along)) ** 1.3
  breadth = 0.75 + 0.25 * np.sin(travel * 1.7 + layer)
  crest = base - lift * shape * breadth
  depth = (y - crest) / unit
  fingers = 7 * np.abs(np.sin(x / (7.5 * unit * scale) + 0.35 * np.sin(x / 9)))
  fingers = fingers + 4 * np.abs(np.sin(x / (3.1 * unit * scale) + layer))
  foam = (5 + 17 * shape) * scale + fingers * (0.4 + shape)
  stripes = np.sin(depth / (6.4 * scale) + 2.6 * shape + 0.9 * np.sin(x / 60))
  tone = canvas.smoothstep(-0.25, 0.0, stripes) * 0.33
  tone = tone + 0.33 * (stripes > 0.72) - 0.1 * layer / 4
  body = canvas.ramp(np.clip(tone + 0.16, 0, 1), inks[:4])
  body = body * (1 - 0.22 * canvas.smoothstep(20, 150, depth))[..., None]
  white = inks[4] - 0.10 * canvas.smoothstep(0.3, 1, depth / foam)[..., None]
  body = canvas.mix(body, white, canvas.smoothstep(0.9, -0.9, depth - foam))
  line = np.abs(depth - foam) < 1.1
  line |= np.abs(depth) < 1.5
  body = np.where(line[..., None], canvas.hex_colours("14213a"), body)
  picture = canvas.mix(picture, body, canvas.smoothstep(-1.6, -0.6, depth))
  top = crest[min(int(base), height - 1)]
  return _spray(rng, picture, top, unit, inks[4])


def _spray(rng, picture, crest, unit, tint):
  """Fling drops of foam above a crest line [W]."""
  columns = rng.integers(0, len(crest), 70)
  rows = crest[columns] - rng.exponential(20 * unit, 70)
  sizes = rng.uniform(0.9, 2.6, 70) * unit

  def paint(drawing, factor):
    for u, v, r in np.stack([columns, rows, sizes], -1) * factor:
      drawing.ellipse((u - r, v - r, u + r, v + r), canvas.colour(tint))

  return canvas.draw(picture, paint)
