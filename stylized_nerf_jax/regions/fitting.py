"""A region's field, fitted to nodes that are inside and nodes that are not.

What it learns is half the difference of the distances to the nearest node of
either kind: 0 midway between the two, nowhere steeper than distance itself, and
known at every point of space.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy import spatial

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import region_field
from stylized_nerf_jax.regions import surfaces

# Distances count up to this share of the region's radius ...
_REACH = 0.25
# ... but at least so many pixels.
_PIXELS = 4.0
_BOX = ("lower", "upper")  # parameters of the field that are not learned
_EXAMPLES = 1 << 18
_BATCH = 1 << 13
_STEPS = 400
_RATE = 1e-2
# Of a pixel: how far beside surfaces examples lie.
_BESIDE = (0.0, 0.5, 2.0, 6.0)


@dataclasses.dataclass(frozen=True)
class Fitted:
  """A region's field.

  Attributes:
    options: attributes of its `region_field.RegionField`.
    params: its parameters.
    reach: what 1 means, in field coordinates.
    error: mean absolute error of signed distances, in shares of the reach.
  """

  options: Mapping[str, Any]
  params: Mapping[str, Any]
  reach: float
  error: float


def fit(nodes: surfaces.Nodes, inside: np.ndarray, *, seed: int = 0) -> Fitted:
  """Fits a field to nodes.

  Args:
    nodes: of the scene's views.
    inside: bool [M].
    seed: of examples and first parameters.

  Raises:
    ValueError: no node is inside, or none outside.
  """
  if not inside.any() or inside.all():
    raise user_error.UserError(
      f"the region holds {'every' if inside.any() else 'no'} place that the "
      "training views see; expected a part of the scene"
    )
  own = nodes.points[inside]
  radius = np.sqrt(np.mean(np.sum((own - own.mean(axis=0)) ** 2, axis=-1)))
  pixel = float(np.median(nodes.sizes[inside]))
  reach = float(max(_REACH * radius, _PIXELS * pixel))
  # Half of a difference: beyond twice the reach it is -1 everywhere.
  lower, upper = own.min(axis=0) - 2 * reach, own.max(axis=0) + 2 * reach
  options = {"finest_resolution": _resolution(upper - lower, pixel)}
  random = np.random.default_rng(seed)
  points = _examples(random, nodes, lower, upper)
  to_own, _ = spatial.cKDTree(own).query(points, workers=-1)
  to_rest, _ = spatial.cKDTree(nodes.points[~inside]).query(points, workers=-1)
  signed = np.clip((to_rest - to_own) / (2 * reach), -1.0, 1.0)
  module = region_field.RegionField(**options)
  # As they are kept in files.
  lower, upper = (np.float16(at).astype(np.float32) for at in (lower, upper))
  box = dict(zip(_BOX, (lower, upper)))
  params, error = _train(module, box, points, signed, seed)
  return Fitted(options, params, reach, error)


def _resolution(extent: np.ndarray, pixel: float) -> int:
  """Returns cells a side, a power of two, as large as a pixel or two."""
  cells = np.log2(np.max(extent) / pixel)
  return 2 ** int(np.clip(np.floor(cells), 4, 8))


def _examples(random, nodes, lower, upper) -> np.ndarray:
  """Draws points [N, 3] on surfaces, beside them, and anywhere in a box."""
  within = np.all((nodes.points > lower) & (nodes.points < upper), axis=-1)
  chosen = random.choice(np.flatnonzero(within), _EXAMPLES)
  beside = random.choice(_BESIDE, _EXAMPLES) * nodes.sizes[chosen]
  points = nodes.points[chosen]
  points = points + beside[:, None] * random.normal(size=points.shape)
  anywhere = _EXAMPLES // 8
  points[:anywhere] = random.uniform(lower, upper, (anywhere, 3))
  return points.astype(np.float32)


def _train(module, box, points, signed, seed: int) -> tuple[Mapping, float]:
  points, signed = jnp.asarray(points), jnp.asarray(signed, jnp.float32)
  rates = optax.cosine_decay_schedule(_RATE, _STEPS)
  optimizer = optax.adam(rates, b2=0.99, eps=1e-15)

  def error(params, index):
    found = module.apply({"params": params}, points[index])
    return jnp.mean(jnp.abs(found - signed[index]))

  def step(state, key):
    params, moments = state
    index = jax.random.randint(key, (_BATCH,), 0, len(points))
    loss, slopes = jax.value_and_grad(error)(params, index)
    change, moments = optimizer.update(slopes, moments)
    return (optax.apply_updates(params, change), moments), loss

  @jax.jit
  def train(key):
    first, rest = jax.random.split(key)
    params = module.init(first, points[:1])["params"] | box
    state = params, optimizer.init(params)
    keys = jax.random.split(rest, _STEPS)
    (params, _), losses = jax.lax.scan(step, state, keys)
    return params, losses[-20:].mean()

  params, last = train(jax.random.key(seed))
  return jax.tree.map(np.asarray, params), float(last)
