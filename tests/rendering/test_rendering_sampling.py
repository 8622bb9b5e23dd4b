"""Sampling against plain numpy loops and the properties it promises."""

import functools

import hypothesis
import hypothesis.extra.numpy as hypothesis_numpy
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies

from stylized_nerf_jax.rendering import sampling

KEY = jax.random.PRNGKey(3)
NEAR = jnp.array([[0.0], [2.0], [0.5]])
FAR = jnp.array([[1.0], [6.0], [50.0]])


def loop_inverse_cdf(u, edges, weights, padding):
  """Walks the cumulative mass of one ray in float64."""
  mass = [float(weight) + padding for weight in weights]
  if sum(mass) == 0:
    mass = [1.0] * len(mass)
  positions = []
  for target in np.asarray(u, np.float64) * sum(mass):
    passed = 0.0
    for i, here in enumerate(mass):
      if target <= passed + here or i == len(mass) - 1:
        fraction = (target - passed) / here if here else 0.0
        fraction = min(max(fraction, 0.0), 1.0)
        width = float(edges[i + 1]) - float(edges[i])
        positions.append(float(edges[i]) + fraction * width)
        break
      passed += here
  return np.array(positions)


def histogram(rays=5, intervals=7, seed=0):
  rng = np.random.default_rng(seed)
  steps = rng.uniform(0.1, 1.0, (rays, intervals + 1))
  weights = rng.uniform(0.0, 1.0, (rays, intervals)) ** 3
  return np.cumsum(steps, -1).astype(np.float32), weights.astype(np.float32)


def test_stratified_without_a_key_is_the_middle_of_each_bin():
  t = sampling.stratified(None, NEAR, FAR, 4)
  expected = [
    [float(n + (i + 0.5) / 4 * (f - n)) for i in range(4)]
    for n, f in zip(NEAR[:, 0], FAR[:, 0])
  ]
  np.testing.assert_allclose(t, expected, rtol=1e-6)


def test_disparity_is_uniform_in_the_inverse_of_t():
  near, far = NEAR[1:], FAR[1:]
  t = sampling.stratified(None, near, far, 8, spacing="disparity")
  steps = np.diff(1 / np.asarray(t, np.float64), axis=-1)
  np.testing.assert_allclose(
    steps, np.asarray(1 / far - 1 / near) / 8 * np.ones((2, 7)), rtol=1e-4
  )


@pytest.mark.parametrize("spacing", ["linear", "disparity"])
def test_stratified_draws_one_sample_in_every_bin(spacing):
  near, far = NEAR[1:], FAR[1:]
  t = sampling.stratified(KEY, near, far, 16, spacing=spacing)
  u = (t - near) / (far - near)
  if spacing == "disparity":
    u = (1 / t - 1 / near) / (1 / far - 1 / near)
  np.testing.assert_array_equal(
    np.floor(np.asarray(u) * 16), np.tile(np.arange(16), (2, 1))
  )
  # Every ray and bin has its own jitter.
  assert np.unique(np.round(np.asarray(u) * 16 % 1, 4)).size == 32


def test_sampling_jitters_with_a_key_and_only_with_one():
  """Rendered frames flicker when jitter stays on (section 9, defect 5)."""
  edges, weights = map(jnp.asarray, histogram())
  for draw in (
    lambda key: sampling.stratified(key, NEAR, FAR, 8),
    lambda key: sampling.interval_edges(key, NEAR, FAR, 8),
    lambda key: sampling.inverse_cdf(key, edges, weights, 8),
    lambda key: sampling.resample_edges(key, edges, weights, 8),
    lambda key: sampling.refine(key, edges, jnp.ones_like(edges), 8),
  ):
    np.testing.assert_array_equal(draw(None), draw(None))
    np.testing.assert_array_equal(draw(KEY), draw(KEY))
    assert np.any(draw(KEY) != draw(jax.random.PRNGKey(4)))
    assert np.any(draw(KEY) != draw(None))


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("spacing", ["linear", "disparity"])
@pytest.mark.parametrize("count", [1, 2, 256])
def test_interval_edges_increase_strictly_from_near_to_far(key, spacing, count):
  near, far = NEAR[1:], FAR[1:]
  edges = sampling.interval_edges(key, near, far, count, spacing=spacing)
  assert edges.shape == (2, count + 1)
  assert np.all(np.diff(edges, axis=-1) > 0)
  np.testing.assert_array_equal(edges[:, :1], near)
  np.testing.assert_array_equal(edges[:, -1:], far)


