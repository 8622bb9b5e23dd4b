"""The stages of the finish: rays of a recoloured scene, windows of strokes.

Both are compiled once, and take the steps of one style after the other. What is
drawn depends on the style's picture and not on its place among others: a style
comes out the same whoever stands beside it.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.losses import matching
from stylized_nerf_jax.painting import finish_steps
from stylized_nerf_jax.rows import devices, prng
from stylized_nerf_jax.runs import loop_keeper
from stylized_nerf_jax.training import train_steps
from stylized_nerf_jax.views import painting_places, recolored_views

PHASE = "finish"


class _Stage:
  """What both have."""

  def __init__(self, config, loss, optimizer, keeper, what: str, **options):
    self._options = config.mutual_learning.finish
    self._key = prng.stream_key(config.seed, PHASE)
    self._seeds, self._style = [config.seed], 0
    self._take = train_steps.make_train_steps(
      loss,
      optimizer,
      num_steps=1,
      on_steps=keeper.guard,
      on_plan=keeper.planner(what),
      **options,
    )

  def begin(self, style: int, content_hash: str) -> None:
    """Turns to a style."""
    self._style = style
    self._seeds[1:] = [int(content_hash[:8], 16)]

  def next_length(self, step: int, until: int) -> int:
    """Returns 1: what a step takes is more than what a dispatch does."""
    del step, until
    return 1

  def _random(self, stream: int, step: int) -> np.random.Generator:
    return np.random.default_rng([*self._seeds, stream, step])


class RefitStage(_Stage):
  """Rays of all views in a style's palette; the first `finish.refit_steps`.

  Args:
    config: of the run.
    steps: the losses.
    optimizer: of the style field.
    views: what is drawn from.
    keeper: of the loop.
  """

  log_every = 20

  def __init__(
    self,
    config,
    steps: finish_steps.FinishSteps,
    optimizer: optax.GradientTransformation,
    views: recolored_views.RecoloredViews,
    keeper: loop_keeper.LoopKeeper,
  ):
    super().__init__(
      config, steps.refit_loss, optimizer, keeper, "a step on rays"
    )
    self.end = self._options.refit_steps
    self._views, self._constants = views, steps.constants

  def take(self, state, step: int, length: int):
    """As `field_trainer.Stage.take`."""
    rays = self._options.refit_rays
    batch = self._views.draw_rays(
      self._random(0, step), self._style, rays, devices.own_rows(rays)
    )
    batch = jax.tree.map(lambda values: values[None], batch)
    state, metrics = self._take(state, self._constants, self._key, batch, rays)
    return state, metrics, length * rays


class WindowStage(_Stage):
  """Windows, held to strokes and content; the `finish.steps` after the rays.

  Args:
    config, steps, optimizer, views, keeper: as of `RefitStage`.
    paintings: what matching sees of the styles.

  Attributes:
    prices: [sizes, M], of the places of the present style's painting, after the
      steps that were taken.
  """

  log_every = 5

  def __init__(
    self,
    config,
    steps: finish_steps.FinishSteps,
    optimizer: optax.GradientTransformation,
    views: recolored_views.RecoloredViews,
    keeper: loop_keeper.LoopKeeper,
    paintings: painting_places.PaintingPlaces,
  ):
    super().__init__(
      config,
      steps.window_loss,
      optimizer,
      keeper,
      "a step on windows",
      rows_at_once=1,
    )
    options = self._options
    self.end = options.refit_steps + options.steps
    self._views, self._paintings = views, paintings
    self._fixed = self._constants = steps.constants
    self._size = views.window_size(options.window)
    self.prices = jnp.zeros((options.scales, options.places))
    self._next_prices = jax.jit(
      functools.partial(
        matching.next_prices,
        rate=options.price_rate,
        limit=options.price_limit,
      )
    )

  def begin(self, style: int, content_hash: str) -> None:
    """Turns to a style, whose strokes have no prices yet."""
    super().begin(style, content_hash)
    self.prices = jnp.zeros_like(self.prices)
    self._constants = {**self._fixed, "painting": self._paintings[style]}

  def take(self, state, step: int, length: int):
    """As `field_trainer.Stage.take`."""
    count = self._options.windows_per_step
    batch = self._views.draw_windows(
      self._random(1, step),
      self._style,
      count,
      self._size,
      of_views=self._options.of_views,
    )
    constants = {**self._constants, "prices": self.prices}
    batch = jax.tree.map(lambda values: values[None], batch)
    state, metrics = self._take(state, constants, self._key, batch)
    self.prices = self._next_prices(self.prices, metrics.pop("share"))
    return state, metrics, length * count * self._size**2
