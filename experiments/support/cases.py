"""What is timed: a call with real inputs, and steps that one consists of."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax

from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps


@dataclasses.dataclass(frozen=True)
class Case:
  """One thing to time.

  Attributes:
    name: for people.
    rays: that one call handles.
    call: does it and waits for the result.
    flops: multiplications and additions of its dense layers, counted by hand.
    peer: start of the name that the same work has in the peer's answer or in
      another case; empty: none.
  """

  name: str
  rays: int
  call: Callable[[], None]
  flops: float
  peer: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
  """Training steps, and all that they are taken with.

  Attributes:
    loss, optimizer: as `train_steps.make_train_steps` takes them.
    params: to start from.
    constants, key: of the steps.
    batch: tree of [steps, rays, ...]; None where the loss draws its rows.
    rays: of a step.
    steps: of a call.
    flops: of a ray.
    rows_at_once: rays that are taken together.
  """

  loss: Callable
  optimizer: optax.GradientTransformation
  params: Any
  constants: Any
  batch: Any
  rays: int
  steps: int
  flops: float
  rows_at_once: int
  key: jax.Array

  @property
  def rows(self) -> int | None:
    """Of a step, where the loss draws them."""
    return self.rays if self.batch is None else None

  def state(self) -> state_lib.TrainState:
    """Returns a state to start from."""
    params = jax.tree.map(np.asarray, self.params)
    return state_lib.create(params, self.optimizer)

  def taker(self, **options) -> Callable:
    """Returns what takes the steps of a call: state -> (state, metrics).

    Args:
      **options: of `train_steps.make_train_steps`, beside the problem's own.
    """
    take = train_steps.make_train_steps(
      self.loss,
      self.optimizer,
      num_steps=self.steps,
      rows=self.rows,
      rows_at_once=self.rows_at_once,
      **options,
    )

    def call(state):
      return take(state, self.constants, self.key, self.batch)

    return call

  def case(self, name: str, peer: str = "") -> Case:
    """Returns a call that takes its steps and waits for their result."""
    take, kept = self.taker(), [self.state()]

    def call():
      kept[0], _ = take(kept[0])
      jax.block_until_ready(kept[0])

    rays = self.rays * self.steps
    return Case(name, rays, call, self.flops * rays, peer)
