"""A starry valley in long impasto strokes."""

import numpy as np

from stylized_nerf_jax.scenes.synthetic.painters import canvas


def swirling_night(
  rng: np.random.Generator, height: int, width: int, scale: float
) -> np.ndarray:
  """Paint a starry valley in long impasto strokes along a wind field."""
  x, y = canvas.grid(height, width)
  unit = height / 512
  colours, angle = _night_sky(rng, x, y, unit)
  colours, angle = _night_land(rng, x, y, unit, colours, angle)
  picture = canvas.blur(colours.mean(-1), 3)[..., None] * 0.5 + 0.1 * colours
  for length, breadth, jitter in (
    (48, 12, 0.05),
    (34, 7.5, 0.075),
    (24, 4.8, 0.1),
  ):
    picture = _lay_strokes(
      rng,
      picture,
      colours,
      angle,
      length=length * scale * unit,
      breadth=breadth * scale * unit,
      jitter=jitter,
    )
  bristles = canvas.smear(
    rng.standard_normal((height, width)), angle, int(9 * scale * unit) + 2
  )
  return picture * canvas.relief(canvas.blur(bristles, 1), 0.55)[..., None]


def _night_sky(rng, x, y, unit):
  """Colour and stroke direction of a sky of vortices, stars and a moon."""
  height, width = y.shape[0], x.shape[1]
  stream = 1.1 * y + 10 * unit * canvas.noise(rng, height, width, 150 * unit)
  for centre_x, centre_y, radius, turn in (
    (0.48, 0.33, 92, 1),
    (0.62, 0.46, 58, -1),
    (rng.uniform(0.1, 0.25), rng.uniform(0.15, 0.45), 60, 1),
  ):
    far = (x - centre_x * width) ** 2 + (y - centre_y * height) ** 2
    radius *= unit
    stream += turn * 2.0 * radius * np.exp(-far / (radius * radius))
  slope_y, slope_x = np.gradient(stream)
  angle = np.arctan2(-slope_x, slope_y)
  bands = 0.5 + 0.5 * np.sin(stream / (13 * unit))
  tone = 0.6 * bands + 0.25 * y / height
  tone = tone + 0.07 * canvas.noise(rng, height, width, 40 * unit)
  blues = canvas.hex_colours(
    "0b1b4a", "163a86", "2459ad", "4a8cc7", "8fc0d4", "d9e3c0"
  )
  colours = canvas.ramp(tone, blues)
  glow = canvas.hex_colours("fdf6c8", "fbe27a", "f2b632", "b9c07a", "5f9bc4")
  spots = [(0.86, 0.14, 62)]
  spots += [
    (u, rng.uniform(0.06, 0.42), rng.uniform(22, 38))
    for u in np.linspace(0.05, 0.75, 9) + rng.uniform(-0.03, 0.03, 9)
  ]
  for u, v, radius in spots:
    away_x, away_y = x - u * width, y - v * height
    distance = np.hypot(away_x, away_y) / (radius * unit)
    near = canvas.smoothstep(1.1, 0.55, distance)
    rings = distance + 0.05 * np.sin(distance * 22)
    colours = canvas.mix(colours, canvas.ramp(rings, glow), near)
    around = np.arctan2(away_x, -away_y)
    angle = np.where(distance < 1, around, angle)
  return colours, angle


