"""The decoder's optimizer: who takes which step, what is cut, what is held."""

import jax
import numpy as np
import optax
import pytest

from stylized_nerf_jax.stylizer import decoder, decoder_optimizer


@pytest.fixture(scope="module")
def trees():
  shapes = jax.eval_shape(
    decoder.Decoder().init, jax.random.key(0), np.zeros((1, 2, 2, 512))
  )["params"]
  random = np.random.default_rng(0)

  def draw(leaf):
    return random.normal(size=leaf.shape).astype("f")

  return jax.tree.map(draw, shapes), jax.tree.map(draw, shapes)


def _update(optimizer, gradients, params):
  @jax.jit
  def first(gradients, params):
    return optimizer.update(gradients, optimizer.init(params), params)[0]

  return jax.tree.map(np.asarray, first(gradients, params))


def _norm(tree):
  return np.sqrt(sum(np.vdot(leaf, leaf) for leaf in jax.tree.leaves(tree)))


def test_without_muon_it_is_adam(trees):
  params, gradients = trees
  found = _update(decoder_optimizer.make(1e-3), gradients, params)
  expected = _update(optax.adam(1e-3), gradients, params)
  jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_what_muon_leaves_takes_nesterovs_steps(trees):
  """Of biases, and of the kernel that makes colours."""
  params, gradients = trees
  optimizer = decoder_optimizer.make(1e-3, muon_learning_rate=1e-2)
  found = _update(optimizer, gradients, params)
  expected = _update(optax.nadam(1e-3), gradients, params)
  for name, width, _ in decoder.LAYERS:
    leaves = ("bias", "kernel") if width == 3 else ("bias",)
    for leaf in leaves:
      np.testing.assert_allclose(
        found[name][leaf], expected[name][leaf], rtol=1e-5
      )
      # Momentum as it will be, and the gradient once more.
      first = 0.9 * 0.1 / (1 - 0.9**2) + 1
      assert round(first, 4) == 1.4737
      np.testing.assert_allclose(
        found[name][leaf],
        -1e-3 * first * np.sign(gradients[name][leaf]),
        rtol=1e-3,
      )


def test_long_gradients_are_cut_and_short_ones_are_not(trees):
  params, gradients = trees
  length = _norm(gradients)
  # Adam's first step tells nothing of a gradient's length; a long way off 0,
  # where its epsilon rules, it does.
  tiny = jax.tree.map(lambda g: g * np.float32(1e-12), gradients)
  whole = _update(decoder_optimizer.make(1e-3), tiny, params)
  for clip, expected in (
    (0.0, 1.0),
    (2e-12 * length, 1.0),
    (5e-13 * length, 2),
  ):
    cut = _update(decoder_optimizer.make(1e-3, clip=clip), tiny, params)
    ratio = _norm(whole) / _norm(cut)
    np.testing.assert_allclose(ratio, expected, rtol=1e-3)


@pytest.mark.parametrize("muon", [None, 1e-2])
def test_held_colours_do_not_move(trees, muon):
  params, gradients = trees
  optimizer = decoder_optimizer.make(
    1e-3, muon_learning_rate=muon, hold_colours=True
  )
  updates = _update(optimizer, gradients, params)
  for name, _, _ in decoder.LAYERS[:-1]:
    assert not updates[name]["kernel"][..., -3:].any()
    assert not updates[name]["bias"][-3:].any()
    assert updates[name]["kernel"][..., :-3].any()
  last = updates[decoder.LAYERS[-1][0]]["kernel"]
  assert not last[:, :, -3:].any() and last[:, :, :-3].all()


def test_kernels_take_muons_own_steps(trees):
  """As `optax.contrib.muon` takes them by itself, kernel by kernel."""
  params, gradients = trees
  found = _update(
    decoder_optimizer.make(1e-3, muon_learning_rate=1e-2), gradients, params
  )
  kernels = (
    {
      name: tree[name]["kernel"].reshape(-1, width)
      for name, width, _ in decoder.LAYERS[:-1]
    }
    for tree in (gradients, params)
  )
  expected = _update(optax.contrib.muon(1e-2), *kernels)
  for name, step in expected.items():
    np.testing.assert_allclose(
      found[name]["kernel"].reshape(step.shape), step, rtol=1e-3, atol=1e-6
    )
