"""Losses of the stylizer against plain numpy."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.losses import stylization

_content_loss = jax.jit(stylization.content_loss)
_layer_statistics = jax.jit(stylization.layer_statistics)
_palette_loss = jax.jit(stylization.palette_loss)
_reconstruction_loss = jax.jit(stylization.reconstruction_loss)
_vae_loss = jax.jit(stylization.vae_loss)


def _features(seed):
  generator = np.random.default_rng(seed)
  return {
    "relu1_1": generator.normal(size=(2, 6, 4, 3)).astype(np.float32),
    "relu2_1": generator.normal(size=(2, 3, 2, 5)).astype(np.float32),
  }


@jax.jit
def _style_loss(features, style):
  statistics = stylization.layer_statistics(style)
  return stylization.style_loss(features, statistics)


def test_content_loss_is_the_mean_square():
  a, b = np.arange(6.0).reshape(1, 1, 2, 3), np.ones((1, 1, 2, 3))
  expected = np.mean((a - b) ** 2)
  np.testing.assert_allclose(_content_loss(a, b), expected)


def test_style_loss_equals_loop():
  features, style = _features(0), _features(1)
  found = _style_loss(features, style)
  expected = 0.0
  for name in features:
    a, b = np.asarray(features[name]), np.asarray(style[name])
    expected += np.mean((a.mean((1, 2)) - b.mean((1, 2))) ** 2)
    deviation = a.std((1, 2), ddof=1) - b.std((1, 2), ddof=1)
    expected += np.mean(deviation**2)
  np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_one_style_broadcasts_over_the_batch():
  features, style = _features(0), _features(1)
  one = {name: value[:1] for name, value in style.items()}
  both = {name: np.tile(value, (2, 1, 1, 1)) for name, value in one.items()}
  np.testing.assert_allclose(
    _style_loss(features, one), _style_loss(features, both), rtol=1e-5
  )


def test_layers_that_differ_are_named():
  statistics = _layer_statistics(_features(0))
  with pytest.raises(ValueError, match="relu2_1"):
    stylization.style_loss({"relu1_1": np.zeros((1, 2, 2, 3))}, statistics)


def test_reconstruction_weighs_chroma():
  grey = np.full((1, 4, 4, 3), 0.5)
  lighter = grey + 0.1
  redder = grey + [0.1, -0.1 * 0.299 / 0.587, 0.0]
  for image, grows in ((lighter, False), (redder, True)):
    one = _reconstruction_loss(image, grey, chroma_weight=1.0)
    three = _reconstruction_loss(image, grey, chroma_weight=3.0)
    ratio = float(three) / float(one)
    assert abs(ratio - (3.0 if grows else 1.0)) < 0.05


def test_vae_loss_equals_formula():
  statistics = np.ones((2, 4), np.float32)
  mean = np.full((2, 3), 0.5, np.float32)
  log_variance = np.full((2, 3), -1.0, np.float32)
  found = _vae_loss(
    statistics + 0.5, statistics, mean, log_variance, kl_weight=0.1
  )
  divergence = 3 * 0.5 * (0.25 + np.exp(-1.0) - 1 + 1)
  np.testing.assert_allclose(found, 4 * 0.25 + 0.1 * divergence, rtol=1e-5)
  perfect = _vae_loss(statistics, statistics, 0 * mean, 0 * log_variance)
  assert perfect == 0


@jax.jit
@jax.grad
def _gradient(image):
  flat = np.zeros((1, 4, 4, 3), np.float32)
  target = stylization.layer_statistics({"a": flat})
  loss = stylization.style_loss({"a": image}, target)
  return loss + stylization.reconstruction_loss(image, flat)


@pytest.mark.parametrize("value", [0.0, 1.0, 1e3])
def test_gradients_are_finite_on_flat_images(value):
  image = np.full((1, 4, 4, 3), value, np.float32)
  assert np.isfinite(_gradient(image)).all()


def test_palette_loss_ignores_places_and_weighs_chroma():
  random = np.random.default_rng(3)
  picture = random.random((2, 5, 6, 3)).astype(np.float32)
  shuffled = random.permutation(picture.reshape(2, 30, 3), axis=1)
  shuffled = shuffled.reshape(2, 6, 5, 3)
  assert _palette_loss(shuffled, picture) < 1e-10
  brighter = float(_palette_loss(picture + 0.1, picture))
  # Grey has no chroma: only the mean of luma differs, by 0.1.
  assert brighter == pytest.approx(0.1**2 / 3, rel=1e-2)
  heavier = _palette_loss(picture + 0.1, picture, chroma_weight=9.0)
  assert heavier == pytest.approx(float(brighter), rel=1e-2)
  redder = picture + np.float32([0.1, 0.0, 0.0])
  light, heavy = (
    _palette_loss(redder, picture, chroma_weight=weight)
    for weight in (1.0, 2.0)
  )
  chroma = (0.1 * 0.169) ** 2 + (0.1 * 0.5) ** 2
  assert float(heavy) - float(light) == pytest.approx(chroma, rel=1e-2)