def _night_land(rng, x, y, unit, colours, angle):
  """Lay hills, a village and a cypress in front of the sky."""
  height, width = y.shape[0], x.shape[1]
  tones = (
    canvas.hex_colours("16305f", "2c5590", "4f83ad"),
    canvas.hex_colours("12343b", "23605c", "5b9a72"),
    canvas.hex_colours("0d2a22", "2f5a2d", "8a9a3b"),
  )
  for layer, tone in enumerate(tones):
    ridge = (0.60 + 0.12 * layer) * height + unit * (
      26 * canvas.noise(rng, 1, width, (1, 190 * unit), octaves=2)
    )
    below = canvas.smoothstep(-1, 1, y - ridge)
    rows = np.sin((y - ridge) / (5 * unit) + 3 * np.sin(x / (60 * unit)))
    value = 0.45 + 0.3 * rows + 0.12 * canvas.noise(rng, height, width, 30)
    colours = canvas.mix(colours, canvas.ramp(value, tone), below)
    rise = np.broadcast_to(np.arctan(np.gradient(ridge[0]))[None], angle.shape)
    angle = np.where(below > 0.5, rise, angle)
  for _ in range(16):
    u, v = rng.uniform(0.3, 0.97), rng.uniform(0.76, 0.86)
    size = rng.uniform(6, 13) * unit
    house = (np.abs(x - u * width) < size) & (np.abs(y - v * height) < size)
    roof = (y < v * height - 0.2 * size) & house
    walls = canvas.hex_colours("3d5a86", "c98a3c", "f4d35e", "6b4a3a")
    colours = np.where(house[..., None], walls[rng.integers(3)], colours)
    colours = np.where(roof[..., None], walls[3], colours)
  trunk = 0.13 * width + 9 * unit * np.sin(y / (38 * unit))
  spread = 46 * unit * np.clip((y - 0.12 * height) / (0.88 * height), 0, 1)
  tongue = 1 + 0.35 * np.sin(y / (11 * unit) + np.sign(x - trunk) * 1.5)
  inside = np.abs(x - trunk) < spread * tongue
  tree = canvas.hex_colours("0a1812", "16301c", "39502a", "6e5a2e")
  value = 0.4 + 0.25 * np.sin((x - trunk) / (4 * unit) + y / (30 * unit))
  value = value + 0.15 * canvas.noise(rng, height, width, 20 * unit)
  colours = np.where(inside[..., None], canvas.ramp(value, tree), colours)
  flame = np.pi / 2 + 0.5 * np.sin(y / (20 * unit)) * np.sign(x - trunk)
  return colours, np.where(inside, flame, angle)


def _lay_strokes(
  rng, picture, colours, angle, *, length, breadth, jitter
) -> np.ndarray:
  """Cover a picture with curved strokes that follow a direction field.

  Args:
    rng: generator.
    picture: [H, W, 3], what is there already.
    colours: [H, W, 3], a stroke takes the colour at its middle.
    angle: stroke direction in radians [H, W].
    length: stroke length in pixels.
    breadth: stroke breadth in pixels.
    jitter: standard deviation of a stroke's colour.
  """
  height, width = angle.shape
  spacing = max(2.0, breadth * 1.15)
  y, x = np.mgrid[0:height:spacing, 0 : width : 1.6 * spacing]
  starts = np.stack([x.ravel(), y.ravel()], -1)
  starts = starts + rng.uniform(-spacing, spacing, starts.shape)
  starts = rng.permutation(starts)
  steps = 5
  path = np.empty((len(starts), steps + 1, 2))
  position = starts
  limit = np.array([width - 1, height - 1])
  for step in range(steps + 1):
    path[:, step] = position
    column, row = np.clip(position, 0, limit).astype(int).T
    turn = angle[row, column]
    move = np.stack([np.cos(turn), np.sin(turn)], -1)
    position = position + move * length / steps
  column, row = np.clip(path[:, steps // 2], 0, limit).astype(int).T
  tints = colours[row, column] + jitter * rng.standard_normal((len(starts), 1))
  tints = tints + 0.5 * jitter * rng.standard_normal((len(starts), 3))
  bodies = canvas.to_bytes(tints)
  # A lighter ridge along one side makes a stroke look thick.
  ridges = canvas.to_bytes(tints * 1.1 + 0.04)
  shift = np.array([-0.22, -0.22]) * breadth

  # Rounded joints are slow and show in broad strokes only.
  joint = "curve" if breadth > 9 else None

  def paint(drawing, factor):
    broad = max(1, round(breadth * factor))
    narrow = max(1, round(0.28 * breadth * factor))
    lines = (path * factor).reshape(len(path), -1).tolist()
    upper = ((path[:, 1:-1] + shift) * factor).reshape(len(path), -1).tolist()
    for line, body, high, ridge in zip(lines, bodies, upper, ridges):
      drawing.line(line, tuple(body.tolist()), broad, joint)
      drawing.line(high, tuple(ridge.tolist()), narrow)

  return canvas.draw(picture, paint)
