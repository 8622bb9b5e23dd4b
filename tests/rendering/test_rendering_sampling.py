"""Sampling against plain numpy loops and the properties it promises."""

import hypothesis
import hypothesis.extra.numpy as hypothesis_numpy
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies

from stylized_nerf_jax.rendering import sampling
from stylized_nerf_jax.rendering import spacing as spacing_lib

KEY = jax.random.PRNGKey(3)
NEAR = np.array([[0.0], [2.0], [0.5]], np.float32)
FAR = np.array([[1.0], [6.0], [50.0]], np.float32)

# Compiled once a shape: run eagerly, compiling every operation for every
# shape takes most of the time of this file.
stratified = jax.jit(
  sampling.stratified, static_argnames=("num_samples", "spacing")
)
interval_edges = jax.jit(
  sampling.interval_edges, static_argnames=("num_intervals", "spacing")
)
inverse_cdf = jax.jit(sampling.inverse_cdf, static_argnames="num_samples")
resample_edges = jax.jit(
  sampling.resample_edges, static_argnames="num_intervals"
)
refine = jax.jit(sampling.refine, static_argnames="num_fine")
fraction = jax.jit(spacing_lib.fraction, static_argnames="spacing")


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
  t = stratified(None, NEAR, FAR, 4)
  expected = [
    [float(n + (i + 0.5) / 4 * (f - n)) for i in range(4)]
    for n, f in zip(NEAR[:, 0], FAR[:, 0])
  ]
  np.testing.assert_allclose(t, expected, rtol=1e-6)


@pytest.mark.parametrize("spacing", ["linear", "contracted"])
def test_stratified_draws_one_sample_in_every_bin(spacing):
  near, far = NEAR[1:], FAR[1:]
  t = stratified(KEY, near, far, 16, spacing=spacing)
  u = fraction(t, near, far, spacing)
  np.testing.assert_array_equal(
    np.floor(np.asarray(u) * 16), np.tile(np.arange(16), (2, 1))
  )
  # Every ray and bin has its own jitter.
  assert np.unique(np.round(np.asarray(u) * 16 % 1, 4)).size == 32


def test_sampling_jitters_with_a_key_and_only_with_one():
  """Rendered frames flicker when jitter stays on (section 9, defect 5)."""
  edges, weights = histogram()
  for draw in (
    lambda key: stratified(key, NEAR, FAR, 8),
    lambda key: interval_edges(key, NEAR, FAR, 8),
    lambda key: inverse_cdf(key, edges, weights, 8, padding=1e-5),
    lambda key: resample_edges(key, edges, weights, 8, padding=1e-5),
    lambda key: refine(key, edges[..., :-1], weights, 8),
  ):
    still, again = np.asarray(draw(None)), np.asarray(draw(None))
    drawn, redrawn = np.asarray(draw(KEY)), np.asarray(draw(KEY))
    other = np.asarray(draw(jax.random.PRNGKey(4)))
    np.testing.assert_array_equal(still, again)
    np.testing.assert_array_equal(drawn, redrawn)
    assert np.any(drawn != other)
    assert np.any(drawn != still)


@pytest.mark.parametrize(
  ("key", "spacing", "count"),
  [
    (None, "contracted", 256),
    (KEY, "contracted", 256),
    (KEY, "linear", 256),
    (KEY, "linear", 1),
  ],
)
def test_interval_edges_increase_strictly_from_near_to_far(key, spacing, count):
  near, far = NEAR[1:], FAR[1:]
  edges = interval_edges(key, near, far, count, spacing=spacing)
  assert edges.shape == (2, count + 1)
  assert np.all(np.diff(edges, axis=-1) > 0)
  np.testing.assert_array_equal(edges[:, :1], near)
  np.testing.assert_array_equal(edges[:, -1:], far)


def test_interval_edges_without_a_key_are_equal_steps():
  edges = interval_edges(None, NEAR, FAR, 5)
  expected = np.linspace(NEAR[:, 0], FAR[:, 0], 6, axis=-1)
  np.testing.assert_allclose(edges, expected, rtol=1e-6)


@pytest.mark.parametrize("padding", [0.0, 1e-5, 0.5])
def test_inverse_cdf_equals_a_loop(padding):
  edges, weights = histogram()
  weights[:, 2] = 0.0
  t = inverse_cdf(None, edges, weights, 8, padding=padding)
  u = (np.arange(8) + 0.5) / 8
  for ray in range(len(edges)):
    expected = loop_inverse_cdf(u, edges[ray], weights[ray], padding)
    np.testing.assert_allclose(t[ray], expected, rtol=1e-4)


@pytest.mark.parametrize("padding", [0.0, 1e-5])
def test_inverse_cdf_without_any_weight_visits_all_intervals_equally(padding):
  edges = np.tile(np.linspace(2, 6, 8, dtype=np.float32), (5, 1))
  weights = np.zeros((5, 7), np.float32)
  t = inverse_cdf(None, edges, weights, 8, padding=padding)
  expected = 2 + 4 * (np.arange(8) + 0.5) / 8
  np.testing.assert_allclose(t, np.tile(expected, (5, 1)), rtol=1e-5)


