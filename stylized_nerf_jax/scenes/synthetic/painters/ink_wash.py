"""Misty ridges in diluted ink."""

import numpy as np

from stylized_nerf_jax.scenes.synthetic.painters import canvas


def ink_wash(
  rng: np.random.Generator, height: int, width: int, scale: float
) -> np.ndarray:
  """Brush misty ridges, a bamboo and a red seal on absorbent paper."""
  unit = height / 512
  x, y = canvas.grid(height, width)
  fibres = canvas.noise(rng, height, width, 3, octaves=2)
  cloud = canvas.noise(rng, height, width, 170 * unit)
  paper = (
    canvas.hex_colours("efe7d4")[0]
    * (1 + 0.018 * fibres + 0.02 * cloud)[..., None]
  )
  density = np.zeros((height, width))
  bleed = canvas.noise(rng, height, width, 12 * unit * scale, octaves=3)
  for layer in range(5):
    ridge = canvas.skyline(
      rng, width, unit, (0.40 + 0.115 * layer) * height, 95 - 6 * layer
    )
    depth = (y - ridge + 2.2 * unit * bleed) / (unit * scale)
    strength = 0.22 + 0.16 * layer
    wash = np.exp(-np.clip(depth, 0, None) / (42 + 14 * layer))
    crag = canvas.noise(
      rng, height, width, (60 * unit * scale, 16 * unit * scale), octaves=3
    )
    dry = canvas.smoothstep(0.2, 1.6, crag + 0.25 * bleed)
    body = wash * (0.62 + 0.55 * dry * (depth < 95)) + 0.35 * np.exp(
      -(((depth - 1.5) / 2.6) ** 2)
    )
    above = canvas.smoothstep(-1.5, 1.0, depth)
    # The mist at a ridge's foot hides what stands behind it.
    density = density * (1 - above) + strength * body * above
  density = density + 0.06 * np.clip(cloud, 0, 2) + 0.012 * bleed
  inks = canvas.hex_colours("ffffff", "9fa4a8", "55585f", "1d1e24", "101116")
  picture = paper * canvas.ramp(density, inks)
  halo = np.hypot(x - 0.27 * width, y - 0.2 * height) / unit
  sun = canvas.smoothstep(35, 33, halo + 0.5 * bleed)
  red = canvas.hex_colours("c8442f")[0]
  picture = picture * (1 - sun[..., None] * (1 - red) * 0.85)
  return _bamboo(rng, picture, unit, scale)


def _bamboo(rng, picture, unit, scale):
  """Brush two jointed stems with leaves, birds and a seal."""
  height, width = picture.shape[:2]
  stroke = np.zeros((height, width))

  def paint(drawing, factor):
    for u, lean, size in ((0.86, -0.10, 8.5), (0.93, -0.03, 6.0)):
      foot = np.array([u * width, height + 20 * unit])
      breadth = size * unit * scale
      for joint in range(9):
        top = foot + np.array([lean, -1.0]) * rng.uniform(58, 74) * unit
        tone = rng.integers(150, 235)
        drawing.line(
          [tuple(foot * factor), tuple((top + [0, 5 * unit]) * factor)],
          int(tone), max(1, round(breadth * factor)),
        )  # fmt: skip
        if joint > 1:
          _leaves(rng, drawing, top * factor, unit * factor * scale)
        foot = top
    for _ in range(4):
      centre = rng.uniform([0.38, 0.08], [0.62, 0.22]) * [width, height]
      for side in (-1, 1):
        wing = centre + np.array([side * 11, -5]) * unit
        points = [*(centre * factor), *(wing * factor)]
        drawing.line(points, 210, max(1, round(1.6 * unit * factor)))

  stroke = canvas.draw(stroke, paint)
  rough = canvas.noise(rng, height, width, (16 * unit, 2.5), octaves=2)
  stroke = stroke * np.clip(1.05 - 0.16 * np.abs(rough), 0.45, 1)
  soft = 0.8 * stroke + 0.2 * canvas.blur(stroke, 2 * unit)
  picture = picture * (1 - 0.93 * soft[..., None])
  seal = np.zeros((height, width))

  def stamp(drawing, factor):
    a, b = 0.07 * width * factor, 0.83 * height * factor
    s = 30 * unit * factor
    drawing.rounded_rectangle((a, b, a + s, b + 1.3 * s), 0.12 * s, 255)
    for row in range(3):
      v = b + (0.2 + 0.38 * row) * s
      drawing.line((a + 0.2 * s, v, a + 0.8 * s, v), 0, round(0.1 * s))
    drawing.line(
      (a + 0.5 * s, b + 0.2 * s, a + 0.5 * s, b + 1.1 * s), 0, round(0.1 * s)
    )

  seal = canvas.draw(seal, stamp)
  return canvas.mix(
    picture, canvas.hex_colours("b8322a")[0] + 0 * picture, 0.9 * seal
  )


def _leaves(rng, drawing, root, unit):
  """Draw a fan of pointed leaves at a joint."""
  for _ in range(rng.integers(2, 6)):
    turn = rng.normal(np.pi * 0.75, 0.55)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    length = rng.uniform(38, 78) * unit
    base = root + along * 6 * unit
    points = [
      base,
      base + along * 0.35 * length + across * 0.085 * length,
      base + along * length,
      base + along * 0.4 * length - across * 0.075 * length,
    ]
    drawing.polygon([tuple(p) for p in points], int(rng.integers(110, 250)))
