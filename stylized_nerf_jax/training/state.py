"""What a training step carries along, and how it is saved and restored."""

from typing import Any

import flax
import jax
import jax.numpy as jnp
import optax

from stylized_nerf_jax.training import checkpoints as checkpoints_lib


@flax.struct.dataclass
class TrainState:
  """Plain, unreplicated state of an optimization.

  Attributes:
    step: [], int32, optimizer steps taken.
    params: trainable parameters.
    opt_state: state of the optimizer.
  """

  step: jax.Array
  params: Any
  opt_state: Any


def create(params, optimizer: optax.GradientTransformation) -> TrainState:
  """Returns the state before the first step."""
  return TrainState(
    step=jnp.zeros((), jnp.int32),
    params=params,
    opt_state=optimizer.init(params),
  )


def save(
  checkpoints: checkpoints_lib.Checkpoints, state: TrainState, **meta
) -> None:
  """Saves parameters and the rest as separate items."""
  rest = {"step": state.step, "opt_state": state.opt_state}
  items = {"params": state.params, "optimizer": rest}
  checkpoints.save(int(state.step), items, meta)


def restore(
  checkpoints: checkpoints_lib.Checkpoints, like: TrainState
) -> TrainState:
  """Restores the newest state; `like` has its shapes."""
  rest = {"step": like.step, "opt_state": like.opt_state}
  items, _ = checkpoints.restore({"params": like.params, "optimizer": rest})
  items = jax.tree.map(jnp.asarray, items)
  return TrainState(params=items["params"], **items["optimizer"])


def restore_params(checkpoints: checkpoints_lib.Checkpoints, like):
  """Restores only the newest parameters; `like` has their shapes."""
  items, _ = checkpoints.restore({"params": like})
  return jax.tree.map(jnp.asarray, items["params"])
