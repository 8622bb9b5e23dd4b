"""Optimizer steps over all devices, many to a dispatch.

Gradients and metrics are averaged over devices before the update, so that the
state is equal on all of them and leaves unreplicated.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from stylized_nerf_jax.rows import accumulation, device_memory, devices, prng
from stylized_nerf_jax.rows import division as division_lib
from stylized_nerf_jax.training import skips
from stylized_nerf_jax.training import state as state_lib


def make_train_steps(
  loss_fn: Callable,
  optimizer: optax.GradientTransformation,
  *,
  num_steps: int,
  rows: int | None = None,
  rows_at_once: int = 0,
  on_steps: Callable[[skips.Skips, int], None] | None = None,
  on_plan: Callable[[int], None] | None = None,
) -> Callable:
  """Compiles `num_steps` optimizer steps into one dispatch over all devices.

  A step whose loss or gradient is not finite is skipped: parameters and
  optimizer state stay as they are, only the step is counted.

  Args:
    loss_fn: (params, constants, batch, key) -> (loss [], metrics: dict of
      arrays, most of them []), means over the rows of `batch`, which are a part
      of the batch of one step.
      `key` differs by step, and draws for these rows what would be drawn for
      them on one device, see `prng.share_key`.
    optimizer: applied to the gradients averaged over devices.
    num_steps: how many steps one call takes.
    rows: of the whole batch, where `loss_fn` draws its rows itself; its batch
      is then the numbers of its rows in the whole batch, [R] int32.
    rows_at_once: rows that a device can hold; of more, gradients are
      accumulated over blocks. 0: any number. Fewer where the device's memory
      asks for it.
    on_steps: told of every call what was skipped, and `num_steps`.
    on_plan: told once, before the first step, how many bytes the program takes
      on every device.

  Returns:
    run(state, constants, key, batch=None, total=None) -> (state, metrics
    averaged over the steps that were taken, or over all if none was). The
    state that the call before returned is consumed: nothing of it may be used
    afterwards. Others stay as they are. `constants` are put on the devices
    once, as long as every call is given the same object. `key` is the phase's;
    the step is folded in here. `batch` is a tree of [num_steps, B, ...], or
    None with `rows`. With `total` it consists of the rows
    `devices.own_rows(total)` of a batch of that many.
  """

  division = division_lib.Division(rows, devices.count()) if rows else None

  def gradients(params, constants, key, first, batch):
    """(Loss, gradients, metrics) of the rows from `first` on."""
    value_and_grad = jax.value_and_grad(loss_fn, has_aux=True)
    (loss, metrics), grads = value_and_grad(
      params, constants, batch, prng.share_key(key, first)
    )
    return loss, grads, metrics

  def one_step(constants, key, places, at_once, state, batch):
    step_key = jax.random.fold_in(key, state.step)
    of_rows = functools.partial(gradients, state.params, constants, step_key)
    own, extra = _row_numbers(places, division.each) if rows else batch
    count = accumulation.length(own)
    mean_of_own = functools.partial(
      accumulation.mean_over_blocks,
      of_rows,
      places.first,
      own,
      most=at_once,
    )
    if places.extra is None:
      loss, grads, metrics = _mean_of_devices(mean_of_own())
    else:
      found = accumulation.weighted(
        places.extra_weight, of_rows(places.extra, extra)
      )
      if count:
        more = accumulation.weighted(places.weight, mean_of_own())
        found = jax.tree.map(jnp.add, more, found)
      loss, grads, metrics = jax.lax.psum(found, devices.AXIS)
    metrics["gradient_norm"] = optax.tree.norm(grads)
    good = jnp.isfinite(loss) & jnp.isfinite(metrics["gradient_norm"])

    def update(params, opt_state):
      updates, opt_state = optimizer.update(grads, opt_state, params)
      return optax.apply_updates(params, updates), opt_state

    # A choice between old and new numbers would write all of them once more.
    params, opt_state = jax.lax.cond(
      good, update, lambda *kept: kept, state.params, state.opt_state
    )
    new = state_lib.TrainState(state.step + 1, params, opt_state)
    return new, (good, metrics)

  def many_steps(at_once, state, constants, key_data, places, batch):
    key = jax.random.wrap_key_data(key_data)
    body = functools.partial(one_step, constants, key, places, at_once)
    state, (good, metrics) = jax.lax.scan(body, state, batch, length=num_steps)
    mean = skips.mean_of_good(good, metrics)
    return state, mean, skips.describe(good, metrics)

  def make(at_once: int):
    return devices.pmap(
      functools.partial(many_steps, at_once),
      in_axes=(None, None, None, 0, 0),
      out_axes=(None, None, None),
      donate=(0,),
    )

  mapped = own = given = placed = None

  def run(state, constants, key, batch=None, total=None):
    nonlocal mapped, own, given, placed
    if state is not own:
      state = jax.tree.map(jnp.array, state)
    state = devices.replicate(state)
    if constants is not given:
      given, placed = constants, devices.replicate(constants)
    if batch is not None and total is None:
      total = jax.tree.leaves(batch)[0].shape[1]
      batch = jax.tree.map(
        lambda v: division_lib.take(v, devices.own_rows(total)), batch
      )
    divided = division or division_lib.Division(total, devices.count())
    arguments = (
      state,
      placed,
      jax.random.key_data(key),
      division_lib.make_places(divided, devices.places()),
      division_lib.by_device(batch, divided, jax.local_device_count()),
    )
    if mapped is None:
      mapped, needed = device_memory.fit(
        make, arguments, rows=divided.each or 1, at_once=rows_at_once
      )
      if on_plan is not None:
        on_plan(needed)
    own, metrics, skipped = mapped(*arguments)
    if on_steps is not None:
      on_steps(skipped, num_steps)
    return own, metrics

  return run


def _row_numbers(places: division_lib.Places, each: int):
  """What stands for a batch that the loss draws itself: its own, the extra."""
  own = places.first + jnp.arange(each, dtype=jnp.int32)
  return own, None if places.extra is None else places.extra[None]


def _mean_of_devices(tree):
  """Averages over devices; one alone would only copy its own."""
  return tree if devices.count() == 1 else jax.lax.pmean(tree, devices.AXIS)


class StepRunner:
  """Takes training steps, many to a dispatch, and stops exactly where told.

  Args:
    loss_fn, optimizer, **options: as in `make_train_steps`.
    steps_per_dispatch: steps of one call; the rest before `until` is taken
      one by one.
  """

  def __init__(
    self,
    loss_fn: Callable,
    optimizer: optax.GradientTransformation,
    *,
    steps_per_dispatch: int,
    **options,
  ):
    make = functools.partial(make_train_steps, loss_fn, optimizer, **options)
    self._many = make(num_steps=steps_per_dispatch)
    self._one = make(num_steps=1)
    self._length = steps_per_dispatch

  def next_length(self, step: int, until: int) -> int:
    """Returns how many steps the next call takes from `step` on."""
    return self._length if until - step >= self._length else 1

  def __call__(
    self,
    state: state_lib.TrainState,
    constants,
    key,
    *,
    length: int,
    batch=None,
    total: int | None = None,
  ):
    """Takes `length` steps, as `next_length` told.

    `batch` and `total` are those of `make_train_steps`.

    Returns:
      (state, metrics averaged over the steps taken).
    """
    run = self._many if length == self._length else self._one
    return run(state, constants, key, batch, total)
