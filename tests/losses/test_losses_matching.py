"""Matching against loops over places."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.losses import matching

_content_loss = jax.jit(matching.content_loss)
_halved = jax.jit(matching.halved)
_matching_loss = jax.jit(matching.matching_loss)
_nearest = jax.jit(matching.nearest)
_next_prices = jax.jit(matching.next_prices)
_shares = jax.jit(matching.shares, static_argnums=1)
_slopes = jax.jit(
  jax.grad(matching.matching_loss, argnums=(0, 1), has_aux=True)
)
_statistics_loss = jax.jit(matching.statistics_loss)
_tone_loss = jax.jit(matching.tone_loss)
_total_variation = jax.jit(matching.total_variation)
_unit = jax.jit(matching.unit)


def _features(seed, places, channels=5):
  return np.random.default_rng(seed).normal(size=(places, channels))


def test_each_place_takes_the_nearest_stroke_as_a_loop_finds_it():
  picture = _features(0, 7)
  painting = np.asarray(_unit(_features(1, 9)))
  prices = np.random.default_rng(2).uniform(0, 0.3, 9)
  best, distances = [], []
  for row in picture:
    cosines = [
      row @ s / np.linalg.norm(row) / np.linalg.norm(s) for s in painting
    ]
    best.append(int(np.argmax(np.array(cosines) - prices)))
    distances.append(1 - cosines[best[-1]])
  loss, taken = _matching_loss(picture, painting, prices)
  assert taken.tolist() == best
  assert taken.tolist() != _nearest(picture, painting).tolist()
  np.testing.assert_allclose(loss, np.mean(distances), rtol=1e-5)


def test_a_picture_made_of_strokes_is_as_near_as_can_be():
  painting = np.asarray(_unit(_features(3, 20)))
  picture = 3.0 * painting[[4, 4, 17]]
  loss, taken = _matching_loss(picture, painting)
  assert taken.tolist() == [4, 4, 17]
  assert abs(float(loss)) < 1e-6


def test_the_loss_draws_to_what_was_taken_and_teaches_nothing_else():
  picture, painting = _features(4, 6), _features(5, 8)
  painting = np.asarray(_unit(painting))
  (grad, of_painting), _ = _slopes(picture, painting)
  assert not np.any(of_painting)
  before = _matching_loss(picture, painting)[0]
  after = _matching_loss(picture - 0.1 * np.asarray(grad), painting)[0]
  assert after < before


def test_a_place_without_features_has_a_finite_gradient():
  painting = np.asarray(_unit(_features(6, 4)))
  (grad, _), _ = _slopes(np.zeros((2, 5)), painting)
  assert np.isfinite(grad).all()


def test_shares_are_those_of_counting():
  taken = np.int32([3, 0, 3, 3])
  np.testing.assert_allclose(_shares(taken, 5), [0.25, 0, 0, 0.75, 0])


def test_prices_spread_the_demand_for_a_popular_stroke():
  """A painting that is nine tenths paper, and a picture that likes paper."""
  random = np.random.default_rng(7)
  strokes = random.normal(size=(40, 16))
  paper = random.normal(size=16)
  strokes[:36] = paper + 0.05 * random.normal(size=(36, 16))
  strokes = np.asarray(_unit(strokes))
  picture = paper + 1.0 * random.normal(size=(400, 16))

  def drawn(prices):
    share = np.asarray(_shares(_nearest(picture, strokes, prices), 40))
    return share, float(share[36:].sum())

  prices = np.zeros(40)
  first = drawn(prices)[1]
  for _ in range(200):
    prices = _next_prices(prices, drawn(prices)[0], rate=0.005, limit=0.3)
  prices = np.asarray(prices)
  assert prices.min() >= 0 and prices.max() <= 0.3
  # Four of forty places are worth a tenth, where they can be had.
  assert first < 0.07
  assert drawn(prices)[1] > first + 0.02


def test_prices_stay_where_all_strokes_are_used_alike():
  prices = np.array([0.1, 0.2, 0.3])
  same = _next_prices(prices, np.full(3, 1 / 3), rate=0.01, limit=0.3)
  np.testing.assert_allclose(same, prices, atol=1e-7)


def test_content_counts_alike_whatever_the_contrast():
  target, other = _features(8, 10), _features(9, 10)
  loud = _content_loss(100 * other, 100 * target)
  quiet = _content_loss(other, target)
  np.testing.assert_allclose(loud, quiet, rtol=1e-5)
  expected = ((other - target) ** 2).mean() / (target**2).mean()
  np.testing.assert_allclose(quiet, expected, rtol=1e-5)


def test_total_variation_is_that_of_a_loop():
  image = np.random.default_rng(10).uniform(size=(1, 4, 5, 3))
  rows = [
    (image[0, y + 1, x] - image[0, y, x]) ** 2
    for y in range(3)
    for x in range(5)
  ]
  columns = [
    (image[0, y, x + 1] - image[0, y, x]) ** 2
    for y in range(4)
    for x in range(4)
  ]
  np.testing.assert_allclose(
    _total_variation(image),
    np.mean(rows) + np.mean(columns),
    rtol=1e-6,
  )


@pytest.mark.parametrize("size", [(4, 6), (5, 7)])
def test_halved_averages_four_pixels(size):
  image = np.random.default_rng(11).uniform(size=(2, *size, 3))
  halved = _halved(image)
  assert halved.shape == (2, size[0] // 2, size[1] // 2, 3)
  np.testing.assert_allclose(
    halved[1, 1, 2], image[1, 2:4, 4:6].mean((0, 1)), rtol=1e-6
  )


def test_statistics_are_those_of_the_places():
  picture, painting = _features(12, 30), _features(13, 50)
  of_painting = np.asarray(_unit(painting))
  found = _statistics_loss(picture, of_painting)
  rows = picture / np.linalg.norm(picture, axis=1, keepdims=True)
  expected = sum(
    (np.mean(a) - np.mean(b)) ** 2 + (np.std(a) - np.std(b)) ** 2
    for a, b in zip(rows.T, of_painting.T)
  )
  np.testing.assert_allclose(found, expected, rtol=1e-4)
  of_itself = _statistics_loss(painting, of_painting)
  assert of_itself < 1e-9


def test_tone_is_that_of_blocks_and_leaves_strokes_within_them_alone():
  random = np.random.default_rng(14)
  target = random.uniform(size=(1, 32, 48, 3))
  image = random.uniform(size=(1, 32, 48, 3))
  blocks, goal = (
    np.stack(
      [
        x[0, y : y + 16, z : z + 16].mean((0, 1))
        for y in (0, 16)
        for z in (0, 16, 32)
      ]
    )
    for x in (image, target)
  )
  scale = max(goal.var(0).mean(), 0.01)
  found = _tone_loss(image, target)
  np.testing.assert_allclose(
    found, ((blocks - goal) ** 2).mean() / scale, rtol=1e-4
  )
  # A stroke that is as much darker on one side as it is brighter on the other.
  stroke = np.zeros((32, 48, 1))
  stroke[3:6, 2:14], stroke[8:11, 2:14] = 0.3, -0.3
  drawn = _tone_loss(target + stroke, target)
  assert drawn < 1e-9
