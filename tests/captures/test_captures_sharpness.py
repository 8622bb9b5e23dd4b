"""Sharpness and windows: plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from stylized_nerf_jax.captures import sharpness


@pytest.mark.parametrize("shape", [(3, 3), (3, 7), (9, 5), (20, 31)])
def test_the_variance_of_the_laplacian_equals_a_plain_loop(shape):
  picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
  values = []
  for y in range(1, shape[0] - 1):
    for x in range(1, shape[1] - 1):
      around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
      total = sum(int(picture[at]) for at in around)
      values.append(total - 4 * int(picture[y, x]))
  mean = sum(values) / len(values)
  expected = sum((v - mean) ** 2 for v in values) / len(values)
  assert sharpness.sharpness(picture) == pytest.approx(expected, rel=1e-5)


def test_blur_lowers_it_and_brightness_does_not():
  picture = np.random.default_rng(1).uniform(50, 100, (40, 50))
  scores = [
    sharpness.sharpness(ndimage.gaussian_filter(picture, sigma))
    for sigma in (0, 0.5, 1, 2, 4)
  ]
  assert scores == sorted(scores, reverse=True)
  assert sharpness.sharpness(picture + 90) == pytest.approx(scores[0], rel=1e-4)
  assert sharpness.sharpness(np.full((8, 8), 7)) == 0


@settings(max_examples=100, deadline=None)
@given(
  scores=st.lists(st.integers(0, 5), min_size=0, max_size=60),
  count=st.integers(1, 20),
)
def test_one_of_each_window_equals_a_plain_loop(scores, count):
  chosen = sharpness.sharpest_of_windows(scores, count)
  if len(scores) <= count:
    assert chosen == list(range(len(scores)))
    return
  best = {}
  for i, score in enumerate(scores):
    window = i * count // len(scores)
    if window not in best or score > scores[best[window]]:
      best[window] = i
  assert chosen == [best[window] for window in range(count)]
