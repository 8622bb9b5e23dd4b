"""Mutual learning: values, and which half each loss may update."""

import jax
import numpy as np
import pytest
import scipy.stats

from stylized_nerf_jax.losses import mutual

_latent_nll = jax.jit(mutual.latent_nll, static_argnames="normalise")
_of_prior = jax.jit(
  jax.value_and_grad(mutual.latent_loss, argnums=(0, 1, 2)),
  static_argnames="normalise",
)
_of_spread = jax.jit(jax.value_and_grad(mutual.ray_spread, argnums=(0, 1)))


def arrays(count, shape=(4, 3), seed=0):
  rng = np.random.default_rng(seed)
  return rng.uniform(0.1, 1, (count, *shape)).astype(np.float32)


@pytest.mark.parametrize("loss", [mutual.mimic_2d_to_3d, mutual.mimic_3d_to_2d])
def test_mimic_losses_update_their_first_argument_only(loss):
  """Both directions are at work (section 9, defect 1)."""
  learner, teacher = arrays(2)
  slopes = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
  value, (learns, constant) = slopes(learner, teacher)
  np.testing.assert_allclose(
    value, np.mean((np.float64(learner) - teacher) ** 2), rtol=1e-5
  )
  np.testing.assert_allclose(
    learns, 2 * (learner - teacher) / learner.size, rtol=1e-5, atol=1e-8
  )
  np.testing.assert_array_equal(constant, np.zeros_like(teacher))


@pytest.mark.parametrize("normalise", ["variance", "standard_deviation"])
def test_the_prior_moves_codes_and_never_the_styles(normalise):
  codes, means, variances = arrays(3)
  value, slopes = _of_prior(codes, means, variances, normalise=normalise)
  power = 1.0 if normalise == "variance" else 0.5
  total = 0.0
  for index in np.ndindex(codes.shape):
    difference = float(codes[index]) - float(means[index])
    total += 0.5 * difference**2 / float(variances[index]) ** power
  np.testing.assert_allclose(value, total / 4, rtol=1e-5)
  np.testing.assert_allclose(
    slopes[0], (codes - means) / variances**power / 4, rtol=1e-4, atol=1e-7
  )
  np.testing.assert_array_equal(slopes[1], np.zeros_like(means))
  np.testing.assert_array_equal(slopes[2], np.zeros_like(variances))


def test_an_unknown_normalisation_is_named():
  with pytest.raises(ValueError, match="normalise is 'sigma'"):
    mutual.latent_loss(*arrays(3), normalise="sigma")


def test_the_spread_along_rays_is_that_of_a_loop():
  rng = np.random.default_rng(1)
  weights = rng.uniform(0, 0.3, (5, 4)).astype(np.float32)
  weights[0] = 0.0  # A ray that hits nothing.
  colors = rng.uniform(0, 1, (5, 4, 3)).astype(np.float32)
  value, (of_weights, of_colors) = jax.tree.map(
    np.asarray, _of_spread(weights, colors)
  )
  total = 0.0
  for w, c in zip(weights[1:].astype(float), colors[1:].astype(float)):
    mean = sum(w[k] * c[k] for k in range(4)) / w.sum()
    total += sum(w[k] * ((c[k] - mean) ** 2).sum() for k in range(4))
  np.testing.assert_allclose(value, total / (5 * 3), rtol=1e-5)
  assert not of_weights.any() and not of_colors[0].any()
  assert np.abs(of_colors[1:]).max() > 0
  one_color = np.broadcast_to(colors[:, :1], colors.shape)
  assert _of_spread(weights, one_color)[0] < 1e-12


@pytest.mark.parametrize(
  ("normalise", "power"), [("variance", 1.0), ("standard_deviation", 0.5)]
)
def test_likelihood_equals_a_loop(normalise, power):
  rng = np.random.default_rng(0)
  codes, means = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
  variances = rng.uniform(0.1, 4, (3, 4, 5)).astype(np.float32)
  ours = np.asarray(_latent_nll(codes, means, variances, normalise=normalise))
  for index in np.ndindex(3, 4):
    total = 0.0
    for z, mean, variance in zip(codes[index], means[index], variances[index]):
      total += 0.5 * (z - mean) ** 2 / variance**power
    np.testing.assert_allclose(ours[index], total, rtol=1e-5)


def test_likelihood_is_that_of_the_normal_distribution():
  """Up to the constant that the variance alone decides."""
  z, mean, variance = np.array([2.5]), np.array([1.0]), np.array([4.0])
  normal = scipy.stats.norm(mean, 2.0)
  expected = normal.logpdf(mean) - normal.logpdf(z)
  ours = _latent_nll(z, mean, variance)
  np.testing.assert_allclose(ours, expected[0], rtol=1e-6)
