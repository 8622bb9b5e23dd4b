"""AdaIN and its statistics against plain numpy and PyTorch."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import adain

_statistics = jax.jit(adain.style_statistics)
_adain = jax.jit(adain.adain)


def _features(seed, shape=(2, 5, 7, 4)):
  random = np.random.default_rng(seed)
  return random.normal(1.0, 3.0, shape).astype(np.float32)


def test_statistics_are_over_space_and_unbiased():
  features = _features(0)
  mean, std = map(np.asarray, _statistics(features))
  assert mean.shape == std.shape == (2, 4)
  for n in range(2):
    for c in range(4):
      values = features[n, :, :, c].astype(np.float64)
      np.testing.assert_allclose(mean[n, c], values.mean(), rtol=1e-5)
      expected = np.sqrt(values.var(ddof=1) + 1e-5)
      np.testing.assert_allclose(std[n, c], expected, rtol=1e-5)


def test_second_half_of_the_vector_is_the_standard_deviation():
  """The release trains its VAE on one and feeds it the other (defect 3)."""
  features = _features(1)
  mean, std = _statistics(features)
  vector = np.asarray(adain.as_vector(mean, std))
  np.testing.assert_array_equal(vector[:, :4], mean)
  np.testing.assert_allclose(
    vector[:, 4:], features.std((1, 2), ddof=1), rtol=1e-4
  )


def test_result_has_the_statistics_of_the_style():
  mean, std = _statistics(_features(2, (1, 6, 3, 4)))
  found = _statistics(_adain(_features(3), mean, std))
  np.testing.assert_allclose(found[0], np.tile(mean, (2, 1)), rtol=1e-3)
  np.testing.assert_allclose(found[1], np.tile(std, (2, 1)), rtol=1e-3)


def test_strength_mixes_with_the_content():
  content = _features(4)
  mean, std = np.zeros(4, np.float32), np.ones(4, np.float32)
  none = _adain(content, mean, std, 0.0)
  full = _adain(content, mean, std, 1.0)
  half = _adain(content, mean, std, 0.5)
  np.testing.assert_array_equal(none, content)
  np.testing.assert_allclose(
    half, 0.5 * (content + np.asarray(full)), rtol=1e-5, atol=1e-6
  )


@jax.jit
@jax.grad
def _slopes(content, statistics):
  return adain.adain(content, statistics, statistics).sum()


@pytest.mark.parametrize("value", [0.0, 1.0, 1e4])
def test_gradient_is_finite_on_constant_channels(value):
  content = np.full((1, 4, 4, 2), value, np.float32)
  assert np.isfinite(_slopes(content, np.ones(2, np.float32))).all()


def test_leading_dimensions_do_not_matter():
  content = _features(5, (2, 3, 4, 5, 6))
  mean, std = map(np.asarray, _statistics(content))
  assert mean.shape == (2, 3, 6)
  one, _ = _statistics(content[1, 2])
  np.testing.assert_allclose(mean[1, 2], one, rtol=1e-6)
  together = _adain(content, std, mean)
  alone = _adain(content[1, 2], std[1, 2], mean[1, 2])
  np.testing.assert_allclose(
    np.asarray(together)[1, 2], alone, rtol=1e-4, atol=1e-5
  )


@pytest.mark.oracle
def test_equals_torch():
  torch = pytest.importorskip("torch")
  content, style = _features(6), _features(7, (2, 9, 4, 4))

  def statistics(features):
    flat = torch.from_numpy(np.array(features)).flatten(1, 2)
    mean = flat.mean(1)[:, None, None]
    return mean, (flat.var(1) + 1e-5).sqrt()[:, None, None]

  (mean_c, std_c), (mean_s, std_s) = statistics(content), statistics(style)
  tensor = torch.from_numpy(np.array(content))
  expected = ((tensor - mean_c) / std_c * std_s + mean_s).numpy()
  found = adain.adain(content, *adain.style_statistics(style))
  error = np.abs(found - expected).max()
  assert error <= 1e-4 * np.abs(expected).max()