def test_histogram_of_many_samples_follows_the_weights():
  edges, weights = histogram(rays=1)
  t = inverse_cdf(KEY, edges[0], weights[0], 2000, padding=0.0)
  counts, _ = np.histogram(np.asarray(t), edges[0])
  np.testing.assert_allclose(
    counts / 2000, weights[0] / weights[0].sum(), atol=2e-3
  )


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(
  weights=hypothesis_numpy.arrays(
    np.float32,
    (5, 7),
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
  edges = histogram()[0]
  edges[1, 3] = edges[1, 2]  # An interval without extent.
  key = None if seed is None else jax.random.PRNGKey(seed)
  for t in (
    inverse_cdf(key, edges, weights, 8, padding=padding),
    resample_edges(key, edges, weights, 8, padding=padding),
  ):
    t = np.asarray(t)
    assert np.all(np.isfinite(t))
    assert np.all(np.diff(t, axis=-1) >= 0)
    assert np.all((t >= edges[:, :1]) & (t <= edges[:, -1:]))


def test_resampled_edges_equal_a_loop():
  edges, weights = histogram()
  new = resample_edges(None, edges, weights, 8, padding=1e-5)
  u = (np.arange(8) + 0.5) / 8
  for ray in range(len(edges)):
    t = loop_inverse_cdf(u, edges[ray], weights[ray], 1e-5)
    inner = [(a + b) / 2 for a, b in zip(t[:-1], t[1:])]
    first = max(t[0] - (inner[0] - t[0]), edges[ray][0])
    last = min(t[-1] + (t[-1] - inner[-1]), edges[ray][-1])
    np.testing.assert_allclose(new[ray], [first, *inner, last], rtol=1e-4)


def test_resampled_edges_close_in_on_the_only_mass():
  edges = histogram()[0]
  weights = np.eye(7, dtype=np.float32)[[0, 1, 3, 5, 6]]
  new = np.asarray(resample_edges(None, edges, weights, 8, padding=0.0))
  low = np.sum(weights * edges[:, :-1], -1, keepdims=True)
  high = np.sum(weights * edges[:, 1:], -1, keepdims=True)
  assert np.all(new >= low - 1e-5)
  assert np.all(new <= high + 1e-5)


def test_refine_uses_midpoints_and_drops_the_extreme_weights():
  t = histogram()[0]
  weights = np.random.default_rng(1).uniform(size=t.shape).astype(np.float32)
  refined = refine(None, t, weights, 5)
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


def draw_everything(near, far, edges, weights):
  return {
    "stratified": sampling.stratified(None, near, far, 5),
    "interval_edges": sampling.interval_edges(None, near, far, 5),
    "inverse_cdf": sampling.inverse_cdf(None, edges, weights, 5),
    "resample_edges": sampling.resample_edges(None, edges, weights, 5),
    "refine": sampling.refine(None, edges[..., :-1], weights, 5),
  }


def test_leading_shapes_jit_and_vmap_agree():
  rays = [np.asarray(x).reshape(2, 3, -1) for x in histogram(6)]
  inputs = (rays[0][..., :1], rays[0][..., -1:], *rays)
  compiled = jax.jit(draw_everything)
  eager = draw_everything(*map(jnp.asarray, inputs))
  whole = compiled(*inputs)
  flat = compiled(*(x.reshape(6, -1) for x in inputs))
  single = compiled(*(x[1, 2] for x in inputs))
  mapped = jax.jit(jax.vmap(jax.vmap(draw_everything)))(*inputs)
  for name, t in whole.items():
    t = np.asarray(t)
    np.testing.assert_allclose(t, eager[name], rtol=1e-6)
    np.testing.assert_allclose(t, mapped[name], rtol=1e-6)
    np.testing.assert_allclose(t.reshape(6, -1), flat[name], rtol=1e-6)
    np.testing.assert_allclose(t[1, 2], single[name], rtol=1e-6)


def test_histograms_broadcast_over_rays():
  edges, weights = histogram()
  shared = resample_edges(None, edges[0], weights, 8, padding=1e-5)
  repeated = resample_edges(
    None, np.broadcast_to(edges[0], edges.shape), weights, 8, padding=1e-5
  )
  np.testing.assert_array_equal(shared, repeated)


def test_no_gradient_flows_through_positions():
  edges, weights = histogram()

  def total(edges, weights):
    drawn = (
      sampling.inverse_cdf(None, edges, weights, 6),
      sampling.resample_edges(None, edges, weights, 6),
      sampling.refine(None, edges[..., :-1], weights, 6),
    )
    return sum(map(jnp.sum, drawn))

  gradients = jax.jit(jax.grad(total, argnums=(0, 1)))(edges, weights)
  for gradient in map(np.asarray, gradients):
    np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


@pytest.mark.parametrize(
  ("call", "said"),
  [
    (lambda: stratified(None, NEAR, FAR, 0), "num_samples is 0"),
    (lambda: interval_edges(None, NEAR, FAR, 0), "num_intervals"),
    (
      lambda: stratified(None, NEAR, FAR, 3, spacing="log"),
      "spacing is 'log'",
    ),
    (
      lambda: stratified(None, jnp.zeros(3), jnp.ones(3), 3),
      "one value a ray",
    ),
    (
      lambda: inverse_cdf(None, jnp.ones(4), jnp.ones(4), 3),
      "N \\+ 1 edges",
    ),
    (
      lambda: refine(None, jnp.ones(2), jnp.ones(2), 3),
      "at least 3",
    ),
  ],
)
def test_wrong_input_is_named(call, said):
  with pytest.raises(ValueError, match=said):
    call()
