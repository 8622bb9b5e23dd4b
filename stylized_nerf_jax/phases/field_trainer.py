"""Field steps of mutual learning: stages that follow each other.

A stage learns from batches of its own, with losses of its own, on one style
field and one state of one optimizer. `FieldTrainer` takes the steps of
whichever is due.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Protocol

import jax
import numpy as np
import optax

from stylized_nerf_jax.networks import ray_blocks, stylizer_nets
from stylized_nerf_jax.phases import mutual_state, mutual_steps
from stylized_nerf_jax.rows import devices, prng
from stylized_nerf_jax.runs import loop_keeper
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps
from stylized_nerf_jax.views import style_batches, stylized_views


class Stage(Protocol):
  """Some of the steps.

  Attributes:
    end: the step before which it ends.
    log_every: steps between two lines of metrics.
  """

  end: int
  log_every: int

  def next_length(self, step: int, until: int) -> int:
    """Returns how many steps the next call of `take` takes from `step` on."""
    ...

  def take(
    self, state: state_lib.TrainState, step: int, length: int
  ) -> tuple[state_lib.TrainState, dict[str, jax.Array], int]:
    """Takes steps.

    Args:
      state: of the style field and its codes; consumed.
      step: that state's.
      length: as `next_length` told.

    Returns:
      (the state after them, their metrics, rays they learned from).
    """
    ...


class RayStage:
  """Single rays of all views and styles; the first `mutual_learning.steps`.

  Args:
    config: of the run.
    steps: the losses.
    optimizer: of the style field and its codes.
    targets: the stylized views.
    keeper: of the loop.
  """

  log_every = 100

  def __init__(
    self,
    config,
    steps: mutual_steps.MutualSteps,
    optimizer: optax.GradientTransformation,
    targets: stylized_views.Targets,
    keeper: loop_keeper.LoopKeeper,
  ):
    options = config.mutual_learning
    self.end = options.steps
    self._seed, self._rays = config.seed, options.rays_per_step
    self._constants, self._targets = steps.field_constants, targets
    self._key = prng.stream_key(config.seed, mutual_state.PHASE)
    self._take = train_steps.StepRunner(
      steps.field_loss,
      optimizer,
      steps_per_dispatch=options.steps_per_dispatch,
      rows_at_once=ray_blocks.for_style_steps(config),
      on_steps=keeper.guard,
      on_plan=keeper.planner("a dispatch of steps on rays"),
    )
    self.next_length = self._take.next_length

  def take(self, state, step: int, length: int):
    """As `Stage.take`."""
    state, metrics = self._take(
      state,
      self._constants,
      self._key,
      length=length,
      batch=self._batch(step, length),
      total=self._rays,
    )
    return state, metrics, length * self._rays

  def _batch(self, step: int, length: int) -> style_batches.RayBatch:
    rows = [
      self._targets.draw(
        np.random.default_rng([self._seed, 3, step + i]),
        (self._rays,),
        devices.own_rows(self._rays),
      )
      for i in range(length)
    ]
    return jax.tree.map(lambda *values: np.stack(values), *rows)


class PatchStage:
  """Patches, held to the decoder's losses; the `patch_steps` after the rays.

  Args:
    config: of the run.
    steps, optimizer, targets, keeper: as of `RayStage`.
    nets: the 2D networks.
    facts: what they see of S styles.
    style_goals: [S], style losses below which those of patches weigh nothing.
  """

  log_every = 10

  def __init__(
    self,
    config,
    steps: mutual_steps.MutualSteps,
    optimizer: optax.GradientTransformation,
    targets: stylized_views.Targets,
    keeper: loop_keeper.LoopKeeper,
    *,
    nets: stylizer_nets.Nets,
    facts: stylizer_nets.StyleFacts,
    style_goals: np.ndarray,
  ):
    options = config.mutual_learning
    self.end = options.steps + options.patch_steps
    self._seed, self._options, self._targets = config.seed, options, targets
    self._constants = steps.patch_constants(nets, facts, style_goals)
    self._key = prng.stream_key(config.seed, mutual_state.PHASE)
    self._take = train_steps.make_train_steps(
      functools.partial(steps.patch_loss, layout=nets.encoder.layout),
      optimizer,
      num_steps=1,
      rows_at_once=1,
      on_steps=keeper.guard,
      on_plan=keeper.planner("a step on patches"),
    )

  def next_length(self, step: int, until: int) -> int:
    """Returns 1: what a step takes is more than what a dispatch does."""
    del step, until
    return 1

  def take(self, state, step: int, length: int):
    """As `Stage.take`."""
    del length
    batch = self._targets.draw_patches(
      np.random.default_rng([self._seed, 5, step]),
      self._options.patches_per_step,
      self._options.patch,
      groups=self._options.patch_groups,
    )
    rays = batch.colors.size // 3
    batch = jax.tree.map(lambda values: values[None], batch)
    state, metrics = self._take(state, self._constants, self._key, batch)
    return state, metrics, rays


class FieldTrainer:
  """Takes field steps, those of one stage after those of the other.

  Args:
    stages: in their order.
    keeper: of the loop.
    next_pause: from a step to the next at which something else is due.

  Attributes:
    total: steps of all stages.
  """

  def __init__(
    self,
    stages: Sequence[Stage],
    keeper: loop_keeper.LoopKeeper,
    next_pause: Callable[[int], float],
  ):
    self._stages, self._keeper = stages, keeper
    self._next_pause = next_pause
    self.total = stages[-1].end

  def stage(self, step: int) -> Stage:
    """Returns the stage that the step after `step` others is of."""
    return next(stage for stage in self._stages if step < stage.end)

  def take(
    self, state: state_lib.TrainState, step: int
  ) -> tuple[state_lib.TrainState, int, dict[str, jax.Array]]:
    """Takes as many steps as fit into a dispatch before something is due.

    Args:
      state: of the style field and its codes; consumed.
      step: that state's, below `total`.

    Returns:
      (the state after them, its step, their metrics). The steps may still be
      under way.
    """
    stage = self.stage(step)
    length = stage.next_length(step, min(stage.end, self._next_pause(step)))
    with self._keeper.stepping() as count:
      state, metrics, rays = stage.take(state, step, length)
      count(rays)
    return state, step + length, metrics
