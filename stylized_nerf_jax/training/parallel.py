"""Data parallelism: the only file that knows pmap and the number of devices.

State and constants go in and come out unreplicated, so checkpoints are plain
trees and one device or many run the same code. What leaves through
`out_axes=None` must be equal on all devices: gradients and metrics are averaged
inside, before the update.
"""

import functools
from collections.abc import Callable
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax

_AXIS = "batch"


@flax.struct.dataclass
class TrainState:
  """What a training step carries along: plain, unreplicated.

  Attributes:
    step: [], int32, optimizer steps taken.
    params: trainable parameters.
    opt_state: state of the optimizer.
  """

  step: jax.Array
  params: Any
  opt_state: Any


def create_state(params, optimizer: optax.GradientTransformation) -> TrainState:
  """Returns the state before the first step."""
  return TrainState(
    step=jnp.zeros((), jnp.int32),
    params=params,
    opt_state=optimizer.init(params),
  )


def device_count() -> int:
  """Number of devices of this process."""
  return jax.local_device_count()


def replicate(tree):
  """Puts a tree on every device, as pmap itself leaves its results.

  Free for what is there already. Without it the first call, whose arguments
  lie elsewhere, and the second, which takes results of the first, would each
  be compiled.
  """
  mesh = jax.make_mesh(
    (device_count(),),
    (_AXIS,),
    axis_types=(jax.sharding.AxisType.Auto,),
    devices=jax.local_devices(),
  )
  return jax.device_put(
    tree, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
  )


def share(total: int, what: str) -> int:
  """Returns one device's share of a batch.

  Raises:
    ValueError: `total` does not divide evenly; names `what`.
  """
  devices = device_count()
  if total % devices:
    raise ValueError(
      f"{what} is {total}, which does not divide over {devices} devices: "
      f"make it a multiple of {devices}"
    )
  return total // devices


def make_train_steps(
  loss_fn: Callable, optimizer: optax.GradientTransformation, *, num_steps: int
) -> Callable:
  """Compiles `num_steps` optimizer steps into one dispatch over all devices.

  Args:
    loss_fn: (params, constants, key) -> (loss [], metrics: dict of []); draws
      its own share of the batch with `key`, which differs by step and device.
    optimizer: applied to the gradients averaged over devices.
    num_steps: how many steps one call takes.

  Returns:
    run(state, constants, key) -> (state, metrics averaged over the steps).
    `key` is the phase's; the step is folded in here.
  """

  def one_step(constants, key, state, _):
    step_key = jax.random.fold_in(key, state.step)
    step_key = jax.random.fold_in(step_key, jax.lax.axis_index(_AXIS))
    grads, metrics = jax.grad(loss_fn, has_aux=True)(
      state.params, constants, step_key
    )
    grads, metrics = jax.lax.pmean((grads, metrics), _AXIS)
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    metrics["gradient_norm"] = optax.global_norm(grads)
    return TrainState(state.step + 1, params, opt_state), metrics

  def many_steps(state, constants, key_data, device):
    del device
    key = jax.random.wrap_key_data(key_data)
    body = functools.partial(one_step, constants, key)
    state, metrics = jax.lax.scan(body, state, None, length=num_steps)
    return state, jax.tree.map(jnp.mean, metrics)

  mapped = jax.pmap(
    many_steps,
    axis_name=_AXIS,
    in_axes=(None, None, None, 0),
    out_axes=(None, None),
  )

  def run(state, constants, key):
    state, constants = replicate((state, constants))
    devices = np.arange(device_count())
    return mapped(state, constants, jax.random.key_data(key), devices)

  return run


class StepRunner:
  """Takes training steps, many to a dispatch, and stops exactly where told.

  Args:
    loss_fn, optimizer: as in `make_train_steps`.
    steps_per_dispatch: steps of one call; the rest before `until` is taken
      one by one.
  """

  def __init__(
    self,
    loss_fn: Callable,
    optimizer: optax.GradientTransformation,
    *,
    steps_per_dispatch: int,
  ):
    self._many = make_train_steps(
      loss_fn, optimizer, num_steps=steps_per_dispatch
    )
    self._one = make_train_steps(loss_fn, optimizer, num_steps=1)
    self._length = steps_per_dispatch

  def __call__(self, state: TrainState, constants, key, *, until: int):
    """Takes `steps_per_dispatch` steps, or one when fewer are left.

    Returns:
      (state, metrics averaged over the steps taken).
    """
    if until - int(state.step) >= self._length:
      return self._many(state, constants, key)
    return self._one(state, constants, key)


def make_map(fn: Callable, *, rows_per_device: int) -> Callable:
  """Compiles a row-wise function over all devices, in chunks of equal shape.

  Args:
    fn: (constants, rows: tree of [R, ...]) -> tree of [R, ...].
    rows_per_device: R; the last chunk is padded by repeating its last row.

  Returns:
    run(constants, rows: tree of numpy [N, ...]) -> tree of numpy [N, ...].
  """
  mapped = jax.pmap(fn, axis_name=_AXIS, in_axes=(None, 0))

  def run(constants, rows):
    constants = replicate(constants)
    total = jax.tree.leaves(rows)[0].shape[0]
    devices = device_count()
    per_device = min(rows_per_device, -(-total // devices))
    parts = []
    for start in range(0, total, per_device * devices):
      cut = functools.partial(_cut, start=start, shape=(devices, per_device))
      parts.append(mapped(constants, jax.tree.map(cut, rows)))
    return jax.tree.map(
      lambda *xs: np.concatenate([_flat(x) for x in xs])[:total], *parts
    )

  return run


def _cut(rows: np.ndarray, *, start: int, shape: tuple[int, int]):
  """Returns rows from `start` on as [devices, rows, ...], padded."""
  part = rows[start : start + shape[0] * shape[1]]
  missing = shape[0] * shape[1] - part.shape[0]
  if missing:
    part = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)])
  return part.reshape(*shape, *rows.shape[1:])


def _flat(array: jax.Array) -> np.ndarray:
  array = np.asarray(array)
  return array.reshape(-1, *array.shape[2:])
