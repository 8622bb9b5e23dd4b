"""The statistics VAE: size, sampling, and PyTorch as oracle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import pretrained, statistics_vae


@pytest.fixture(scope="module")
def params():
  init = jax.jit(statistics_vae.StatisticsVae().init)
  tree = init(jax.random.key(0), jnp.zeros((1, 1024)), jnp.zeros((1, 32)))
  return jax.tree.map(lambda x: x + 0.01, tree["params"])


def test_parameter_count():
  shapes = jax.tree.leaves(pretrained.vae_shapes())
  assert sum(leaf.size for leaf in shapes) == 2_150_464


def test_latent_is_mean_plus_scaled_noise(params):
  module = statistics_vae.StatisticsVae()
  statistics = jax.random.normal(jax.random.key(1), (3, 1024))
  noise = jax.random.normal(jax.random.key(2), (3, 32))
  output, mean, log_variance = module.apply(
    {"params": params}, statistics, noise
  )
  latents = mean + np.sqrt(np.exp(log_variance)) * noise
  expected = module.apply({"params": params}, latents, method="decode")
  np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.oracle
def test_equals_torch(params):
  torch = pytest.importorskip("torch")

  def linear(x, layer):
    kernel = torch.from_numpy(np.array(layer["kernel"]))
    return x @ kernel + torch.from_numpy(np.array(layer["bias"]))

  def mlp(x, layers):
    for index in range(3):
      x = linear(x, layers[f"hidden_{index}"]).relu()
    return x

  statistics = jax.random.normal(jax.random.key(1), (3, 1024))
  hidden = mlp(torch.from_numpy(np.array(statistics)), params["encoder"])
  mean = linear(hidden, params["mean_head"])
  log_variance = linear(hidden, params["log_variance_head"])
  output = linear(mlp(mean, params["decoder"]), params["output"])
  found = statistics_vae.StatisticsVae().apply(
    {"params": params}, statistics, jnp.zeros((3, 32))
  )
  for ours, theirs in zip(found, (output, mean, log_variance)):
    theirs = theirs.numpy()
    assert np.abs(ours - theirs).max() <= 1e-4 * np.abs(theirs).max()
