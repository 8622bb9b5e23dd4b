"""Rosettes of small stones in curved courses."""

import numpy as np

from stylized_nerf_jax.scenes.synthetic.painters import canvas


def mosaic(
  rng: np.random.Generator, height: int, width: int, scale: float
) -> np.ndarray:
  """Lay a peacock-like rosette of small stones in curved courses."""
  unit = height / 512
  course = 10.5 * unit * scale
  x, y = canvas.grid(height, width)
  x = x + 2.2 * unit * canvas.noise(rng, height, width, 60 * unit)
  y = y + 2.2 * unit * canvas.noise(rng, height, width, 60 * unit)
  centres = np.array(
    [[0.34, 0.46], [0.86, 0.16], [0.80, 0.84], [0.02, 1.0], [0.0, 0.02]]
  ) * [width, height] + rng.normal(0, 12 * unit, (5, 2))
  reach = np.array([1.5, 0.85, 1.0, 0.8, 0.8])
  away = [np.hypot(x - u, y - v) for u, v in centres]
  owner = np.argmin([a / r for a, r in zip(away, reach)], axis=0)
  distance = np.choose(owner, away)
  turn = np.arctan2(y - centres[owner, 1], x - centres[owner, 0])
  ring = np.floor(distance / course)
  # As many stones in a ring as keep them about square.
  count = np.maximum(3, np.round(2 * np.pi * (ring + 0.5) * 0.85))
  along = (turn / (2 * np.pi) + 0.5 + 0.37 * ring) * count
  stone = np.floor(along)
  key = (ring * 4099 + stone * 131 + owner * 65537).astype(np.int64)
  lot = rng.random((7919, 4))[key % 7919]
  radial = distance / course - ring
  across = along - stone
  arc = course * 0 + 2 * np.pi * (ring + 0.5) * course / count
  edge = np.minimum(
    np.minimum(radial, 1 - radial) * course,
    np.minimum(across, 1 - across) * arc,
  )
  grout = 1.1 * unit * (0.7 + 0.7 * lot[..., 2])
  body = canvas.smoothstep(grout - 0.8, grout + 0.8, edge)
  colours = _mosaic_colours(owner, ring * course / unit, turn, lot)
  slant = (radial - 0.5) * (lot[..., 1] - 0.5) + (across - 0.5) * (
    lot[..., 3] - 0.5
  )
  shine = 0.92 + 0.22 * (lot[..., 0] - 0.5) + 0.5 * slant
  rough = canvas.noise(rng, height, width, 5, octaves=2)
  stones = colours * (shine + 0.035 * rough)[..., None]
  bed = canvas.hex_colours("4b4038")[0] * (1 + 0.1 * rough)[..., None]
  picture = canvas.mix(bed, stones, body)
  return picture * canvas.relief(canvas.blur(body, 1), 0.35)[..., None]


def _mosaic_colours(owner, distance, turn, lot):
  """Rings of petals and eyes; one stone in eight strays to a neighbour."""
  petals = 0.5 + 0.5 * np.sin(turn * np.array([14, 9, 11, 8, 10])[owner])
  shift = distance + 26 * petals + 14 * (lot[..., 0] - 0.5)
  wheel = canvas.hex_colours(
    "f4c64a", "b5352a", "f0e2c0", "1f6f78", "123a63", "d9a02e", "2f8f83",
    "f2ead3", "0f2d52", "b5352a", "e0b04a", "1b5a6a", "efe3c6", "27507f",
  )  # fmt: skip
  index = (shift / 27 + owner * 3).astype(int)
  index = index + (lot[..., 1] > 0.9)
  colours = wheel[index % len(wheel)]
  gold = canvas.hex_colours("ffdf7e")[0]
  return np.where((lot[..., 3] > 0.965)[..., None], gold, colours)
