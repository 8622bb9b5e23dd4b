"""Whole pictures of any size: no crash, no shift."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import pretrained, stylize


@pytest.fixture(scope="module")
def stylizer():
  return stylize.load_stylizer()


@pytest.mark.parametrize("height, width", [(1, 1), (2, 9), (5, 20), (37, 33)])
def test_padding_reflects_to_and_fro(height, width):
  images = np.random.default_rng(0).random((1, height, width, 2))
  images = images.astype(np.float32)
  padded = np.asarray(stylize.pad_to_stride(images))
  wanted_height = max(-(-height // 8) * 8, 16)
  wanted_width = max(-(-width // 8) * 8, 16)
  assert padded.shape == (1, wanted_height, wanted_width, 2)
  # numpy reflects repeatedly too; a single pixel it repeats.
  extra = (wanted_height - height, wanted_width - width)
  expected = np.pad(
    images, ((0, 0), (0, extra[0]), (0, extra[1]), (0, 0)), mode="reflect"
  )
  np.testing.assert_array_equal(padded, expected)


@pytest.mark.parametrize("height, width", [(40, 33), (3, 5), (16, 16)])
def test_any_size_comes_back_at_its_size(stylizer, height, width):
  """The release crashes below 512 px (defect 7)."""
  images = jnp.full((2, height, width, 3), 0.5)
  found = jax.eval_shape(
    stylizer.stylize, images, jnp.zeros(512), jnp.ones(512)
  )
  assert found.shape == images.shape


def _edge_position(profile):
  """Find the step that correlates best with a profile: its first pixel."""
  size = len(profile)
  correlations = [
    np.corrcoef(profile, np.arange(size) >= first)[0, 1]
    for first in range(1, size)
  ]
  return 1 + int(np.argmax(correlations))


@pytest.mark.parametrize("axis", [0, 1])
def test_edge_in_the_last_rows_stays_in_place(stylizer, axis):
  """The release resizes D's output, shifting it by up to 6 px (section 4)."""
  sides = [53, 50] if axis == 0 else [50, 53]
  image = np.full((*sides, 3), 0.25, np.float32)
  place = [slice(None)] * 2
  place[axis] = slice(46, None)
  image[tuple(place)] = 0.8
  mean, std = jax.jit(stylizer.style_statistics)(image)
  run = jax.jit(stylizer.stylize)
  found = run(image[None], mean, std, 0.0)[0]
  profile = np.asarray(found).mean(-1)
  profile = profile[:, 8:-8].mean(1) if axis == 0 else profile[8:-8].mean(0)
  # From here on the edge lies in the middle of the profile.
  start = 2 * 46 - len(profile)
  assert abs(start + _edge_position(profile[start:]) - 46) <= 1


def test_result_is_an_image_of_its_own_style(stylizer):
  keys = jax.random.split(jax.random.key(0), 3)
  images = jax.random.uniform(keys[0], (2, 19, 22, 3))
  styles = jax.random.uniform(keys[1], (2, 24, 16, 3))
  statistics = jax.jit(stylizer.style_statistics)
  pairs = [statistics(style) for style in styles]
  mean, std = (jnp.stack(values) for values in zip(*pairs))
  run = jax.jit(stylizer.stylize)
  found = run(images, mean, std)
  assert found.min() >= 0 and found.max() <= 1
  turned = run(images[::-1], mean[::-1], std[::-1])
  np.testing.assert_allclose(found, turned[::-1], atol=1e-4)


def test_weights_of_another_encoder_are_refused():
  other = pretrained.Encoder("vgg19", {}, "0" * 64)
  with pytest.raises(ValueError, match="trained with the encoder"):
    pretrained.load_decoder(encoder=other)
