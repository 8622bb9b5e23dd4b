"""Mutual learning: values, and which half each loss may update."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.losses import mutual


def arrays(count, shape=(4, 3), seed=0):
  rng = np.random.default_rng(seed)
  return rng.uniform(0.1, 1, (count, *shape)).astype(np.float32)


@pytest.mark.parametrize("loss", [mutual.mimic_2d_to_3d, mutual.mimic_3d_to_2d])
def test_mimic_losses_update_their_first_argument_only(loss):
  """Both directions are at work (section 9, defect 1)."""
  learner, teacher = arrays(2)
  value, (learns, constant) = jax.value_and_grad(loss, argnums=(0, 1))(
    learner, teacher
  )
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
  value, slopes = jax.value_and_grad(mutual.latent_loss, argnums=(0, 1, 2))(
    codes, means, variances, normalise=normalise
  )
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
