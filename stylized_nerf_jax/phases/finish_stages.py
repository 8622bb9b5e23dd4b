"""The stages of the finish: rays of recoloured views, windows of strokes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.losses import matching
from stylized_nerf_jax.phases import finish_steps
from stylized_nerf_jax.rows import devices, prng
from stylized_nerf_jax.runs import loop_keeper
from stylized_nerf_jax.training import train_steps
from stylized_nerf_jax.views import painting_places, recolored_views

PHASE = "finish"


class RefitStage:
  """Rays of all views in all palettes.

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
    options = config.mutual_learning.finish
    self.end = options.refit_steps * len(views)
    self._seed, self._rays, self._views = config.seed, options.refit_rays, views
    self._constants = steps.constants
    self._key = prng.stream_key(config.seed, PHASE)
    self._take = train_steps.make_train_steps(
      steps.refit_loss,
      optimizer,
      num_steps=1,
      on_steps=keeper.guard,
      on_plan=keeper.planner("a step on rays"),
    )

  def next_length(self, step: int, until: int) -> int:
    """Returns 1: a step has many rays."""
    del step, until
    return 1

  def take(self, state, step: int, length: int):
    """As `field_trainer.Stage.take`."""
    batch = self._views.draw_rays(
      np.random.default_rng([self._seed, 7, step]),
      self._rays,
      devices.own_rows(self._rays),
    )
    batch = jax.tree.map(lambda values: values[None], batch)
    state, metrics = self._take(
      state, self._constants, self._key, batch, self._rays
    )
    return state, metrics, length * self._rays


class WindowStage:
  """Windows, each step in one style; all styles in turn.

  Args:
    config, steps, optimizer, views, keeper: as of `RefitStage`.
    paintings: what matching sees of the styles.
    prices: [S, sizes, M], of their places.

  Attributes:
    prices: as they are after the steps that were taken.
  """

  log_every = 5

  def __init__(
    self,
    config,
    steps: finish_steps.FinishSteps,
    optimizer: optax.GradientTransformation,
    views: recolored_views.RecoloredViews,
    keeper: loop_keeper.LoopKeeper,
    *,
    paintings: painting_places.PaintingPlaces,
    prices: np.ndarray,
  ):
    options = config.mutual_learning.finish
    styles = len(views)
    self._start = options.refit_steps * styles
    self.end = self._start + options.steps * styles
    self._seed, self._options = config.seed, options
    self._views, self._paintings = views, paintings
    self._constants = steps.constants
    self._key = prng.stream_key(config.seed, PHASE)
    self._size = views.window_size(options.window)
    self.prices = [jnp.asarray(of_style) for of_style in prices]
    self._next_prices = jax.jit(
      functools.partial(
        matching.next_prices,
        rate=options.price_rate,
        limit=options.price_limit,
      )
    )
    self._take = train_steps.make_train_steps(
      steps.window_loss,
      optimizer,
      num_steps=1,
      rows_at_once=1,
      on_steps=keeper.guard,
      on_plan=keeper.planner("a step on windows"),
    )

  def next_length(self, step: int, until: int) -> int:
    """Returns 1: what a step takes is more than what a dispatch does."""
    del step, until
    return 1

  def take(self, state, step: int, length: int):
    """As `field_trainer.Stage.take`."""
    style = self._style(step - self._start)
    count = self._options.windows_per_step
    batch = self._views.draw_windows(
      np.random.default_rng([self._seed, 8, step]),
      style,
      count,
      self._size,
      of_views=self._options.of_views,
    )
    constants = {
      **self._constants,
      "painting": self._paintings[style],
      "prices": self.prices[style],
    }
    batch = jax.tree.map(lambda values: values[None], batch)
    state, metrics = self._take(state, constants, self._key, batch)
    share = metrics.pop("share")
    self.prices[style] = self._next_prices(self.prices[style], share)
    return state, metrics, length * count * self._size**2

  def _style(self, step: int) -> int:
    """Returns whose turn it is: all styles in every round, shuffled."""
    turn, place = divmod(step, len(self._views))
    random = np.random.default_rng([self._seed, 9, turn])
    return int(random.permutation(len(self._views))[place])
