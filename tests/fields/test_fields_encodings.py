"""Encodings against a loop over coordinates and octaves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.fields import encodings

_encode = jax.jit(encodings.frequency_encoding, static_argnums=1)


def loop_encoding(point, num_octaves):
  values = [float(v) for v in point]
  for octave in range(num_octaves):
    for wave in (np.sin, np.cos):
      values += [float(wave(2.0**octave * float(v))) for v in point]
  return values


@pytest.mark.parametrize(("octaves", "size"), [(10, 63), (4, 27), (0, 3)])
def test_encoding_equals_a_loop(octaves, size):
  points = np.random.default_rng(0).uniform(-2, 2, (3, 4, 3))
  encoded = np.asarray(_encode(points.astype(np.float32), octaves))
  assert (
    encoded.shape == (3, 4, size) == (3, 4, encodings.frequency_size(octaves))
  )
  for index in np.ndindex(3, 4):
    expected = loop_encoding(points[index].astype(np.float32), octaves)
    np.testing.assert_allclose(encoded[index], expected, atol=1e-4)


def test_frequencies_carry_no_pi():
  encoded = np.asarray(_encode(np.float32([1.0, 0.0, 0.0]), 2))
  assert float(encoded[3]) == pytest.approx(np.sin(1.0), abs=1e-6)
  assert float(encoded[9]) == pytest.approx(np.sin(2.0), abs=1e-6)


def test_shapes_agree_and_gradients_are_finite():
  points = np.float32(np.random.default_rng(0).uniform(-1, 1, (2, 5, 3)))
  whole = np.asarray(_encode(points, 4))
  np.testing.assert_allclose(whole[1, 2], _encode(points[1, 2], 4), atol=1e-6)
  gradient = jax.jit(
    jax.grad(lambda x: jnp.sum(encodings.frequency_encoding(x, 10)))
  )
  for value in (0.0, 1.0, 1e6):
    assert np.all(np.isfinite(gradient(np.full(3, value, np.float32))))
