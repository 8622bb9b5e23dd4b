"""The VAE over style statistics (method, section 5)."""

import flax.linen as nn
import jax
import jax.numpy as jnp

LATENT = 32
STATISTICS = 1024
_HIDDEN = 512
_LAYERS = 3


class _Mlp(nn.Module):
  """Three hidden layers of 512 with ReLU."""

  @nn.compact
  def __call__(self, x: jax.Array) -> jax.Array:
    for index in range(_LAYERS):
      x = nn.relu(nn.Dense(_HIDDEN, name=f"hidden_{index}")(x))
    return x


class StatisticsVae(nn.Module):
  """Gives each style a Gaussian over 32 values; 2,150,464 parameters.

  Statistics are the channel mean and standard deviation of E(style) at
  relu4_1, joined: [mean, standard deviation].
  """

  def setup(self):
    """Name the submodules."""
    self.encoder = _Mlp(name="encoder")
    self.mean_head = nn.Dense(LATENT, name="mean_head")
    self.log_variance_head = nn.Dense(LATENT, name="log_variance_head")
    self.decoder = _Mlp(name="decoder")
    self.output = nn.Dense(STATISTICS, name="output")

  def encode(self, statistics: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Encode statistics [N, 1024] as mean and log-variance, both [N, 32]."""
    hidden = self.encoder(statistics)
    return self.mean_head(hidden), self.log_variance_head(hidden)

  def decode(self, latents: jax.Array) -> jax.Array:
    """Decode latents [N, 32] to statistics [N, 1024]."""
    return self.output(self.decoder(latents))

  def __call__(
    self, statistics: jax.Array, noise: jax.Array
  ) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Encode, sample and decode.

    Args:
      statistics: [N, 1024].
      noise: unit Gaussian, [N, 32].

    Returns:
      Reconstruction [N, 1024], and mean and log-variance, both [N, 32].
    """
    mean, log_variance = self.encode(statistics)
    latents = mean + jnp.exp(0.5 * log_variance) * noise
    return self.decode(latents), mean, log_variance
