"""Four simulated devices against plain functions on the whole batch."""

import functools
import logging

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from stylized_nerf_jax.rows import devices, prng
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps

KEY = jax.random.key(7)
RNG = np.random.default_rng(0)
ADAM = optax.adam(0.1)
SGD = optax.sgd(1.0)
SCALE = np.float32(0.5)
TRACES = []


def loss_fn(params, constants, batch, key):
  """A linear fit; counts its traces."""
  TRACES.append(None)
  x, y = batch["x"], batch["y"]
  error = constants * (x @ params["w"] + params["b"]) - y
  loss = jnp.mean(error**2)
  return loss, {"loss": loss, "first": x[0, 0], "noise": jax.random.normal(key)}


@jax.jit
def drawn(key, rows):
  """A batch that is drawn for rows of these numbers."""
  x = jax.random.normal(key, (rows.shape[0], 3))
  return {"x": x, "y": x[:, 0] + 0.1 * rows}


def drawing_loss(params, constants, rows, key):
  """The same of rows that it draws itself."""
  return loss_fn(params, constants, drawn(key, rows), key)


def make_state(optimizer):
  params = {"w": np.array([0.3, -1, 2], np.float32), "b": np.float32(0.1)}
  return state_lib.create(params, optimizer)


def make_batch(steps, size):
  x = RNG.normal(size=(steps, size, 3)).astype(np.float32)
  return {"x": x, "y": RNG.normal(size=(steps, size)).astype(np.float32)}


@pytest.fixture(scope="module")
def one_step():
  return train_steps.make_train_steps(loss_fn, SGD, num_steps=1)


@pytest.fixture(scope="module")
def three_steps():
  return train_steps.make_train_steps(loss_fn, ADAM, num_steps=3)


@functools.partial(jax.jit, static_argnums=0)
def plain_step(optimizer, state, batch):
  """One step on the whole batch, without devices."""
  grads, metrics = jax.grad(loss_fn, has_aux=True)(
    state.params, SCALE, batch, KEY
  )
  updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
  params = optax.apply_updates(state.params, updates)
  new = state_lib.TrainState(state.step + 1, params, opt_state)
  return new, grads, metrics


def norm(tree):
  return np.sqrt(sum(np.vdot(leaf, leaf) for leaf in jax.tree.leaves(tree)))


def assert_close(one, two):
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
    one,
    two,
  )


def test_constants_are_placed_once_and_others_when_they_come(
  one_step, monkeypatch
):
  placed = []
  replicate = devices.replicate

  def watched(tree):
    placed.extend(leaf for leaf in jax.tree.leaves(tree) if leaf in ours)
    return replicate(tree)

  batch = make_batch(1, 8)
  first, second = np.float32(0.5) * np.ones(1), np.float32(2) * np.ones(1)
  ours = _Identities(first, second)
  monkeypatch.setattr(devices, "replicate", watched)
  losses = [
    float(one_step(make_state(SGD), constants, KEY, batch)[1]["loss"])
    for constants in (first, first, second, first)
  ]
  assert [id(leaf) for leaf in placed] == [id(first), id(second), id(first)]
  assert losses[0] == losses[1] == losses[3] != losses[2]


class _Identities:
  """Tells whether an object is one of some, equal ones aside."""

  def __init__(self, *objects):
    self._objects = objects

  def __contains__(self, other) -> bool:
    return any(other is one for one in self._objects)


def test_there_are_four_devices():
  assert devices.count() == 4


def test_only_states_that_it_returned_are_consumed(one_step):
  given = jax.tree.map(jnp.asarray, make_state(SGD))
  before = jax.tree.map(np.array, given)
  batch = make_batch(1, 8)
  first, _ = one_step(given, SCALE, KEY, batch)
  kept = jax.tree.map(jnp.array, first)
  second, _ = one_step(first, SCALE, KEY, batch)
  assert_close(given, before)
  assert all(leaf.is_deleted() for leaf in jax.tree.leaves(first))
  again, _ = one_step(kept, SCALE, KEY, batch)
  assert_close(again, second)


