"""Compositing against loops, closed forms and extreme densities."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.rendering import compositing

_alpha_weights = jax.jit(compositing.alpha_weights)
_composite = jax.jit(compositing.composite)
_deltas_from_edges = jax.jit(compositing.deltas_from_edges)
_deltas_from_points = jax.jit(
  compositing.deltas_from_points, static_argnames="last"
)
_expected_t = jax.jit(compositing.expected_t)
_opacity = jax.jit(compositing.opacity)


def loop_weights(densities, deltas):
  """Marches one ray in float64."""
  weights, transmittance = [], 1.0
  for density, delta in zip(densities, deltas):
    alpha = 1 - np.exp(-float(density) * float(delta))
    weights.append(transmittance * alpha)
    transmittance *= 1 - alpha
  return np.array(weights)


def ray_batch(shape=(4, 9), seed=0):
  rng = np.random.default_rng(seed)
  densities = rng.exponential(2.0, shape) * (rng.uniform(size=shape) > 0.3)
  deltas = rng.uniform(0.01, 0.5, shape)
  return densities.astype(np.float32), deltas.astype(np.float32)


def test_weights_equal_a_march_along_the_ray():
  densities, deltas = ray_batch()
  weights = _alpha_weights(densities, deltas)
  expected = [loop_weights(d, e) for d, e in zip(densities, deltas)]
  np.testing.assert_allclose(weights, expected, rtol=1e-5, atol=1e-7)


def test_opacity_of_a_homogeneous_medium_is_that_of_beer_and_lambert():
  """Cutting a medium into more samples does not change its opacity."""
  for count in (1, 7, 64):
    weights = _alpha_weights(
      np.full(count, 0.8, np.float32), np.full(count, 3.0 / count, np.float32)
    )
    np.testing.assert_allclose(
      _opacity(weights), 1 - np.exp(-0.8 * 3.0), rtol=1e-5
    )


def test_thin_samples_keep_their_precision():
  weights = _alpha_weights(
    np.full(4, 1e-6, np.float32), np.full(4, 1e-4, np.float32)
  )
  np.testing.assert_allclose(weights, np.full(4, 1e-10), rtol=1e-5)


@jax.jit
@functools.partial(jax.grad, argnums=(0, 1), has_aux=True)
def _gradients(densities, deltas):
  weights = compositing.alpha_weights(densities, deltas)
  colour = compositing.composite(weights, np.eye(6, 3))
  depth = compositing.expected_t(weights, np.arange(6.0))
  return jnp.sum(colour) + depth, weights


@pytest.mark.parametrize("density", [0.0, 1.0, 1e6, 1e20])
@pytest.mark.parametrize("last", [0.5, 1e10])
def test_weights_and_gradients_are_finite_and_bounded(density, last):
  densities = np.full(6, density, np.float32)
  deltas = np.float32([0.5] * 5 + [last])
  gradients, weights = jax.tree.map(np.asarray, _gradients(densities, deltas))
  assert np.all(np.isfinite(gradients[0]))
  assert np.all(np.isfinite(gradients[1]))
  assert np.all((weights >= 0) & (weights <= 1))
  assert np.sum(weights) <= 1 + 1e-6


def test_an_endless_last_interval_is_opaque_unless_it_is_empty():
  deltas = np.float32([1.0, 1e10])
  solid = _alpha_weights(np.float32([0.0, 1e-3]), deltas)
  np.testing.assert_array_equal(solid, [0.0, 1.0])
  empty = _alpha_weights(np.zeros(2, np.float32), deltas)
  np.testing.assert_array_equal(empty, [0.0, 0.0])


def test_gradient_equals_finite_differences():
  with jax.enable_x64(True):
    densities, deltas = (x.astype(np.float64) for x in ray_batch((7,)))
    values = np.random.default_rng(2).normal(size=(7, 3))

    def pixel(densities):
      weights = compositing.alpha_weights(densities, deltas)
      return jnp.sum(compositing.composite(weights, values) ** 2)

    gradient = jax.jit(jax.grad(pixel))(densities)
    steps = 1e-6 * np.eye(7)
    ends = np.stack([densities + steps, densities - steps])
    ahead, behind = np.asarray(jax.jit(jax.vmap(jax.vmap(pixel)))(ends))
    slopes = (ahead - behind) / 2e-6
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-8)


def test_composite_and_expected_t_equal_loops():
  densities, deltas = ray_batch()
  weights = np.asarray(_alpha_weights(densities, deltas))
  values = np.random.default_rng(1).uniform(size=(4, 9, 3)).astype(np.float32)
  t = np.cumsum(deltas, -1)
  colours = _composite(weights, values)
  depths = _expected_t(weights, t)
  for r in range(4):
    colour, depth, total = np.zeros(3), 0.0, 0.0
    for k in range(9):
      colour += float(weights[r, k]) * values[r, k]
      depth += float(weights[r, k] * t[r, k])
      total += float(weights[r, k])
    np.testing.assert_allclose(colours[r], colour, rtol=1e-5)
    np.testing.assert_allclose(depths[r], depth / total, rtol=1e-5)


def test_expected_t_of_an_empty_ray_is_zero():
  assert float(_expected_t(np.zeros(5), np.arange(5.0))) == 0


def test_deltas_are_in_units_of_length_not_of_t():
  t = np.array([[0.0, 0.25, 1.0], [2.0, 3.0, 3.5]])
  norms = np.array([2.0, 0.5])
  np.testing.assert_allclose(
    _deltas_from_points(t, norms, last=10.0),
    [[0.5, 1.5, 20.0], [0.5, 0.25, 5.0]],
  )
  np.testing.assert_allclose(
    _deltas_from_edges(t, norms), [[0.5, 1.5], [0.5, 0.25]]
  )
  endless = np.asarray(_deltas_from_points(t, norms))
  np.testing.assert_allclose(endless[:, -1], [2e10, 5e9])


def test_leading_shapes_and_jit_agree():
  densities, deltas = ray_batch((2, 3, 5))
  norms = np.random.default_rng(0).uniform(1, 2, (2, 3)).astype(np.float32)

  def pixel(densities, t, norms):
    deltas = compositing.deltas_from_points(t, norms)
    weights = compositing.alpha_weights(densities, deltas)
    values = jnp.stack([densities, t], axis=-1)
    return jnp.concatenate(
      [
        compositing.composite(weights, values),
        compositing.expected_t(weights, t)[..., None],
        compositing.opacity(weights)[..., None],
      ],
      axis=-1,
    )

  t = np.cumsum(deltas, axis=-1)
  jitted = jax.jit(pixel)
  whole = np.asarray(jitted(densities, t, norms))
  assert whole.shape == (2, 3, 4)
  flat = jitted(densities.reshape(6, 5), t.reshape(6, 5), norms.reshape(6))
  np.testing.assert_allclose(whole.reshape(6, 4), flat, rtol=1e-6)
  single = jitted(densities[1, 0], t[1, 0], norms[1, 0])
  np.testing.assert_allclose(whole[1, 0], single, rtol=1e-6)
  eager = pixel(densities, t, norms)
  assert eager.shape == whole.shape
  np.testing.assert_allclose(eager, whole, rtol=1e-5)
