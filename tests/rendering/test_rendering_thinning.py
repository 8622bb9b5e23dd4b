"""Samples left out of rays, against one ray at a time and by what must hold."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.rendering import thinning

_thin = jax.jit(thinning.thin, static_argnames="count")


def _draw(shape=(40,), num=9, seed=0):
  random = np.random.default_rng(seed)
  places = np.sort(random.uniform(size=(*shape, num)), axis=-1)
  weights = random.dirichlet(np.full(num + 1, 0.5), size=shape)[..., :num]
  return places.astype(np.float32), weights.astype(np.float32)


def _thin_one(places, weights, count):
  """One ray: lists of what is left."""
  places, weights = list(places), list(weights)
  index = list(range(len(places)))
  while len(places) > count:
    costs = []
    for i, weight in enumerate(weights):
      beside = [
        abs(places[i] - places[j])
        for j in (i - 1, i + 1)
        if 0 <= j < len(places)
      ]
      costs.append(weight * np.sqrt(min(beside)))
    gone = int(np.argmin(costs))
    weight, place = weights[gone], places[gone]
    if gone == 0:
      weights[1] += weight
    elif gone == len(places) - 1:
      weights[-2] += weight
    else:
      left, right = places[gone - 1], places[gone + 1]
      weights[gone - 1] += weight * (right - place) / (right - left)
      weights[gone + 1] += weight * (place - left) / (right - left)
    for values in (places, weights, index):
      del values[gone]
  return weights, index


@pytest.mark.parametrize("count", [1, 2, 5, 8, 9])
def test_equals_a_loop_over_rays(count):
  places, weights = _draw()
  found, index = map(np.asarray, _thin(places, weights, count))
  assert index.dtype == np.int32
  for ray in range(len(places)):
    wanted, kept = _thin_one(
      places[ray].astype(np.float64), weights[ray].astype(np.float64), count
    )
    np.testing.assert_array_equal(index[ray], kept)
    np.testing.assert_allclose(found[ray], wanted, atol=1e-6)


@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_any_leading_shape_with_and_without_jit(shape):
  places, weights = _draw(shape, seed=1)
  found, index = thinning.thin(places, weights, 4)
  assert found.shape == index.shape == (*shape, 4)
  again = _thin(places, weights, 4)
  np.testing.assert_allclose(again[0], found, atol=1e-6)
  np.testing.assert_array_equal(again[1], index)


@pytest.mark.parametrize("seed", range(5))
def test_sum_and_mean_place_stay_as_long_as_the_ends_do(seed):
  """The outermost samples weigh so much that they are kept."""
  random = np.random.default_rng(seed)
  num = int(random.integers(3, 30))
  places, weights = _draw((50,), num, seed)
  weights[:, [0, -1]] = 50.0
  count = int(random.integers(2, num + 1))
  found, index = map(np.asarray, _thin(places, weights, count))
  kept = np.take_along_axis(places, index, axis=-1)
  np.testing.assert_allclose(found.sum(-1), weights.sum(-1), rtol=1e-5)
  np.testing.assert_allclose(
    (found * kept).sum(-1), (weights * places).sum(-1), rtol=1e-5
  )
  assert (np.diff(index, axis=-1) > 0).all()


def test_samples_without_weight_and_at_one_place_cost_nothing():
  places = np.float32([[0.1, 0.2, 0.4, 0.4, 0.7, 0.9]])
  weights = np.float32([[0.0, 0.3, 0.1, 0.2, 0.0, 0.4]])
  found, index = map(np.asarray, _thin(places, weights, 3))
  kept = np.take_along_axis(places, index, axis=-1)
  np.testing.assert_allclose(kept, [[0.2, 0.4, 0.9]])
  np.testing.assert_allclose(found, [[0.3, 0.3, 0.4]], rtol=1e-6)


def test_rays_without_weight_stay_so():
  places, weights = _draw()
  found, index = _thin(places, np.zeros_like(weights), 4)
  assert not np.any(found)
  # Where all cost the same, the first goes.
  assert (np.asarray(index) == np.array([5, 6, 7, 8])).all()


def test_a_smooth_ray_keeps_more_of_its_colour_than_by_its_heaviest():
  """Half the samples of a colour that turns slowly along the ray."""
  places, weights = _draw((500,), 16, seed=2)
  colors = np.sin(6.0 * places)
  wanted = (weights * colors).sum(-1)
  found, index = map(np.asarray, _thin(places, weights, 8))
  kept = np.take_along_axis(colors, index, axis=-1)
  error = np.abs((found * kept).sum(-1) - wanted).mean()
  heaviest = np.argsort(-weights, axis=-1)[:, :8]
  few = np.take_along_axis(weights, heaviest, axis=-1)
  few *= (weights.sum(-1) / few.sum(-1))[:, None]
  shown = np.take_along_axis(colors, heaviest, axis=-1)
  assert error < 0.3 * np.abs((few * shown).sum(-1) - wanted).mean()
