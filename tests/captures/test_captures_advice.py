"""What people are told about a capture, and how long it takes."""

import pytest

from stylized_nerf_jax.captures import advice, duration


def _report(**changes):
  return {
    "images": 20,
    "registered": 20,
    "missing": [],
    "featureless": [],
    "other_models": [],
    "points": 5000,
    "reprojection_error_px": 0.7,
    "layout": "forward_facing",
    "space": "ndc",
    **changes,
  }


def test_a_capture_without_faults_is_two_lines():
  lines = advice.describe(_report(), video=False)
  assert lines == [
    "20 of 20 photographs have a camera, over 5000 points; mean reprojection "
    "error 0.70 pixels",
    'forward-facing capture: it trains in the space "ndc"',
  ]


def test_what_is_missing_is_named_with_what_to_do():
  names = [f"{i}.jpg" for i in range(11)]
  report = _report(
    registered=9,
    missing=names,
    featureless=["0.jpg"],
    other_models=[["1.jpg", "2.jpg"]],
    reprojection_error_px=2.5,
  )
  text = "\n".join(advice.describe(report, video=False))
  assert "left out: 0.jpg, 1.jpg" in text and "7.jpg and 3 more" in text
  assert "0.jpg show nothing to hold on to" in text
  assert "1.jpg, 2.jpg fit together but not to the rest" in text
  assert "take more photographs between" in text
  assert "the reprojection error is large" in text
  text = "\n".join(advice.describe(report, video=True))
  assert "9 of 20 frames" in text and "--frames" in text


def test_a_forward_facing_capture_that_ndc_cannot_hold_says_why():
  report = _report(space="contracted")
  text = "\n".join(advice.describe(report, video=False))
  assert 'trains in the space "contracted", because a camera stands' in text


def test_the_way_that_won_is_told_where_it_was_not_the_first():
  first = _report(way="default", ways=[{"way": "default", "placed": 20}])
  assert len(advice.describe(first, video=False)) == 2
  report = _report(
    way="global",
    ways=[
      {"way": "default", "placed": 4},
      {"way": "small-angle", "placed": 12},
      {"way": "global", "placed": 20},
    ],
    plausible=False,
  )
  lines = advice.describe(report, video=False)
  assert lines[2] == (
    "found by global mapping (COLMAP's incremental mapping placed 4, "
    "incremental mapping from a first pair of 4 degrees placed 12)"
  )
  assert lines[3].startswith("the focal lengths along x and y differ by more")
  assert "--lens simple-radial" in lines[3] and len(lines) == 4


def test_three_quarters_are_enough():
  text = "\n".join(
    advice.describe(_report(registered=15, missing=["a"] * 5), video=False)
  )
  assert "take more photographs" not in text
  text = "\n".join(
    advice.describe(_report(registered=14, missing=["a"] * 6), video=False)
  )
  assert "take more photographs between" in text


def test_an_estimate_is_of_what_is_to_be_done():
  sizes = [(1000, 1000)] * 10
  one = duration.estimate(sizes, 45, threads=1)
  assert duration.estimate(sizes, 45, threads=2) == pytest.approx(one / 2)
  assert duration.estimate(sizes, 90, threads=1) > one
  assert duration.estimate(sizes * 2, 45, threads=1) > one
  # Features are searched for at 1,600 pixels a side, whatever the picture's.
  large = duration.estimate([(1600, 1200)] * 10, 45, threads=1)
  larger = duration.estimate([(16000, 12000)] * 10, 45, threads=1)
  assert larger == pytest.approx(large) and large > one


@pytest.mark.parametrize(
  ("seconds", "words"),
  [
    (3, "a minute or less"),
    (70, "about a minute"),
    (200, "about 3 minutes"),
    (5000, "about 1.4 hours"),
  ],
)
def test_durations_in_words(seconds, words):
  assert duration.in_words(seconds) == words
