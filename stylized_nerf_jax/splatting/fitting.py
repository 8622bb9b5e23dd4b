"""Splats and their colours fitted to pictures of a scene.

Pictures of several looks are fitted together, as channels: places, sizes and
opacities are those of all, and colours come out for each. One step draws one
view whole.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.splatting import projection, rendering, tiles
from stylized_nerf_jax.splatting import splats as splats_lib

# Of Adam: places in standard deviations of a splat, colours in [0, 1].
_RATES = {
  "offsets": 0.03,
  "log_scales": 0.02,
  "rotations": 0.01,
  "logits": 0.08,
  "colors": 0.02,
}
# Of the rates, at the end.
_FINAL = 0.05
# How much opacity counts beside a colour.
_OPACITY_WEIGHT = 0.5
# Views are planned anew after so many steps on each, and how far splats may go
# in between, pixels.
_PLANNED, _MARGIN = 4, 1.0
# Splats of a tile: of more, the farthest are left out.
_MOST = 1024
_ROUND = 64
# Standard deviations of splats, of what they began with.
_SCALE_RANGE = (-1.6, 1.6)


@dataclasses.dataclass(frozen=True)
class View:
  """What splats are to look like from a camera.

  Attributes:
    camera: of no leading dimensions, a pinhole.
    colors: [H, W, C] uint8, C / 3 looks.
    opacity: [H, W], in [0, 1].
  """

  camera: rays_lib.CameraArrays
  colors: np.ndarray
  opacity: np.ndarray


def fit(
  splats: splats_lib.Splats,
  colors: np.ndarray,
  views: Sequence[View],
  *,
  steps: int,
  background: Sequence[float] | None,
  geometry: bool = True,
  seed: int = 0,
  advance: Callable[..., Any] = lambda **figures: None,
) -> tuple[splats_lib.Splats, np.ndarray]:
  """Fits splats to views.

  Args:
    splats: N, that it begins with, in the frame of the views' cameras.
    colors: [N, C], in [0, 1].
    views: of one size, or of few.
    steps: one view each.
    background: [3], behind every look; None is black.
    geometry: whether places, sizes and opacities are fitted, too.
    seed: of the order of views.
    advance: called after every step, with the loss.

  Returns:
    (splats, colours), numpy float32.
  """
  if steps == 0:
    return splats, np.asarray(colors, np.float32)
  start = splats_lib.Splats(*(jnp.asarray(v, jnp.float32) for v in splats))
  params = {"colors": jnp.asarray(colors, jnp.float32)}
  if geometry:
    params |= {
      "offsets": jnp.zeros_like(start.means),
      "log_scales": start.log_scales,
      "rotations": start.rotations,
      "logits": start.logits,
    }
  optimizer = optax.multi_transform(
    {
      name: optax.adam(
        optax.cosine_decay_schedule(rate, steps, _FINAL), b2=0.99, eps=1e-15
      )
      for name, rate in _RATES.items()
      if name in params
    },
    {name: name for name in params},
  )
  behind = jnp.tile(
    jnp.zeros(3) if background is None else jnp.asarray(background),
    colors.shape[1] // 3,
  )
  state = optimizer.init(params)
  take = _step(optimizer)
  plans = _Plans(views)
  random = np.random.default_rng(seed)
  order = []
  for step in range(steps):
    if not order:
      order = list(random.permutation(len(views)))
    number = order.pop()
    view = views[number]
    plan = plans.of(number, functools.partial(placed, start, params))
    params, state, loss = take(
      params,
      state,
      (start, behind),
      view.camera,
      plan,
      view.colors,
      view.opacity,
      # In turn as viewers of either kind draw: right in both.
      projection.HELD * (step % 2),
    )
    advance(loss=float(loss))
  found = placed(start, params)
  return (
    splats_lib.Splats(*map(np.asarray, found)),
    np.clip(np.asarray(params["colors"]), 0.0, 1.0),
  )


def placed(start: splats_lib.Splats, params) -> splats_lib.Splats:
  """Returns the splats that parameters mean."""
  if "offsets" not in params:
    return start
  wide = jnp.exp(start.log_scales.max(axis=-1, keepdims=True))
  low, high = _SCALE_RANGE
  length = jnp.linalg.norm(params["rotations"], axis=-1, keepdims=True)
  return splats_lib.Splats(
    means=start.means + wide * params["offsets"],
    log_scales=jnp.clip(
      params["log_scales"], start.log_scales + low, start.log_scales + high
    ),
    rotations=params["rotations"] / jnp.maximum(length, 1e-12),
    logits=params["logits"],
  )


def _step(optimizer):
  def loss_fn(params, constants, camera, plan, colors, opacity, held):
    start, behind = constants
    splats = placed(start, params)
    found, hidden = rendering.draw(
      splats, params["colors"], camera, plan, opacity.shape, held
    )
    found = found + (1.0 - hidden[..., None]) * behind
    loss = jnp.mean((found - colors.astype(jnp.float32) / 255.0) ** 2)
    return loss + _OPACITY_WEIGHT * jnp.mean((hidden - opacity) ** 2)

  @jax.jit
  def take(params, state, *rest):
    loss, slopes = jax.value_and_grad(loss_fn)(params, *rest)
    change, state = optimizer.update(slopes, state)
    return optax.apply_updates(params, change), state, loss

  return take


def shares(splats: splats_lib.Splats, views: Sequence[View]) -> np.ndarray:
  """Returns of how many pixels of all views splats are in all: [N]."""
  splats = splats_lib.Splats(*map(jnp.asarray, splats))
  plans = _Plans(views)
  total = np.zeros(len(splats.means))
  for number, view in enumerate(views):
    plan = plans.of(number, lambda: splats)
    total += np.asarray(_shares(splats, view.camera, plan, view.opacity.shape))
  return total


@functools.partial(jax.jit, static_argnums=3)
def _shares(splats, camera, plan, size):
  def total(values):
    return rendering.draw(splats, values, camera, plan, size)[0].sum()

  return jax.grad(total)(jnp.zeros((len(splats.means), 1)))[:, 0]


class _Plans:
  """Plans of views, made anew now and then."""

  def __init__(self, views: Sequence[View]):
    self._views = views
    self._kept: dict[int, tuple[tiles.Plan, int]] = {}
    self._most = 0
    self.dropped = 0

  def of(self, number: int, splats: Callable[[], splats_lib.Splats]):
    plan, used = self._kept.get(number, (None, _PLANNED))
    if used >= _PLANNED:
      plan, used = self._plan(self._views[number], splats()), 0
    self._kept[number] = plan, used + 1
    return plan

  def _plan(self, view: View, splats) -> tiles.Plan:
    size = view.opacity.shape
    ellipses = rendering.project(splats, view.camera, size)
    plan = tiles.plan(ellipses, size, _MOST, margin=_MARGIN)
    # Of few shapes: every other one is compiled anew.
    needed = -(-int(plan.counts[0]) // _ROUND) * _ROUND
    if needed > self._most:
      self._most = min(_MOST, needed + _ROUND)
    return plan._replace(index=plan.index[:, : self._most], dropped=0)
