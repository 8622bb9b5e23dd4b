"""What JaxNeRF renders, ray by ray in float64, and files as it writes them."""

import numpy as np
from flax import serialization


def draw_layers(rng, shapes):
  """Returns MLP_i of random numbers for shapes (inputs, outputs)."""
  return {
    f"Dense_{i}": {
      "kernel": (rng.normal(size=s) / np.sqrt(s[0])).astype(np.float32),
      "bias": rng.uniform(-0.3, 0.3, s[1]).astype(np.float32),
    }
    for i, s in enumerate(shapes)
  }


def make_networks(seed=0, *, octaves=2, view_octaves=1, width=8, viewdirs=True):
  """Both networks: three layers, the point again behind the last two."""
  rng = np.random.default_rng(seed)
  point, view = 3 + 6 * octaves, 3 + 6 * view_octaves
  shapes = [(point, width), (width, width), (width + point, width)]
  shapes.append((width + point, 1))
  if viewdirs:
    shapes += [(width + point, width), (width + view, 5), (5, 3)]
  else:
    shapes.append((width + point, 3))
  networks = {name: draw_layers(rng, shapes) for name in ("MLP_0", "MLP_1")}
  for network in networks.values():
    network["Dense_3"]["kernel"] *= 3.0
    network["Dense_3"]["bias"] += 0.5
  return networks


def write(path, networks, step=7):
  """Writes a checkpoint with moments, as flax's save_checkpoint does."""
  moments = {"grad_ema": np.zeros(2), "grad_sq_ema": np.zeros(2)}
  content = {
    "optimizer": {
      "target": {"params": networks},
      "state": {"step": step, "param_states": {"params": moments}},
    }
  }
  path.write_bytes(serialization.msgpack_serialize(content))
  return path


def render(
  networks,
  origin,
  direction,
  viewdir,
  *,
  near,
  far,
  coarse,
  fine,
  skip=1,
  layers=3,
  octaves=2,
  view_octaves=1,
  first=0,
  legacy=False,
  lindisp=False,
  white=True,
):
  """Renders one ray: [(rgb, acc, disp) of the coarse and of the fine pass]."""
  view = encode(viewdir, 0, view_octaves, legacy)
  length = np.linalg.norm(direction)
  shares = [i / (coarse - 1) for i in range(coarse)]
  if lindisp:
    z = [1 / ((1 - s) / near + s / far) for s in shares]
  else:
    z = [near * (1 - s) + far * s for s in shares]
  passes, weights = [], None
  for name in ("MLP_0", "MLP_1"):
    if weights is not None:
      z = sorted([*z, *add_samples(z, weights, fine)])
    found = [
      evaluate(
        networks[name],
        encode(origin + t * direction, first, first + octaves, legacy),
        view,
        skip,
        layers,
      )
      for t in z
    ]
    weights, through = [], 1.0
    for k, (_, sigma) in enumerate(found):
      interval = (z[k + 1] - z[k] if k + 1 < len(z) else 1e10) * length
      alpha = 1 - np.exp(-max(sigma, 0.0) * interval)
      weights.append(alpha * through)
      through *= 1 - alpha
    acc = sum(weights)
    rgb = sum(w * c for w, (c, _) in zip(weights, found))
    depth = sum(w * t for w, t in zip(weights, z))
    disp = acc / depth if depth > 0 else 1e10
    passes.append((rgb + (1 - acc if white else 0.0), acc, disp))
  return passes


def encode(x, first, last, legacy):
  """The encoding, value by value."""
  scaled = [[2.0**i * v for v in x] for i in range(first, last)]
  sines = [[np.sin(v) for v in row] for row in scaled]
  cosines = [[np.sin(v + np.pi / 2) for v in row] for row in scaled]
  if legacy:
    rows = [row for pair in zip(sines, cosines) for row in pair]
  else:
    rows = sines + cosines
  return np.array([*x, *(v for row in rows for v in row)], np.float64)


def evaluate(network, point, view, skip, layers):
  """One point through one network: (rgb, raw sigma)."""
  weights = [network[f"Dense_{i}"] for i in range(len(network))]
  dense = iter(weights)

  def apply(x):
    layer = next(dense)
    return x @ layer["kernel"].astype(np.float64) + layer["bias"]

  x = point
  for i in range(layers):
    x = np.maximum(apply(x), 0.0)
    if i % skip == 0 and i > 0:
      x = np.concatenate([x, point])
  sigma = apply(x)[0]
  if len(weights) > layers + 2:
    x = np.concatenate([apply(x), view])
    for _ in range(len(weights) - layers - 3):
      x = np.maximum(apply(x), 0.0)
  return 1 / (1 + np.exp(-apply(x))), sigma


def add_samples(z, weights, count):
  """Positions of the fine pass, found by walking along the histogram."""
  edges = [(a + b) / 2 for a, b in zip(z, z[1:])]
  mass = list(weights[1:-1])
  missing = max(0.0, 1e-5 - sum(mass)) / len(mass)
  mass = [m + missing for m in mass]
  total, positions = sum(mass), []
  for i in range(count):
    left = i / (count - 1) * (1 - 2.0**-23) * total
    for k, m in enumerate(mass):
      if left < m or k == len(mass) - 1:
        share = min(left / m, 1.0) if m else 0.0
        positions.append(edges[k] + share * (edges[k + 1] - edges[k]))
        break
      left -= m
  return positions
