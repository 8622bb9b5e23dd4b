"""Losses of the radiance field against loops in float64."""

import functools

import jax
import numpy as np
import pytest

from stylized_nerf_jax.losses import photometric

_distortion_loss = jax.jit(photometric.distortion_loss)
_interlevel_loss = jax.jit(photometric.interlevel_loss)
_mse = jax.jit(photometric.mse)
_mse_to_psnr = jax.jit(photometric.mse_to_psnr)


def histograms(rays=4, intervals=6, seed=0):
  rng = np.random.default_rng(seed)
  inner = np.sort(rng.uniform(size=(rays, intervals - 1)), -1)
  edges = np.concatenate([np.zeros((rays, 1)), inner, np.ones((rays, 1))], -1)
  weights = rng.dirichlet(np.ones(intervals), rays)
  return edges.astype(np.float32), weights.astype(np.float32)


def loop_interlevel(edges, weights, proposal_edges, proposal_weights):
  total = 0.0
  for r in range(len(edges)):
    for i, weight in enumerate(np.float64(weights[r])):
      bound = 0.0
      for j, proposal in enumerate(np.float64(proposal_weights[r])):
        low = max(edges[r][i], proposal_edges[r][j])
        high = min(edges[r][i + 1], proposal_edges[r][j + 1])
        bound += proposal if high > low else 0.0
      total += max(weight - bound, 0.0) ** 2 / (weight + 1e-7)
  return total / len(edges)


def loop_distortion(edges, weights):
  total = 0.0
  for r in range(len(edges)):
    edge, weight = np.float64(edges[r]), np.float64(weights[r])
    for i in range(len(weight)):
      for j in range(len(weight)):
        middles = (edge[i] + edge[i + 1] - edge[j] - edge[j + 1]) / 2
        total += weight[i] * weight[j] * abs(middles)
      total += weight[i] ** 2 * (edge[i + 1] - edge[i]) / 3
  return total / len(edges)


def test_interlevel_loss_equals_a_loop():
  final, proposal = histograms(), histograms(intervals=9, seed=1)
  ours = _interlevel_loss(*final, *proposal)
  expected = loop_interlevel(*final, *proposal)
  assert expected > 1e-3
  np.testing.assert_allclose(ours, expected, rtol=1e-4)


def test_interlevel_loss_is_zero_for_a_proposal_that_bounds():
  """Merging intervals gives a histogram consistent with the finer one."""
  edges, weights = histograms(intervals=6)
  loss = _interlevel_loss(
    edges, weights, edges[:, ::2], weights[:, ::2] + weights[:, 1::2]
  )
  assert float(loss) < 1e-8
  too_little = _interlevel_loss(
    edges, weights, edges[:, ::2], 0.5 * (weights[:, ::2] + weights[:, 1::2])
  )
  assert float(too_little) > 1e-3


def test_only_the_proposal_weights_learn_from_the_interlevel_loss():
  final, proposal = histograms(), histograms(intervals=9, seed=1)
  gradients = jax.jit(
    jax.grad(photometric.interlevel_loss, argnums=(0, 1, 2, 3))
  )(*final, *proposal)
  for gradient in gradients[:3]:
    np.testing.assert_array_equal(gradient, np.zeros_like(gradient))
  assert np.any(np.asarray(gradients[3]) < 0)
  assert np.all(np.asarray(gradients[3]) <= 0)


def test_distortion_loss_equals_a_double_loop():
  edges, weights = histograms(intervals=40)
  ours = _distortion_loss(edges, weights)
  np.testing.assert_allclose(ours, loop_distortion(edges, weights), rtol=1e-4)


def test_distortion_is_least_where_weight_is_in_one_narrow_interval():
  edges = np.linspace(0.0, 1.0, 11)
  one, two = np.zeros((2, 10))
  one[4], two[[1, 8]] = 1.0, 0.5
  np.testing.assert_allclose(_distortion_loss(edges, one), 0.1 / 3, rtol=1e-5)
  np.testing.assert_allclose(
    _distortion_loss(edges, two), 0.35 + 0.05 / 3, rtol=1e-5
  )


def test_haze_is_what_weighs_in_the_first_part_of_a_ray():
  edges, weights = histograms(intervals=40)
  fractions = (edges[:, 1:] + edges[:, :-1]) / 2
  found, slopes = jax.jit(jax.value_and_grad(photometric.haze_loss, (0, 1)))(
    fractions, weights
  )
  expected = np.zeros_like(weights)
  for ray, places in enumerate(fractions):
    for i, place in enumerate(places):
      expected[ray, i] = max(0.0, 1.0 - place / 0.25)
  total = (expected * weights).sum() / len(weights)
  assert total > 0
  np.testing.assert_allclose(found, total, rtol=1e-5)
  np.testing.assert_allclose(slopes[1], expected / len(weights), rtol=1e-5)
  assert not np.any(slopes[0])


@jax.jit
@functools.partial(jax.grad, argnums=(0, 1, 3))
def _gradients(edges, weights, *proposal):
  return photometric.distortion_loss(
    edges, weights
  ) + photometric.interlevel_loss(edges, weights, *proposal)


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e6])
def test_gradients_are_finite(scale):
  edges, weights = histograms()
  proposal = histograms(seed=1)
  gradients = _gradients(edges, np.float32(scale) * weights, *proposal)
  for gradient in gradients:
    assert np.all(np.isfinite(gradient))


def test_shapes_agree():
  """A loss is the mean over rays, however they are arranged."""
  final, proposal = histograms(6), histograms(6, intervals=9, seed=1)
  for loss, arrays in (
    (_interlevel_loss, (*final, *proposal)),
    (_distortion_loss, final),
  ):
    flat = float(loss(*arrays))
    stacked = float(loss(*(a.reshape(2, 3, -1) for a in arrays)))
    single = [float(loss(*(a[i] for a in arrays))) for i in range(6)]
    assert stacked == pytest.approx(flat, rel=1e-5)
    assert np.mean(single) == pytest.approx(flat, rel=1e-5)


def test_squared_error_and_decibels():
  rendered, target = np.array([[0.5, 0.0, 1.0], [0.4, 0.0, 1.0]])
  error = _mse(rendered, target)
  np.testing.assert_allclose(error, 0.01 / 3, rtol=1e-5)
  np.testing.assert_allclose(_mse_to_psnr(0.01), 20, rtol=1e-6)
  np.testing.assert_allclose(_mse_to_psnr(0.0), 100, rtol=1e-6)


def test_grid_decay_weighs_levels_alike():
  coarse = np.float32([[1.0, -1.0], [3.0, 1.0]])
  fine = np.full((1000, 2), 2.0, np.float32)
  decay = jax.jit(photometric.grid_decay)([coarse, fine])
  np.testing.assert_allclose(decay, 12.0 / 4 + 4.0)