def test_gradients_are_those_of_the_whole_batch(one_step):
  batch = make_batch(1, 8)
  state = make_state(SGD)
  after, metrics = one_step(state, SCALE, KEY, batch)
  whole = jax.tree.map(lambda values: values[0], batch)
  _, grads, expected = plain_step(SGD, state, whole)
  moved = jax.tree.map(np.subtract, state.params, after.params)
  assert_close(moved, grads)
  assert_close(metrics["gradient_norm"], norm(grads))
  assert_close(metrics["loss"], expected["loss"])
  # Every device has two consecutive rows: the metric is averaged over them.
  assert_close(metrics["first"], np.mean(batch["x"][0, ::2, 0]))
  assert int(after.step) == 1


def test_three_steps_at_once_are_three_steps(three_steps):
  batch = make_batch(3, 4)
  state = expected = make_state(ADAM)
  losses = []
  for i in range(3):
    rows = jax.tree.map(lambda values, i=i: values[i], batch)
    expected, _, metrics = plain_step(ADAM, expected, rows)
    losses.append(metrics["loss"])
  after, metrics = three_steps(state, SCALE, KEY, batch)
  assert_close(after, expected)
  assert_close(metrics["loss"], np.mean(losses))


@pytest.mark.parametrize("size", [1, 2])
def test_a_batch_below_the_number_of_devices_is_repeated(one_step, size):
  batch = make_batch(1, size)
  state = make_state(SGD)
  after, _ = one_step(state, SCALE, KEY, batch)
  whole = jax.tree.map(lambda values: values[0], batch)
  expected, _, _ = plain_step(SGD, state, whole)
  assert_close(after.params, expected.params)


@pytest.mark.parametrize(
  ("size", "at_once"), [(3, 0), (5, 1), (8, 1), (11, 0), (18, 3)]
)
def test_any_batch_gives_the_gradients_of_the_whole(size, at_once):
  batch = make_batch(1, size)
  state = make_state(SGD)
  run = train_steps.make_train_steps(
    loss_fn, SGD, num_steps=1, rows_at_once=at_once
  )
  after, metrics = run(state, SCALE, KEY, batch)
  whole = jax.tree.map(lambda values: values[0], batch)
  _, grads, expected = plain_step(SGD, state, whole)
  assert_close(jax.tree.map(np.subtract, state.params, after.params), grads)
  assert_close(metrics["gradient_norm"], norm(grads))
  assert_close(metrics["loss"], expected["loss"])


@pytest.mark.parametrize(("size", "at_once"), [(3, 0), (30, 3)])
def test_rows_that_are_drawn_are_those_of_one_device(size, at_once):
  state = make_state(SGD)
  run = train_steps.make_train_steps(
    drawing_loss, SGD, num_steps=1, rows=size, rows_at_once=at_once
  )
  after, metrics = run(state, SCALE, KEY)
  batch = drawn(jax.random.fold_in(KEY, 0), np.arange(size))
  _, grads, expected = plain_step(SGD, state, batch)
  assert_close(jax.tree.map(np.subtract, state.params, after.params), grads)
  assert_close(metrics["loss"], expected["loss"])


def test_a_row_that_does_not_count_may_be_anything():
  batch = make_batch(1, 5)
  state = make_state(SGD)

  def divide(params, constants, batch, key):
    # The last row is that which three of four devices repeat.
    loss, metrics = loss_fn(params, constants, batch, key)
    bad = (jax.lax.axis_index("batch") > 0) & (batch["x"].shape[0] == 1)
    bad &= batch["x"][0, 0] == jnp.float32(last)
    return loss / jnp.where(bad, 0.0, 1.0), metrics

  last = batch["x"][0, 4, 0]
  run = train_steps.make_train_steps(divide, SGD, num_steps=1)
  after, _ = run(state, SCALE, KEY, batch)
  whole = jax.tree.map(lambda values: values[0], batch)
  assert_close(after.params, plain_step(SGD, state, whole)[0].params)


