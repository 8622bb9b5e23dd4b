"""Pairs to compare: all of few; neighbours, loops and a spread of many."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stylized_nerf_jax.captures import image_pairs


@pytest.mark.parametrize("count", [0, 1, 2, 5, 30])
def test_few_images_are_all_compared(count):
  pairs = image_pairs.choose_pairs(count, most=435)
  expected = [(a, b) for a in range(count) for b in range(count) if a < b]
  assert pairs == expected


@settings(max_examples=30, deadline=None)
@given(count=st.integers(2, 250), most=st.integers(0, 3000))
def test_of_many_every_pair_once_and_all_neighbours(count, most):
  pairs = image_pairs.choose_pairs(count, most=most)
  assert pairs == sorted(set(pairs))
  assert all(0 <= a < b < count for a, b in pairs)
  near = [
    (a, b)
    for a in range(count)
    for b in range(a + 1, count)
    if b - a <= 10 or b - a in (16, 32, 64, 128)
  ]
  if len(pairs) < count * (count - 1) // 2:
    assert set(near) <= set(pairs)
    assert len(pairs) <= max(most, len(near) + 1)


def test_what_is_left_over_closes_loops():
  pairs = image_pairs.choose_pairs(200, most=4000)
  # The first and the last frames of a walk around something show the same.
  assert any(b - a > 150 for a, b in pairs)
  assert 3000 < len(pairs) <= 4000


def test_a_thousand_images_do_not_ask_for_half_a_million_pairs():
  pairs = image_pairs.choose_pairs(1000, most=4000)
  # Ten neighbours each, and 16, 32, ... 512 apart.
  assert len(pairs) < 16 * 1000
