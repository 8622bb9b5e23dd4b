"""Convolutions against XLA's plain one, values and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import convolution


def _plain(images, kernel):
  padded = np.pad if isinstance(images, np.ndarray) else jnp.pad
  padded = padded(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
  return jax.lax.conv_general_dilated(
    padded, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
  )


def _plain_upsampled(images, kernel):
  return _plain(images.repeat(2, axis=1).repeat(2, axis=2), kernel)


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
  keys = jax.random.split(jax.random.key(inputs), 3)
  images = jax.random.normal(keys[0], (2, 5, 8, inputs))
  kernel = jax.random.normal(keys[1], (3, 3, inputs, outputs))
  expected = oracle(images, kernel)
  weights = jax.random.normal(keys[2], expected.shape)
  found = jax.jit(lambda *x: function(*x))(images, kernel)
  np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)

  def gradients(f):
    return jax.grad(lambda x, k: (weights * f(x, k)).sum(), (0, 1))(
      images, kernel
    )

  for ours, theirs in zip(gradients(function), gradients(oracle)):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)


def test_single_pixel_is_repeated():
  images = jnp.full((1, 1, 1, 2), 3.0)
  kernel = jnp.ones((3, 3, 2, 1))
  np.testing.assert_allclose(
    convolution.convolve(images, kernel), np.full((1, 1, 1, 1), 54.0)
  )


def test_upsampling_repeats_pixels_in_order():
  images = jnp.arange(6.0).reshape(1, 2, 3, 1)
  kernel = jnp.zeros((3, 3, 1, 1)).at[1, 1].set(1.0)
  found = convolution.upsample_and_convolve(images, kernel)[0, ..., 0]
  expected = np.arange(6.0).reshape(2, 3).repeat(2, 0).repeat(2, 1)
  np.testing.assert_array_equal(found, expected)
