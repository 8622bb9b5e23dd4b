"""Style, colour and detail measures against closed forms and scipy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

from stylized_nerf_jax.evaluation import style_scores


def _encode(images):
  """Stands in for VGG: the picture and a coarser one of other channels."""
  return {
    "relu1_1": 3.0 * images,
    "relu2_1": jnp.concatenate([images, images**2], -1)[:, ::2, ::2],
  }


def test_style_distance_is_the_sum_over_layers():
  generator = np.random.default_rng(0)
  style = generator.uniform(size=(12, 10, 3)).astype(np.float32)
  frame = generator.uniform(size=(8, 14, 3)).astype(np.float32)
  expected = 0.0
  pairs = zip(_encode(frame[None]).values(), _encode(style[None]).values())
  for features, reference in pairs:
    pixels = [
      np.asarray(f, np.float64).reshape(-1, f.shape[-1])
      for f in (features, reference)
    ]
    means = [p.mean(0) for p in pixels]
    stds = [np.sqrt(p.var(0, ddof=1) + 1e-5) for p in pixels]
    expected += np.mean((means[0] - means[1]) ** 2)
    expected += np.mean((stds[0] - stds[1]) ** 2)
  measure = style_scores.style_distance(_encode, style)
  assert measure(frame) == pytest.approx(expected, rel=1e-4)
  assert measure(style) == pytest.approx(0.0, abs=1e-9)


def test_color_distance_of_plain_colors():
  first, second = np.array([0.9, 0.2, 0.4]), np.array([0.1, 0.3, 0.8])
  measure = style_scores.color_distance(np.full((6, 7, 3), first))
  expected = np.linalg.norm(first - second) / np.sqrt(3)
  found = measure(np.full((20, 11, 3), second))
  # 32 directions are spread evenly, but they are 32.
  assert found == pytest.approx(expected, rel=0.02)


def test_color_distance_ignores_places_and_sizes():
  generator = np.random.default_rng(1)
  style = generator.uniform(size=(32, 32, 3)) ** 2
  measure = style_scores.color_distance(style)
  shuffled = generator.permutation(style.reshape(-1, 3)).reshape(64, 16, 3)
  assert measure(shuffled) == pytest.approx(0.0, abs=1e-6)
  doubled = style.repeat(2, axis=0).repeat(2, axis=1)
  assert measure(doubled) < 2e-3
  assert measure(1 - style) > 0.1


def test_color_distance_is_the_sorted_difference():
  generator = np.random.default_rng(2)
  pictures = generator.uniform(size=(2, 32, 32, 3))
  directions = style_scores._directions()
  squares = []
  for direction in directions:
    first, second = (np.sort(p.reshape(-1, 3) @ direction) for p in pictures)
    squares.append(np.mean((first - second) ** 2))
  measure = style_scores.color_distance(pictures[0])
  assert measure(pictures[1]) == pytest.approx(
    np.sqrt(np.mean(squares)), rel=1e-4
  )


def test_directions_are_unit_and_even():
  directions = style_scores._directions()
  np.testing.assert_allclose(np.linalg.norm(directions, axis=-1), 1, rtol=1e-6)
  moments = directions.T @ directions / len(directions)
  np.testing.assert_allclose(moments, np.eye(3) / 3, atol=0.02)


def test_high_frequency_energy_equals_scipy():
  generator = np.random.default_rng(3)
  images = generator.uniform(size=(2, 23, 31, 3)).astype(np.float32)
  expected = []
  for image in images:
    luma = image @ np.array([0.299, 0.587, 0.114])
    blurred = scipy.ndimage.gaussian_filter(luma, 2.0, truncate=4.0)
    expected.append(np.mean((luma - blurred) ** 2))
  found = jax.jit(style_scores.high_frequency_energy)(images)
  np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_blur_lowers_the_energy_and_a_plain_picture_has_none():
  generator = np.random.default_rng(4)
  image = generator.uniform(size=(24, 24, 3)).astype(np.float32)
  energy = jax.jit(style_scores.high_frequency_energy)
  blurred = scipy.ndimage.gaussian_filter(image, (1.0, 1.0, 0.0))
  assert float(energy(blurred)) < 0.2 * float(energy(image))
  assert float(energy(np.full_like(image, 0.7))) < 1e-10
