"""A still life broken into shaded facets."""

import numpy as np

from stylized_nerf_jax.scenes.synthetic.painters import canvas


def cubist(
  rng: np.random.Generator, height: int, width: int, scale: float
) -> np.ndarray:
  """Break a still life with a guitar into shaded, overlapping facets."""
  unit = height / 512
  x, y = canvas.grid(height, width)
  rough = canvas.noise(rng, height, width, 90 * unit)
  picture = canvas.ramp(
    0.45 + 0.12 * rough + 0 * x,
    canvas.hex_colours("4a3b2d", "8d7a5c", "b9a780"),
  )
  tints = canvas.hex_colours(
    "2b2a2e", "5b4632", "8a6a42", "b08d57", "cbb489", "e2d5b4", "6f7f86",
    "9fb0b0", "3f5660", "a4552f",
  )  # fmt: skip
  facets = int(210 / scale**1.5)
  for index in range(facets):
    size = unit * scale * rng.uniform(45, 150) * (1 - 0.45 * index / facets)
    centre = rng.uniform(-0.05, 1.05, 2) * [width, height]
    picture = _facet(rng, picture, x, y, centre, size, tints)
  picture = _guitar(rng, picture, unit)
  angle = 0.6 + 0.9 * canvas.noise(rng, height, width, 160 * unit, octaves=2)
  bristles = canvas.smear(
    rng.standard_normal((height, width)), angle, int(6 * unit * scale) + 2
  )
  return picture * canvas.relief(bristles, 0.22)[..., None]


def _facet(rng, picture, x, y, centre, size, tints):
  """Lay one half-plane-bounded facet, shaded from one edge to the other."""
  left, right = (int(v) for v in centre[0] + np.array([-1.2, 1.2]) * size)
  top, bottom = (int(v) for v in centre[1] + np.array([-1.2, 1.2]) * size)
  rows, columns = (
    slice(max(top, 0), max(bottom, 0)),
    slice(max(left, 0), max(right, 0)),
  )
  part = picture[rows, columns]
  if not part.size:
    return picture
  dx, dy = x[:, columns] - centre[0], y[rows] - centre[1]
  start = rng.uniform(0, np.pi)
  sides = start + np.array([0, 1.9, 3.4, 4.9]) + rng.normal(0, 0.25, 4)
  walls = [
    np.cos(a) * dx + np.sin(a) * dy - size * rng.uniform(0.35, 0.95)
    for a in sides
  ]
  inside = np.max(walls, axis=0)
  mask = canvas.smoothstep(0.8, -0.8, inside)
  across = np.clip(
    0.5 + (np.cos(sides[0]) * dx + np.sin(sides[0]) * dy) / (1.6 * size), 0, 1
  )
  first, second = tints[rng.integers(len(tints), size=2)]
  body = first + (second * 0.6 + first * 0.4 - first) * across[..., None]
  body = body * (0.78 + 0.45 * across)[..., None]
  edge = canvas.smoothstep(-3.2, -0.6, inside) * 0.55
  body = canvas.mix(body, 0 * body + tints[0], edge)
  picture[rows, columns] = canvas.mix(part, body, 0.88 * mask)
  return picture


def _guitar(rng, picture, unit):
  """Draw broken contours, strings, a sound hole and scraps of stripes."""
  height, width = picture.shape[:2]
  ink, chalk = (28, 25, 26), (236, 226, 200)
  lean = rng.uniform(0.95, 1.2)
  axis = np.array([np.cos(lean), np.sin(lean)])
  side = np.array([-axis[1], axis[0]])
  middle = np.array([0.5 * width, 0.56 * height])

  def paint(drawing, factor):
    for shift in (-34, 30):
      for start, radius in ((-20, 92), (92, 118)):
        u, v = (middle + (axis * start + side * shift) * unit) * factor
        r = radius * unit * factor
        a = rng.uniform(0, 360)
        drawing.arc(
          (u - r, v - r, u + r, v + r),
          a,
          a + 150,
          ink,
          round(5 * unit * factor),
        )
    u, v = middle * factor
    r = 34 * unit * factor
    drawing.ellipse((u - r, v - r, u + r, v + r), ink)
    drawing.arc(
      (u - 1.3 * r, v - 1.3 * r, u + 1.3 * r, v + 1.3 * r),
      20,
      250,
      chalk,
      round(4 * unit * factor),
    )
    for string in np.linspace(-15, 15, 6):
      ends = [middle + (side * string + axis * t) * unit for t in (-270, 150)]
      drawing.line(
        [tuple(e * factor) for e in ends], chalk, round(1.6 * unit * factor)
      )
    for _ in range(26):
      start = rng.normal([0.5, 0.5], [0.3, 0.3]) * [width, height]
      turn = rng.choice([lean, lean + np.pi / 2, 0.1]) + rng.normal(0, 0.15)
      end = start + rng.uniform(60, 190) * unit * np.array(
        [np.cos(turn), np.sin(turn)]
      )
      drawing.line(
        [tuple(start * factor), tuple(end * factor)],
        ink,
        round(rng.uniform(1.2, 4) * unit * factor),
      )

  return canvas.draw(picture, paint)