def test_interval_edges_without_a_key_are_equal_steps():
  edges = sampling.interval_edges(None, NEAR, FAR, 5)
  expected = np.linspace(NEAR[:, 0], FAR[:, 0], 6, axis=-1)
  np.testing.assert_allclose(edges, expected, rtol=1e-6)


@pytest.mark.parametrize("padding", [0.0, 1e-5, 0.5])
def test_inverse_cdf_equals_a_loop(padding):
  edges, weights = histogram()
  weights[:, 2] = 0.0
  t = sampling.inverse_cdf(
    None, jnp.asarray(edges), jnp.asarray(weights), 9, padding=padding
  )
  u = (np.arange(9) + 0.5) / 9
  for ray in range(len(edges)):
    expected = loop_inverse_cdf(u, edges[ray], weights[ray], padding)
    np.testing.assert_allclose(t[ray], expected, rtol=1e-4)


@pytest.mark.parametrize("padding", [0.0, 1e-5])
def test_inverse_cdf_without_any_weight_visits_all_intervals_equally(padding):
  edges = jnp.linspace(2.0, 6.0, 9)
  t = sampling.inverse_cdf(None, edges, jnp.zeros(8), 16, padding=padding)
  expected = 2 + 4 * (np.arange(16) + 0.5) / 16
  np.testing.assert_allclose(t, expected, rtol=1e-5)


def test_histogram_of_many_samples_follows_the_weights():
  edges, weights = histogram(rays=1)
  t = sampling.inverse_cdf(
    KEY, jnp.asarray(edges[0]), jnp.asarray(weights[0]), 2000, padding=0.0
  )
  counts, _ = np.histogram(np.asarray(t), edges[0])
  np.testing.assert_allclose(
    counts / 2000, weights[0] / weights[0].sum(), atol=2e-3
  )


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(
  weights=hypothesis_numpy.arrays(
    np.float32,
    (3, 6),
    elements=strategies.one_of(
      strategies.just(0.0),
      strategies.floats(0.0, 1.0, width=32, allow_subnormal=False),
      strategies.sampled_from([1e-20, 1e10]),
    ),
  ),
  seed=strategies.one_of(strategies.none(), strategies.integers(0, 99)),
  padding=strategies.sampled_from([0.0, 1e-5]),
)
def test_samples_are_sorted_finite_and_inside(weights, seed, padding):
  edges = jnp.asarray(histogram(3, 6)[0]).at[1, 3].set(histogram(3, 6)[0][1, 2])
  key = None if seed is None else jax.random.PRNGKey(seed)
  weights = jnp.asarray(weights)
  for t in (
    sampling.inverse_cdf(key, edges, weights, 8, padding=padding),
    sampling.resample_edges(key, edges, weights, 8, padding=padding),
  ):
    assert np.all(np.isfinite(t))
    assert np.all(np.diff(t, axis=-1) >= 0)
    assert np.all((t >= edges[:, :1]) & (t <= edges[:, -1:]))


def test_resampled_edges_equal_a_loop():
  edges, weights = histogram()
  new = sampling.resample_edges(
    None, jnp.asarray(edges), jnp.asarray(weights), 6
  )
  u = (np.arange(6) + 0.5) / 6
  for ray in range(len(edges)):
    t = loop_inverse_cdf(u, edges[ray], weights[ray], 1e-5)
    inner = [(a + b) / 2 for a, b in zip(t[:-1], t[1:])]
    first = max(t[0] - (inner[0] - t[0]), edges[ray][0])
    last = min(t[-1] + (t[-1] - inner[-1]), edges[ray][-1])
    np.testing.assert_allclose(new[ray], [first, *inner, last], rtol=1e-4)


def test_resampled_edges_close_in_on_the_only_mass():
  edges = jnp.linspace(0.0, 1.0, 65)
  weights = jnp.zeros(64).at[20].set(1.0)
  new = sampling.resample_edges(None, edges, weights, 16)
  assert float(new[1]) > 20 / 64 - 1e-6
  assert float(new[-2]) < 21 / 64 + 1e-6


