"""Data parallelism: the only file that knows pmap and the number of devices.

State and constants go in and come out unreplicated, so checkpoints are plain
trees and one device or many run the same code. What leaves through
`out_axes=None` must be equal on all devices: gradients and metrics are averaged
inside, before the update.
"""

import functools
from collections.abc import Callable

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.training import prng
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


@flax.struct.dataclass
class Skips:
  """Steps that were skipped because something was not finite.

  Attributes:
    count: [], int32, how many.
    row: [], int32, how many of them follow each other up to the last step.
    finite: for each metric whether it was finite, [], in the first step of
      that row.
  """

  count: jax.Array
  row: jax.Array
  finite: dict[str, jax.Array]


def make_train_steps(
  loss_fn: Callable,
  optimizer: optax.GradientTransformation,
  *,
  num_steps: int,
  on_steps: Callable[[Skips, int], None] | None = None,
) -> Callable:
  """Compiles `num_steps` optimizer steps into one dispatch over all devices.

  A step whose loss or gradient is not finite is skipped: parameters and
  optimizer state stay as they are, only the step is counted.

  Args:
    loss_fn: (params, constants, batch, key) -> (loss [], metrics: dict of []).
      `batch` is one device's share of one step. `key` differs by step, and
      draws for the rows of the share what they would draw on one device, see
      `prng.share_key`.
    optimizer: applied to the gradients averaged over devices.
    num_steps: how many steps one call takes.
    on_steps: told of every call what was skipped, and `num_steps`.

  Returns:
    run(state, constants, key, batch=None) -> (state, metrics averaged over
    the steps that were taken, or over all if none was). `key` is the phase's;
    the step is folded in here. `batch` is a tree of [num_steps, B, ...], B a
    multiple of the number of devices, or None where `loss_fn` draws its batch
    itself.
  """

  def one_step(constants, key, state, batch):
    step_key = prng.step_key(key, state.step, jax.lax.axis_index(_AXIS))
    value_and_grad = jax.value_and_grad(loss_fn, has_aux=True)
    (loss, metrics), grads = value_and_grad(
      state.params, constants, batch, step_key
    )
    loss, grads, metrics = jax.lax.pmean((loss, grads, metrics), _AXIS)
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    metrics["gradient_norm"] = optax.tree.norm(grads)
    good = jnp.isfinite(loss) & jnp.isfinite(metrics["gradient_norm"])
    params, opt_state = jax.tree.map(
      lambda new, old: jnp.where(good, new, old),
      (params, opt_state),
      (state.params, state.opt_state),
    )
    new = state_lib.TrainState(state.step + 1, params, opt_state)
    return new, (good, metrics)

  def many_steps(state, constants, key_data, device, batch):
    del device
    key = jax.random.wrap_key_data(key_data)
    body = functools.partial(one_step, constants, key)
    state, (good, metrics) = jax.lax.scan(body, state, batch, length=num_steps)
    return state, _mean_of_good(good, metrics), _skips(good, metrics)

  mapped = jax.pmap(
    many_steps,
    axis_name=_AXIS,
    in_axes=(None, None, None, 0, 0),
    out_axes=(None, None, None),
  )

  def run(state, constants, key, batch=None):
    state, constants = replicate((state, constants))
    devices = np.arange(device_count())
    batch = jax.tree.map(_by_device, batch)
    state, metrics, skips = mapped(
      state, constants, jax.random.key_data(key), devices, batch
    )
    if on_steps is not None:
      on_steps(skips, num_steps)
    return state, metrics

  return run


def _mean_of_good(good, metrics):
  """Averages metrics [S] over the good ones of S steps, or over all."""
  chosen = good | ~good.any()
  return jax.tree.map(
    lambda values: jnp.where(chosen, values, 0.0).sum() / chosen.sum(), metrics
  )


def _skips(good, metrics) -> Skips:
  """Describes which of S steps were not good: [S] bool, metrics [S]."""
  number = jnp.arange(good.shape[0])
  row = number[-1] - jnp.max(jnp.where(good, number, -1))
  first = jnp.minimum(good.shape[0] - row, number[-1])
  return Skips(
    count=jnp.sum(~good, dtype=jnp.int32),
    row=row.astype(jnp.int32),
    finite={n: jnp.isfinite(values[first]) for n, values in metrics.items()},
  )


class StepRunner:
  """Takes training steps, many to a dispatch, and stops exactly where told.

  Args:
    loss_fn, optimizer, on_steps: as in `make_train_steps`.
    steps_per_dispatch: steps of one call; the rest before `until` is taken
      one by one.
  """

  def __init__(
    self,
    loss_fn: Callable,
    optimizer: optax.GradientTransformation,
    *,
    steps_per_dispatch: int,
    on_steps: Callable[[Skips, int], None] | None = None,
  ):
    self._many = make_train_steps(
      loss_fn, optimizer, num_steps=steps_per_dispatch, on_steps=on_steps
    )
    self._one = make_train_steps(
      loss_fn, optimizer, num_steps=1, on_steps=on_steps
    )
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
