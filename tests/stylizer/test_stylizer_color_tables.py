"""Tables of colours against scipy's interpolation and loops."""

import colorsys

import jax
import numpy as np
import scipy.interpolate

from stylized_nerf_jax.stylizer import color_tables, palette

RNG = np.random.default_rng(0)
COLORS = RNG.random((400, 3)).astype(np.float32)


def test_a_table_is_trilinear():
  table = RNG.random((5, 5, 5, 3)).astype(np.float32)
  steps = np.linspace(0, 1, 5)
  wanted = scipy.interpolate.interpn(3 * (steps,), table, COLORS)
  found = jax.jit(color_tables.apply)(COLORS.reshape(20, 20, 3), table)
  np.testing.assert_allclose(found.reshape(-1, 3), wanted, atol=1e-5)
  corners = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 1], [-0.2, 2, 0.5]])
  found = color_tables.apply(np.float32(corners), table)
  places = [(0, 0, 0), (4, 4, 4), (4, 0, 4), (0, 4, 2)]
  np.testing.assert_allclose(found, [table[p] for p in places], atol=1e-6)


def test_affine_maps_are_tables():
  color_map = palette.ColorMap(RNG.normal(size=(3, 3)), RNG.normal(size=3))
  table = color_tables.of_map(color_map).astype(np.float32)
  assert table.shape == (17, 17, 17, 3)
  wanted = COLORS @ color_map.matrix.T + color_map.offset
  np.testing.assert_allclose(
    color_tables.apply(COLORS, table), wanted, atol=1e-5
  )


def test_tables_mix_as_what_they_show():
  tables = [RNG.random((4, 4, 4, 3)) for _ in range(2)]
  mixed = color_tables.mix(tables, [0.2, 0.5])
  one, two = (color_tables.apply(COLORS, np.float32(t)) for t in tables)
  np.testing.assert_allclose(
    color_tables.apply(COLORS, np.float32(mixed)),
    0.3 * COLORS + 0.2 * one + 0.5 * two,
    atol=1e-6,
  )
  kept = np.float32(color_tables.mix([], []))
  np.testing.assert_allclose(
    color_tables.apply(COLORS, kept), COLORS, atol=1e-6
  )


def test_chroma_is_the_other_ones_at_the_same_luma():
  own = RNG.random(COLORS.shape).astype(np.float32)
  found = np.asarray(color_tables.in_chroma_of(COLORS, own))
  assert found.min() >= 0.0 and found.max() <= 1.0
  luma = np.array([0.299, 0.587, 0.114])
  np.testing.assert_allclose(found @ luma, COLORS @ luma, atol=1e-5)
  chroma, wanted = (
    c - (c @ luma)[:, None] for c in (found.astype(float), own.astype(float))
  )
  # Either all of the chroma, or as much of it as the cube has room for.
  whole = np.abs(chroma - wanted).max(axis=1) < 1e-5
  at_the_side = np.minimum(found, 1 - found).min(axis=1) < 1e-5
  assert whole.any() and at_the_side.any() and (whole | at_the_side).all()
  for one, other in zip(found, own):
    hue, saturation, _ = colorsys.rgb_to_hsv(*one)
    if saturation > 0.05:
      apart = abs(hue - colorsys.rgb_to_hsv(*other)[0])
      assert min(apart, 1 - apart) < 1e-2
  np.testing.assert_allclose(
    color_tables.in_chroma_of(COLORS, COLORS), COLORS, atol=1e-6
  )