def test_a_batch_without_rows_is_an_error(one_step):
  with pytest.raises(ValueError, match="a batch has 0 rows; expected 1"):
    one_step(make_state(SGD), SCALE, KEY, make_batch(1, 0))


@pytest.mark.parametrize("size", [3, 8])
def test_own_rows_are_all_where_there_is_one_process(size, one_step):
  rows = devices.own_rows(size)
  assert sorted(set(rows)) == list(range(size))
  batch, state = make_batch(1, size), make_state(SGD)
  own = jax.tree.map(lambda values: values[:, rows], batch)
  for one, other in zip(
    jax.tree.leaves(one_step(state, SCALE, KEY, batch)),
    jax.tree.leaves(one_step(state, SCALE, KEY, own, size)),
  ):
    np.testing.assert_array_equal(one, other)


def test_keys_differ_by_step_and_seed_and_repeat():
  three_steps = train_steps.make_train_steps(
    drawing_loss, ADAM, num_steps=3, rows=8
  )
  state = make_state(ADAM)
  first, metrics = three_steps(state, SCALE, KEY)
  again, metrics_again = three_steps(state, SCALE, KEY)
  for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(again)):
    np.testing.assert_array_equal(a, b)
  assert metrics["noise"] == metrics_again["noise"]
  _, later = three_steps(first, SCALE, KEY)
  _, other = three_steps(state, SCALE, jax.random.key(8))
  # Scalars are the same on all devices.
  draw = jax.jit(
    lambda step: jax.random.normal(
      prng.share_key(jax.random.fold_in(KEY, step), 0)
    )
  )
  draws = [draw(step) for step in range(3)]
  np.testing.assert_allclose(metrics["noise"], np.mean(draws), rtol=1e-5)
  assert len({float(m["noise"]) for m in (metrics, later, other)}) == 3


def test_the_second_call_compiles_nothing(caplog):
  run = train_steps.make_train_steps(loss_fn, ADAM, num_steps=2)
  state = make_state(ADAM)
  batch = make_batch(2, 4)
  TRACES.clear()
  with jax.log_compiles(), caplog.at_level(logging.WARNING):
    state, _ = run(state, SCALE, KEY, batch)
    assert "Finished XLA compilation" in caplog.text
    caplog.clear()
    traces = len(TRACES)
    assert traces
    for _ in range(2):
      state, _ = run(state, SCALE, KEY, batch)
  assert len(TRACES) == traces
  assert "Compiling" not in caplog.text
  assert "XLA compilation" not in caplog.text
  assert int(state.step) == 6


@pytest.mark.parametrize(("length", "until"), [(3, 8), (3, 2), (1, 2)])
def test_a_runner_stops_exactly_where_told(length, until):
  def count(params, constants, batch, key):
    del constants, batch, key
    return 0.0 * params, {}

  runner = train_steps.StepRunner(count, SGD, steps_per_dispatch=length, rows=1)
  state = state_lib.create(np.float32(0), SGD)
  lengths = []
  while int(state.step) < until:
    before = int(state.step)
    taken = runner.next_length(before, until)
    state, _ = runner(state, (), KEY, length=taken)
    lengths.append(int(state.step) - before)
    assert lengths[-1] == taken
  assert int(state.step) == until
  assert lengths == [length] * (until // length) + [1] * (until % length)


def test_a_runner_of_any_length_reaches_the_same_state():
  ends = []
  for length in (1, 4):
    runner = train_steps.StepRunner(
      drawing_loss, ADAM, steps_per_dispatch=length, rows=8
    )
    state = make_state(ADAM)
    while int(state.step) < 5:
      taken = runner.next_length(int(state.step), 5)
      state, _ = runner(state, SCALE, KEY, length=taken)
    ends.append(state)
  assert_close(*ends)
