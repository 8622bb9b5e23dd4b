"""Smooth maps of palettes: Gaussians, equal palettes, and ramps of grey."""

import jax
import numpy as np
import pytest
import scipy.linalg

from stylized_nerf_jax.evaluation import style_scores
from stylized_nerf_jax.stylizer import (
  color_tables,
  palette,
  palette_transport,
)

RNG = np.random.default_rng(0)


def _gaussian(mean, root, count=6000) -> np.ndarray:
  return np.clip(RNG.normal(size=(count, 3)) @ np.array(root) + mean, 0, 1)


GREYS = _gaussian([0.5, 0.5, 0.5], 0.1 + np.diag(3 * [0.08]))
# As prints are: paper, ink, and two flat colours.
PRINT = np.concatenate(
  [
    _gaussian(mean, np.diag(3 * [0.02]), count)
    for mean, count in (
      ([0.9, 0.85, 0.7], 3000),
      ([0.1, 0.1, 0.2], 600),
      ([0.2, 0.4, 0.6], 1500),
      ([0.8, 0.3, 0.2], 900),
    )
  ]
)


_apply = jax.jit(color_tables.apply)


def _mapped(colors, table) -> np.ndarray:
  return np.clip(_apply(np.float32(colors), table), 0, 1)


@pytest.fixture(scope="module")
def table() -> np.ndarray:
  return palette_transport.fit(GREYS, PRINT)


def test_equal_palettes_keep_colours():
  found = palette_transport.fit(PRINT, PRINT)
  np.testing.assert_allclose(_mapped(PRINT, found), PRINT, atol=0.01)


def test_gaussians_have_the_optimal_affine_map():
  """Of two Gaussians it is known (Olkin and Pukelsheim 1982)."""
  content = _gaussian(
    [0.5, 0.4, 0.45], [[0.1, 0, 0], [0.05, 0.08, 0], [0, 0.02, 0.06]]
  )
  style = _gaussian(
    [0.4, 0.5, 0.6], [[0.08, 0, 0], [0, 0.1, 0.02], [0.03, 0, 0.07]]
  )
  of, to = palette.statistics(content), palette.statistics(style)
  root = scipy.linalg.sqrtm(of.covariance)
  inverse = np.linalg.inv(root)
  matrix = inverse @ scipy.linalg.sqrtm(root @ to.covariance @ root) @ inverse
  exact = palette_transport.gaussian_map(of, to)
  np.testing.assert_allclose(exact.matrix, matrix, atol=1e-6)
  found = _mapped(content, palette_transport.fit(content, style))
  wanted = (content - of.mean) @ matrix.T + to.mean
  assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.015


def test_what_an_affine_map_cannot_carry_is_carried(table):
  distance = style_scores.color_distance(PRINT.reshape(60, 100, 3))
  affine = palette.transfer(*map(palette.statistics, (GREYS, PRINT)))
  moved = np.clip(GREYS @ affine.matrix.T + affine.offset, 0, 1)
  apart = [
    distance(colors.reshape(60, 100, 3))
    for colors in (GREYS, moved, _mapped(GREYS, table))
  ]
  assert apart[2] < 0.8 * apart[1] and apart[1] < 0.8 * apart[0]


def test_a_ramp_of_grey_stays_a_ramp(table):
  ramp = np.linspace(0, 1, 1025)[:, None] * np.ones(3)
  found = np.asarray(_apply(np.float32(ramp), table), np.float64)
  luma = found @ np.array([0.299, 0.587, 0.114])
  assert (np.diff(luma) > -1e-6).all() and luma[-1] - luma[0] > 0.3
  # No step is larger than the bound allows: eight bits show no bands.
  steps = np.linalg.norm(np.diff(found, axis=0), axis=1)
  assert steps.max() <= 4.0 * np.sqrt(3) / 1024 * 1.01
  steepest, flattest = palette_transport.slopes(table)
  assert steepest <= 4.0 and flattest >= 0.0


def test_slopes_are_those_of_affine_maps():
  matrix = np.array([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -0.5]])
  made = color_tables.of_map(palette.ColorMap(matrix, np.zeros(3)))
  steepest, flattest = palette_transport.slopes(made)
  assert steepest == pytest.approx(np.linalg.norm(matrix, 2))
  assert flattest == pytest.approx(-0.5)


def test_samples_stand_for_weights():
  colors = RNG.random((300, 3))
  weights = np.where(np.arange(300) < 100, 0.0, RNG.random(300))
  found = palette_transport.sample(colors, weights, 4000)
  _, counts = np.unique(found, axis=0, return_counts=True)
  kept = {tuple(c) for c in colors[100:]}
  assert {tuple(c) for c in found} <= kept and counts.max() < 4000 * 0.02
  wanted = np.average(colors, axis=0, weights=weights)
  np.testing.assert_allclose(found.mean(axis=0), wanted, atol=1e-3)


@pytest.mark.parametrize("grey", ["content", "style", "both"])
def test_pictures_of_one_colour_have_tables(grey):
  content = PRINT if grey == "style" else np.full((50, 3), 0.4)
  style = PRINT if grey == "content" else np.full((70, 3), 0.7)
  found = palette_transport.fit(content, style)
  assert found.dtype == np.float32 and np.isfinite(found).all()
  mean = _mapped(content, found).mean(axis=0)
  np.testing.assert_allclose(mean, style.mean(axis=0), atol=0.03)
