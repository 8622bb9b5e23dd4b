"""Layers in blocks: what they compute, and what they compute it in."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.fields import row_blocks

_WIDTH = 8


class Layers(nn.Module):
  """Two layers, and a code that all rows share."""

  def setup(self):
    self.first = nn.Dense(_WIDTH)
    self.last = nn.Dense(3)

  def __call__(self, rows, code):
    def layers(module, rows):
      inputs, scale = rows
      hidden = nn.relu(module.first(inputs) + code)
      return {"out": scale[:, None] * module.last(hidden)}

    return row_blocks.apply(self, layers, rows, width=_WIDTH)["out"]


def _rows(count):
  rng = np.random.default_rng(0)
  inputs = rng.normal(size=(count, 5)).astype(np.float32)
  return inputs, rng.normal(size=count).astype(np.float32)


def _losses(params, rows, code):
  """Value, and gradients of parameters, rows and code."""

  def loss(params, rows, code):
    out = Layers().apply(params, rows, code)
    # Every row counts differently: none may stand in another's place.
    return (jnp.cos(jnp.arange(len(out)))[:, None] * jnp.square(out)).sum()

  return jax.value_and_grad(loss, argnums=(0, 1, 2))(params, rows, code)


@pytest.mark.parametrize("count", [12, 13, 16, 40])
def test_blocks_change_nothing(monkeypatch, count):
  """12 are few enough to stay together; 13 and 40 do not divide evenly."""
  rows = _rows(count)
  code = np.linspace(-1.0, 1.0, _WIDTH, dtype=np.float32)
  # Jitted anew: what is traced depends on what is patched.
  params = jax.jit(Layers().init)(jax.random.key(0), rows, code)
  together = jax.jit(_losses)(params, rows, code)
  monkeypatch.setattr(row_blocks, "_LARGE", 12 * _WIDTH)
  monkeypatch.setattr(row_blocks, "_BLOCK", 8 * _WIDTH + 1)
  traced = jax.jit(lambda *given: _losses(*given)).trace(params, rows, code)
  apart = traced.lower().compile()(params, rows, code)
  jax.tree.map(
    lambda one, two: np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5),
    together,
    apart,
  )
  # The same parameters, wherever they are made.
  again = jax.jit(lambda *given: Layers().init(*given))(
    jax.random.key(0), rows, code
  )
  jax.tree.map(np.testing.assert_array_equal, params, again)
  loops = str(traced.jaxpr).count("scan[")
  assert bool(loops) == (count > 12)


def test_memory_does_not_grow_with_the_hidden_layers(monkeypatch):
  rows, code = _rows(4096), np.zeros(_WIDTH, np.float32)
  params = jax.eval_shape(Layers().init, jax.random.key(0), rows, code)

  def temporary():
    step = jax.jit(lambda params: _losses(params, rows, code)[1][0])
    compiled = step.lower(params).compile()
    return compiled.memory_analysis().temp_size_in_bytes

  together = temporary()
  monkeypatch.setattr(row_blocks, "_LARGE", 1024)
  monkeypatch.setattr(row_blocks, "_BLOCK", 1024)
  hidden = 4 * _WIDTH * 4096
  assert temporary() < together - hidden // 2
