"""A sunrise in leaded pieces of coloured glass."""

import numpy as np

from stylized_nerf_jax.scenes.synthetic.painters import canvas


def stained_glass(
  rng: np.random.Generator, height: int, width: int, scale: float
) -> np.ndarray:
  """Lead a sunrise over hills and water in pieces of coloured glass."""
  unit = height / 512
  x, y = canvas.grid(height, width)
  x = x + 5 * unit * canvas.noise(rng, height, width, 120 * unit, octaves=1)
  y = y + 5 * unit * canvas.noise(rng, height, width, 120 * unit, octaves=1)
  sun = np.array([0.56 * width, 0.42 * height])
  distance = np.hypot(x - sun[0], y - sun[1]) / unit
  turn = np.arctan2(y - sun[1], x - sun[0])
  ridges = [
    (0.52 + 0.12 * k) * height
    + unit * 30 * np.sin(x / (width * 0.13) + 2.1 * k + rng.uniform(0, 6))
    for k in range(4)
  ]
  land = sum((y > ridge).astype(int) for ridge in ridges)
  disc = np.digitize(distance, [26, 66])
  sector = np.floor((turn / (2 * np.pi) + 0.5) * np.where(disc == 2, 22, 12))
  ray = np.where(disc == 0, 0, sector)
  sky = 10 + disc * 30 + ray
  region = np.where(land > 0, land, sky).astype(int)
  cells, wall = _voronoi(rng, height, width, 58 * unit * scale)
  piece = region * 4001 + cells
  lot = rng.random((7919, 3))[piece % 7919]
  glass = _glass_colours(region, land, disc, ray, lot)
  lead = canvas.smoothstep(0, 1, wall / unit - 1.7 * scale)
  outline = _outline(region, round(2.0 * unit * scale))
  lead = lead * (1 - outline)
  streak = canvas.noise(rng, height, width, (9 * unit, 34 * unit))
  seeds = canvas.noise(rng, height, width, 6 * unit, octaves=2)
  glow = 0.86 + 0.34 * np.exp(-distance / 190) + 0.11 * streak + 0.05 * seeds
  glow = glow * (0.75 + 0.25 * canvas.blur(lead, 6 * unit))
  light = glass * glow[..., None]
  came = canvas.hex_colours("17151a")[0] * np.ones((height, width, 1))
  soft = canvas.blur(lead, 1)
  shine = np.clip(canvas.relief(soft, 0.9) - 1, 0, 1) * (1 - soft)
  return canvas.mix(came, light, soft) + 0.5 * shine[..., None]


def _glass_colours(region, land, disc, ray, lot):
  """Jewel colours: a golden sun, rays from rose to violet, green hills."""
  suns = canvas.hex_colours("fff2b0", "ffc53a")
  rays = canvas.hex_colours("e4572e", "f08a24", "c2264f", "7a2a8c", "2d55b8")
  hills = canvas.hex_colours("2a9d6f", "1c7c8c", "1b4fa0", "1a2f7a")
  sky = rays[((ray * 3) + lot[..., 0] * 2.2).astype(int) % len(rays)]
  colours = np.where((disc < 2)[..., None], suns[np.minimum(disc, 1)], sky)
  ground = hills[np.clip(land - 1, 0, 3)]
  accent = canvas.hex_colours("9bd14b", "e8d24a", "54c6c9")
  ground = np.where(
    (lot[..., 1] > 0.8)[..., None],
    accent[(lot[..., 0] * 3).astype(int)],
    ground,
  )
  colours = np.where((land > 0)[..., None], ground, colours)
  return colours * (0.72 + 0.5 * lot[..., 2:])


def _voronoi(rng, height, width, spacing):
  """Nearest of jittered lattice points and the distance to the border.

  Returns:
    cells: int [H, W].
    wall: distance in pixels to the border with the next cell [H, W].
  """
  rows, columns = int(height / spacing) + 3, int(width / spacing) + 3
  v, u = np.mgrid[0:rows, 0:columns] - 1.0
  points_y = (v + 0.5 + rng.uniform(-0.42, 0.42, v.shape)) * spacing
  points_x = (u + 0.5 + rng.uniform(-0.42, 0.42, u.shape)) * spacing
  x, y = canvas.grid(height, width)
  home_u = np.floor(x / spacing).astype(int) + 1
  home_v = np.floor(y / spacing).astype(int) + 1
  first = np.full((height, width), np.inf)
  second = first.copy()
  cells = np.zeros((height, width), int)
  offsets = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
  nearest = np.zeros((2, height, width))
  for a, b in offsets:
    r = np.clip(home_v + a, 0, rows - 1)
    c = np.clip(home_u + b, 0, columns - 1)
    r, c = np.broadcast_arrays(r, c)
    far = np.hypot(x - points_x[r, c], y - points_y[r, c])
    closer = far < first
    second = np.where(closer, first, np.minimum(second, far))
    nearest = np.where(closer, [points_x[r, c], points_y[r, c]], nearest)
    cells = np.where(closer, r * columns + c, cells)
    first = np.where(closer, far, first)
  return cells, (second - first) / 2


def _outline(region, radius):
  """Mark, as a soft mask, the borders between regions [H, W] of ids."""
  border = np.zeros(region.shape)
  border[:, 1:] += region[:, 1:] != region[:, :-1]
  border[1:] += region[1:] != region[:-1]
  wide = canvas.blur(np.minimum(border, 1), max(1, radius))
  return canvas.smoothstep(0.10, 0.28, wide * max(1, radius))