def test_refine_uses_midpoints_and_drops_the_extreme_weights():
  t = jnp.asarray(histogram()[0])
  weights = jnp.asarray(np.random.default_rng(1).uniform(size=t.shape))
  refined = sampling.refine(None, t, weights, 5)
  u = (np.arange(5) + 0.5) / 5
  for ray in range(len(t)):
    middle = (np.asarray(t)[ray, 1:] + np.asarray(t)[ray, :-1]) / 2
    fine = loop_inverse_cdf(u, middle, weights[ray, 1:-1], 1e-5)
    expected = np.sort(np.concatenate([t[ray], fine]))
    np.testing.assert_allclose(refined[ray], expected, rtol=1e-4)


def test_union_is_sorted_and_loses_nothing():
  rng = np.random.default_rng(0)
  coarse = np.sort(rng.uniform(size=(4, 6)), -1).astype(np.float32)
  fine = np.sort(rng.uniform(size=(4, 3)), -1).astype(np.float32)
  union = sampling.union_sorted(jnp.asarray(coarse), jnp.asarray(fine))
  expected = [sorted([*a, *b]) for a, b in zip(coarse, fine)]
  np.testing.assert_array_equal(union, np.array(expected))


@pytest.mark.parametrize(
  "draw",
  [
    lambda near, far, e, w: sampling.stratified(None, near, far, 5),
    lambda near, far, e, w: sampling.interval_edges(None, near, far, 5),
    lambda near, far, e, w: sampling.inverse_cdf(None, e, w, 5),
    lambda near, far, e, w: sampling.resample_edges(None, e, w, 5),
    lambda near, far, e, w: sampling.refine(None, e[..., :-1], w, 5),
  ],
)
def test_leading_shapes_jit_and_vmap_agree(draw):
  edges, weights = (jnp.asarray(x).reshape(2, 3, -1) for x in histogram(6))
  near, far = edges[..., :1], edges[..., -1:]
  inputs = (near, far, edges, weights)
  whole = draw(*inputs)
  flat = draw(*(x.reshape(6, -1) for x in inputs))
  single = draw(*(x[1, 2] for x in inputs))
  np.testing.assert_array_equal(whole.reshape(6, -1), flat)
  np.testing.assert_array_equal(whole[1, 2], single)
  np.testing.assert_allclose(jax.jit(draw)(*inputs), whole, rtol=1e-6)
  np.testing.assert_allclose(
    jax.vmap(jax.vmap(draw))(*inputs), whole, rtol=1e-6
  )


def test_histograms_broadcast_over_rays():
  edges, weights = map(jnp.asarray, histogram())
  shared = sampling.resample_edges(KEY, edges[0], weights, 4)
  repeated = sampling.resample_edges(
    KEY, jnp.broadcast_to(edges[0], edges.shape), weights, 4
  )
  np.testing.assert_array_equal(shared, repeated)


def test_no_gradient_flows_through_positions():
  edges, weights = map(jnp.asarray, histogram())
  for draw in (sampling.inverse_cdf, sampling.resample_edges, sampling.refine):
    t = edges[:, :-1] if draw is sampling.refine else edges
    draw = functools.partial(draw, None)
    gradients = jax.grad(
      lambda t, w, draw=draw: jnp.sum(draw(t, w, 6)), argnums=(0, 1)
    )(t, weights)
    for gradient in gradients:
      np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


@pytest.mark.parametrize(
  ("call", "said"),
  [
    (lambda: sampling.stratified(None, NEAR, FAR, 0), "num_samples is 0"),
    (lambda: sampling.interval_edges(None, NEAR, FAR, 0), "num_intervals"),
    (
      lambda: sampling.stratified(None, NEAR, FAR, 3, spacing="log"),
      "spacing is 'log'",
    ),
    (
      lambda: sampling.stratified(None, jnp.zeros(3), jnp.ones(3), 3),
      "one value a ray",
    ),
    (
      lambda: sampling.inverse_cdf(None, jnp.ones(4), jnp.ones(4), 3),
      "N \\+ 1 edges",
    ),
    (
      lambda: sampling.refine(None, jnp.ones(2), jnp.ones(2), 3),
      "at least 3",
    ),
  ],
)
def test_wrong_input_is_named(call, said):
  with pytest.raises(ValueError, match=said):
    call()
