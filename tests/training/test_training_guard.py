"""Steps that are skipped, and when a run ends because of them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from stylized_nerf_jax.training import guard, skips, train_steps
from stylized_nerf_jax.training import state as state_lib

KEY = jax.random.key(0)
ADAM = optax.adam(0.1)


def loss_fn(params, bad, batch, key):
  """Not finite in the steps whose number in the batch is negative."""
  del key
  number = batch["number"][0]
  loss = jnp.sum(params**2)
  wrong = jnp.where(number < 0, bad, 0.0)
  metrics = {"loss": loss + wrong, "first": wrong, "second": loss}
  # The root's gradient at 0 is not finite, its value is.
  root = jnp.sum(jnp.sqrt(jnp.where(number == 0, 0.0, 1.0) * params**2))
  return loss + wrong + root, metrics


def run_steps(numbers, bad=np.nan, on_steps=None, steps=None):
  """Takes a step for each number; returns states before and after, metrics."""
  take = steps or train_steps.make_train_steps(
    loss_fn, ADAM, num_steps=len(numbers), on_steps=on_steps
  )
  state = state_lib.create(np.float32([1.0, -2.0]), ADAM)
  batch = {"number": np.repeat(np.float32(numbers)[:, None], 4, axis=1)}
  after, metrics = take(state, np.float32(bad), KEY, batch)
  return state, after, metrics


def same(one, other) -> bool:
  equal = jax.tree.map(lambda a, b: bool(np.all(a == b)), one, other)
  return all(jax.tree.leaves(equal))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_step_that_is_not_finite_is_only_counted(bad):
  seen = []
  before, after, metrics = run_steps(
    [-1.0], bad, lambda skips, length: seen.append((skips, length))
  )
  assert int(after.step) == 1
  assert same(before.params, after.params)
  assert same(before.opt_state, after.opt_state)
  assert not np.isfinite(metrics["loss"])
  ((skips, length),) = seen
  assert (int(skips.count), int(skips.row), length) == (1, 1, 1)
  assert not skips.finite["first"] and skips.finite["second"]


def test_a_gradient_that_is_not_finite_is_enough():
  before, after, metrics = run_steps([0.0])
  assert same(before.params, after.params) and int(after.step) == 1
  assert np.isfinite(metrics["loss"])
  assert not np.isfinite(metrics["gradient_norm"])


def test_the_other_steps_of_a_dispatch_are_taken():
  seen = []
  _, after, metrics = run_steps(
    [1.0, -1.0, 1.0, -1.0, -1.0],
    on_steps=lambda skips, _: seen.append(skips),
  )
  _, expected, of_two = run_steps([1.0, 1.0])
  assert int(after.step) == 5
  assert same(after.params, expected.params)
  assert same(after.opt_state, expected.opt_state)
  np.testing.assert_allclose(metrics["loss"], of_two["loss"], rtol=1e-6)
  (skips,) = seen
  assert (int(skips.count), int(skips.row)) == (3, 2)


def skipped(count, row, *bad):
  names = ("loss", "gradient_norm", "mse", "psnr", "distortion")
  return skips.Skips(
    np.int32(count), np.int32(row), {n: np.bool_(n not in bad) for n in names}
  )


def test_rows_are_counted_over_dispatches_and_name_what_went_first():
  watch = guard.Guard("radiance_field", limit=7)
  watch(skipped(4, 0), 5)
  watch(skipped(3, 2, "loss", "gradient_norm", "distortion"), 5)
  watch(skipped(5, 5, "loss", "mse", "psnr", "distortion"), 5)
  with pytest.raises(guard.NotFiniteError) as caught:
    watch(skipped(0, 0), 5)
  message = str(caught.value)
  assert message.startswith("radiance_field: 7 steps in a row were skipped")
  assert "first distortion." in message and "\n" not in message
  assert watch.take() == 12 and watch.take() == 0


def test_a_good_step_ends_a_row():
  watch = guard.Guard("radiance_field", limit=5)
  for _ in range(10):
    watch(skipped(4, 4, "loss", "mse"), 5)
    watch(skipped(0, 0), 1)
  watch(skipped(5, 5, "gradient_norm"), 5)
  with pytest.raises(guard.NotFiniteError, match="first the gradient"):
    watch.look()


def test_what_is_told_is_looked_at_when_more_is_told():
  """Only then the device has it behind it."""

  class Number:
    read = 0

    def __int__(self):
      Number.read += 1
      return 0

  watch = guard.Guard("radiance_field", limit=5)
  watch(skips.Skips(Number(), Number(), {}), 1)
  assert Number.read == 0
  watch(skipped(0, 0), 1)
  assert Number.read == 2
  assert watch.take() == 0
