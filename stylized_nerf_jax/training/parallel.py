"""Data parallelism: the only file that knows pmap and the number of devices.

State and constants go in and come out unreplicated, so checkpoints are plain
trees and one device or many run the same code. What leaves through
`out_axes=None` must be equal on all devices: gradients and metrics are averaged
inside, before the update.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.training import state as state_lib

_AXIS = "batch"


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
    loss_fn: (params, constants, batch, key) -> (loss [], metrics: dict of []).
      `batch` is one device's share of one step; `key` differs by step and
      device.
    optimizer: applied to the gradients averaged over devices.
    num_steps: how many steps one call takes.

  Returns:
    run(state, constants, key, batch=None) -> (state, metrics averaged over
    the steps). `key` is the phase's; the step is folded in here. `batch` is a
    tree of [num_steps, B, ...], B a multiple of the number of devices, or
    None where `loss_fn` draws its batch itself.
  """

  def one_step(constants, key, state, batch):
    step_key = jax.random.fold_in(key, state.step)
    step_key = jax.random.fold_in(step_key, jax.lax.axis_index(_AXIS))
    grads, metrics = jax.grad(loss_fn, has_aux=True)(
      state.params, constants, batch, step_key
    )
    grads, metrics = jax.lax.pmean((grads, metrics), _AXIS)
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    metrics["gradient_norm"] = optax.tree.norm(grads)
    return state_lib.TrainState(state.step + 1, params, opt_state), metrics

  def many_steps(state, constants, key_data, device, batch):
    del device
    key = jax.random.wrap_key_data(key_data)
    body = functools.partial(one_step, constants, key)
    state, metrics = jax.lax.scan(body, state, batch, length=num_steps)
    return state, jax.tree.map(jnp.mean, metrics)

  mapped = jax.pmap(
    many_steps,
    axis_name=_AXIS,
    in_axes=(None, None, None, 0, 0),
    out_axes=(None, None),
  )

  def run(state, constants, key, batch=None):
    state, constants = replicate((state, constants))
    devices = np.arange(device_count())
    batch = jax.tree.map(_by_device, batch)
    return mapped(state, constants, jax.random.key_data(key), devices, batch)

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

  def next_length(self, step: int, until: int) -> int:
    """Returns how many steps the next call takes from `step` on."""
    return self._length if until - step >= self._length else 1

  def __call__(
    self, state: state_lib.TrainState, constants, key, *, until: int, batch=None
  ):
    """Takes `next_length` steps.

    Returns:
      (state, metrics averaged over the steps taken).
    """
    many = self.next_length(int(state.step), until) == self._length
    return (self._many if many else self._one)(state, constants, key, batch)


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


def _by_device(array: np.ndarray) -> np.ndarray:
  """Reshapes [steps, B, ...] to [devices, steps, B / devices, ...].

  A batch smaller than the number of devices is repeated over them: the
  average over devices is the same, some of the work is idle.
  """
  array = np.asarray(array)
  devices = device_count()
  if array.shape[1] < devices and devices % array.shape[1] == 0:
    array = np.repeat(array, devices // array.shape[1], axis=1)
  per_device = share(array.shape[1], "a batch")
  shape = (array.shape[0], devices, per_device, *array.shape[2:])
  return np.swapaxes(array.reshape(shape), 0, 1)


def _flat(array: jax.Array) -> np.ndarray:
  array = np.asarray(array)
  return array.reshape(-1, *array.shape[2:])
