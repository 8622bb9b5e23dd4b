"""Programs that do not fit a device, and what is said when it is full."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from stylized_nerf_jax.rows import accumulation, device_memory, mapping
from stylized_nerf_jax.training import state as state_lib
from stylized_nerf_jax.training import train_steps

_WIDTH = 1 << 12
_ROWS = np.linspace(-1.0, 1.0, 64, dtype=np.float32)
_FLOATS = 4 * _WIDTH  # bytes of a row on its way


def _wide(rows):
  """A function of rows that needs much memory for each."""
  spread = jnp.sin(rows[:, None] * jnp.arange(_WIDTH))
  return jnp.sort(spread, axis=-1)[:, _WIDTH // 3]


def _make(at_once: int):
  def program(rows):
    return accumulation.map_blocks(_wide, rows, most=at_once)

  return jax.jit(program)


def _needed(at_once: int) -> int:
  return device_memory.needed_bytes(_make(at_once).lower(_ROWS).compile())


def test_the_plan_is_what_the_rows_take():
  assert _needed(0) >= 64 * _FLOATS
  assert _needed(4) < _needed(0) / 4


def test_what_fits_is_left_as_it_is():
  _, needed = device_memory.fit(_make, (_ROWS,), rows=64, at_once=0)
  assert needed == _needed(0)


@pytest.mark.parametrize("at_once", [0, 64, 500])
def test_rows_are_halved_until_they_fit(at_once):
  limit = int(1.2 * _needed(16))
  program, needed = device_memory.fit(
    _make, (_ROWS,), rows=64, at_once=at_once, limit=limit
  )
  assert needed == _needed(16) <= limit
  np.testing.assert_allclose(program(_ROWS), _wide(_ROWS), rtol=1e-6)


def test_what_never_fits_is_an_error():
  with pytest.raises(device_memory.OutOfMemoryError, match="one row at a time"):
    device_memory.fit(_make, (_ROWS,), rows=64, at_once=0, limit=1000)


def test_training_steps_that_do_not_fit_accumulate(monkeypatch):
  def loss_fn(params, constants, batch, key):
    del constants, key
    loss = jnp.mean(_wide(batch * params["a"]) ** 2)
    return loss, {"loss": loss}

  optimizer = optax.sgd(1e-3)
  batch = np.stack([_ROWS, 0.5 * _ROWS])
  make = functools.partial(
    train_steps.make_train_steps, loss_fn, optimizer, num_steps=2
  )
  plans, found = [], []
  for limit in (None, 1 << 20):
    if limit:
      monkeypatch.setattr(device_memory, "limit_bytes", lambda: 1 << 20)
    take = make(on_plan=plans.append)
    state = state_lib.create({"a": np.float32(1.5)}, optimizer)
    for _ in range(2):
      state, metrics = take(state, (), jax.random.key(0), batch)
    found.append((state.params["a"], metrics["loss"]))
  assert len(plans) == 2
  assert plans[1] <= 1 << 20 < plans[0]
  np.testing.assert_allclose(found[1], found[0], rtol=1e-5)


def test_maps_that_do_not_fit_take_fewer_rows(monkeypatch):
  def fn(constants, rows):
    shapes.append(rows.shape[0])
    return constants * _wide(rows)

  shapes = []
  monkeypatch.setattr(device_memory, "limit_bytes", lambda: 1 << 17)
  run = mapping.make_map(fn, rows_per_device=40)
  rows = np.linspace(-1.0, 1.0, 50, dtype=np.float32)
  out = run(np.float32(2.0), rows)
  np.testing.assert_allclose(out, 2.0 * _wide(rows), rtol=1e-6)
  assert min(shapes) < max(shapes) <= 40


def test_a_full_device_is_an_error_that_names_fields():
  def exhaust():
    jax.jit(lambda: jnp.ones((1 << 20, 1 << 20)))().block_until_ready()

  advising = device_memory.advising
  with (
    pytest.raises(device_memory.OutOfMemoryError) as error,
    advising("outer", "nothing"),
    advising("phase", "this.field"),
  ):
    exhaust()
  said = str(error.value)
  assert re.fullmatch(
    r"phase: out of memory \(Out of memory allocating 4398046511104 bytes; a "
    r"device has [\d,]+ MiB\): lower this.field. What was saved .*",
    said,
  )


def test_other_errors_pass():
  advising = device_memory.advising("phase", "this.field")
  with pytest.raises(ZeroDivisionError), advising:
    _ = 1 / 0


def test_a_full_host_is_the_same():
  advising = device_memory.advising("phase", "this.field")
  with (
    pytest.raises(device_memory.OutOfMemoryError, match="the host had none"),
    advising,
  ):
    raise MemoryError


def test_the_peak_is_that_of_the_process_on_a_cpu():
  before = device_memory.peak_mib()
  block = np.ones(1 << 26)
  assert device_memory.peak_mib() >= max(before, block.nbytes / 2**20)
  assert device_memory.peak_mib() < device_memory.limit_bytes() * 8 / 2**20
