"""Convolutions against XLA's plain one, values and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import convolution


def _plain(images, kernel):
  padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
  return jax.lax.conv_general_dilated(
    padded, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
  )


def _plain_upsampled(images, kernel):
  return _plain(images.repeat(2, axis=1).repeat(2, axis=2), kernel)


def _with_gradients(function, images, kernel, weights):
  """Values, and gradients of their sum by weight."""
  found, back = jax.vjp(function, images, kernel)
  return found, *back(weights)


_expected = jax.jit(_with_gradients, static_argnums=0)


@pytest.mark.parametrize(
  "backend, block", [("cpu", 1 << 17), ("cpu", 400), ("gpu", 0)]
)
@pytest.mark.parametrize("inputs, outputs", [(3, 12), (12, 3), (12, 10)])
@pytest.mark.parametrize(
  "function, oracle",
  [
    (convolution.convolve, _plain),
    (convolution.upsample_and_convolve, _plain_upsampled),
  ],
)
def test_values_and_gradients_equal_plain(
  function, oracle, inputs, outputs, backend, block, monkeypatch
):
  """Whichever way is taken on a backend; here all run on the CPU.

  Of 5 or 6 rows of 8 columns of two images, 400 floats are 2 with 12 channels.
  """
  monkeypatch.setattr(jax, "default_backend", lambda: backend)
  monkeypatch.setattr(convolution, "_BLOCK", block)
  random = np.random.default_rng(inputs)
  images = random.normal(size=(2, 5, 8, inputs)).astype(np.float32)
  kernel = random.normal(size=(3, 3, inputs, outputs)).astype(np.float32)
  size = (2, 10, 16) if oracle is _plain_upsampled else (2, 5, 8)
  weights = random.normal(size=(*size, outputs)).astype(np.float32)
  expected = _expected(oracle, images, kernel, weights)
  # What is compiled for one backend is not to be that for another.
  found = jax.jit(lambda *x: _with_gradients(function, *x))(
    images, kernel, weights
  )
  np.testing.assert_allclose(found[0], expected[0], rtol=1e-4, atol=1e-4)
  for ours, theirs in zip(found[1:], expected[1:]):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_single_pixel_is_repeated():
  images = np.full((1, 1, 1, 2), 3.0, np.float32)
  kernel = np.ones((3, 3, 2, 1), np.float32)
  np.testing.assert_allclose(
    convolution.convolve(images, kernel), np.full((1, 1, 1, 1), 54.0)
  )


def test_upsampling_repeats_pixels_in_order():
  images = np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1)
  kernel = np.zeros((3, 3, 1, 1), np.float32)
  kernel[1, 1] = 1.0
  found = jax.jit(convolution.upsample_and_convolve)(images, kernel)
  expected = np.arange(6.0).reshape(2, 3).repeat(2, 0).repeat(2, 1)
  np.testing.assert_array_equal(np.asarray(found)[0, ..., 0], expected)
