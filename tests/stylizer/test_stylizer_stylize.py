"""Whole pictures of any size: no crash, no shift."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import pretrained, stylize


@pytest.fixture(scope="module")
def stylizer():
  return stylize.load_stylizer()


@pytest.fixture(scope="module")
def run(stylizer):
  return jax.jit(stylizer.stylize)


@pytest.mark.parametrize("height, width", [(1, 1), (2, 9), (5, 20), (37, 33)])
def test_padding_reflects_to_and_fro(height, width):
  images = np.random.default_rng(0).random((1, height, width, 2))
  images = images.astype(np.float32)
  padded = np.asarray(jax.jit(stylize.pad_to_stride)(images))
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
  images = np.full((2, height, width, 3), 0.5, np.float32)
  zeros, ones = np.zeros(512, np.float32), np.ones(512, np.float32)
  found = jax.eval_shape(stylizer.stylize, images, zeros, ones)
  assert found.shape == images.shape


@pytest.mark.parametrize("height, width", [(53, 50), (50, 53)])
def test_output_pixels_lie_on_input_pixels(run, height, width):
  """The release resizes D's output, shifting it by up to 6 px (section 4).

  What D gives for the extended picture, which needs no cropping, is what any
  size must give at its own pixels, whatever the weights.
  """
  random = np.random.default_rng(0)
  image = random.random((1, height, width, 3)).astype(np.float32)
  extended = np.asarray(stylize.pad_to_stride(image))
  assert extended.shape[1:3] == (56, 56)
  mean, std = np.ones(512, np.float32), np.full(512, 0.5, np.float32)
  found, whole = (
    np.asarray(run(picture, mean, std)) for picture in (image, extended)
  )
  np.testing.assert_allclose(
    found, whole[:, :height, :width], rtol=0, atol=1e-5
  )
  assert np.abs(found - whole[:, -height:, -width:]).max() > 1e-2


def test_result_is_an_image_of_its_own_style(stylizer, run):
  random = np.random.default_rng(0)
  images = random.random((2, 19, 22, 3)).astype(np.float32)
  styles = random.random((2, 24, 16, 3)).astype(np.float32)
  statistics = jax.jit(stylizer.style_statistics)
  pairs = [statistics(style) for style in styles]
  mean, std = (np.stack(values) for values in zip(*pairs))
  found = np.asarray(run(images, mean, std))
  assert found.min() >= 0 and found.max() <= 1
  turned = np.asarray(run(images[::-1], mean[::-1], std[::-1]))
  np.testing.assert_allclose(found, turned[::-1], atol=1e-4)


def test_weights_of_another_encoder_are_refused():
  other = pretrained.Encoder("vgg19", {}, "0" * 64)
  with pytest.raises(ValueError, match="trained with the encoder"):
    pretrained.load_decoder(encoder=other)
