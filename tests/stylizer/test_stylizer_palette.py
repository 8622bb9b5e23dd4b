"""Linear maps of colours against scipy's roots and clouds of colours."""

import jax
import numpy as np
import pytest
import scipy.linalg

from stylized_nerf_jax.stylizer import palette


def _cloud(seed: int, count: int = 500) -> np.ndarray:
  rng = np.random.default_rng(seed)
  return rng.normal(size=(count, 3)) @ (0.1 * rng.normal(size=(3, 3))) + 0.5


CONTENT, STYLE = _cloud(0), _cloud(1)


def test_statistics_are_those_of_repeated_colours():
  weights = np.random.default_rng(2).integers(0, 4, len(CONTENT))
  found = palette.statistics(CONTENT, weights)
  repeated = np.repeat(CONTENT, weights, axis=0)
  np.testing.assert_allclose(found.mean, repeated.mean(axis=0))
  offsets = repeated - repeated.mean(axis=0)
  wanted = offsets.T @ offsets / len(repeated)
  np.testing.assert_allclose(found.covariance, wanted)


def test_colours_get_the_statistics_of_the_painting():
  content, style = palette.statistics(CONTENT), palette.statistics(STYLE)
  matrix, offset = palette.transfer(content, style)
  root, inverse = (
    scipy.linalg.sqrtm(style.covariance),
    np.linalg.inv(scipy.linalg.sqrtm(content.covariance)),
  )
  np.testing.assert_allclose(matrix, root @ inverse, rtol=1e-7)
  mapped = palette.statistics(CONTENT @ matrix.T + offset)
  np.testing.assert_allclose(mapped.mean, style.mean)
  np.testing.assert_allclose(mapped.covariance, style.covariance)


def test_equal_statistics_keep_colours():
  content = palette.statistics(CONTENT)
  matrix, offset = palette.transfer(content, content)
  np.testing.assert_allclose(matrix, np.eye(3), atol=1e-12)
  np.testing.assert_allclose(offset, np.zeros(3), atol=1e-12)


@pytest.mark.parametrize("grey", ["content", "style", "both"])
def test_grey_pictures_have_maps(grey):
  """All their colours lie on a line, or are one."""
  line = np.repeat(CONTENT[:, :1], 3, axis=1)
  content = palette.statistics(CONTENT if grey == "style" else line)
  one = np.full_like(line, 0.3) if grey == "both" else line
  style = palette.statistics(STYLE if grey == "content" else one)
  matrix, offset = palette.transfer(content, style)
  assert np.isfinite(matrix).all() and np.isfinite(offset).all()
  mapped = CONTENT @ matrix.T + offset
  if grey == "style":  # Grey to the floor of the eigenvalues, 1e-4 of a colour.
    assert np.abs(mapped - mapped.mean(axis=1, keepdims=True)).max() < 1e-3
  np.testing.assert_allclose(matrix @ content.mean + offset, style.mean)


def test_the_dial_moves_colours_in_a_straight_line():
  full = palette.transfer(*map(palette.statistics, (CONTENT, STYLE)))
  wanted = CONTENT @ full.matrix.T + full.offset
  for amount in (0.0, 0.3, 1.0):
    found = palette.apply(CONTENT, *palette.mix([full], [amount]))
    straight = (1 - amount) * CONTENT + amount * wanted
    np.testing.assert_allclose(found, straight, atol=1e-5)
  other = palette.ColorMap(2 * np.eye(3), np.ones(3))
  matrix, offset = palette.mix([full, other], [0.2, 0.5])
  straight = 0.3 * CONTENT + 0.2 * wanted + 0.5 * (2 * CONTENT + 1)
  np.testing.assert_allclose(CONTENT @ matrix.T + offset, straight)


def test_no_map_keeps_every_bit():
  colors = np.float32(CONTENT)
  kept = [np.float32(value) for value in palette.mix([], [])]
  np.testing.assert_array_equal(jax.jit(palette.apply)(colors, *kept), colors)


def test_colours_are_tallied_view_by_view():
  weights = np.random.default_rng(2).random(len(CONTENT))
  tally = palette.Tally()
  for part in (slice(0, 7), slice(7, 7), slice(7, 300), slice(300, None)):
    tally.add(CONTENT[part], weights[part])
  tally.add(STYLE, np.zeros(len(STYLE)))
  whole, found = palette.statistics(CONTENT, weights), tally.statistics()
  np.testing.assert_allclose(found.mean, whole.mean)
  np.testing.assert_allclose(found.covariance, whole.covariance)
  tally.add(STYLE.reshape(5, 100, 3))
  both = palette.statistics(
    np.concatenate([CONTENT, STYLE]), np.append(weights, np.ones(len(STYLE)))
  )
  np.testing.assert_allclose(tally.statistics().covariance, both.covariance)
