"""Pictures in tiles: the same as in one piece, each pixel once."""

import jax
import numpy as np
import pytest
import tiny_run
from hypothesis import given, settings
from hypothesis import strategies as st

from stylized_nerf_jax.stylizer import (
  color_tables,
  pretrained,
  stylize,
  tiles,
  vgg,
)


@settings(deadline=None, max_examples=200)
@given(
  size=st.integers(2, 300), tile=st.integers(1, 40), halo=st.integers(0, 10)
)
def test_windows_keep_each_pixel_once_and_see_far_enough(size, tile, halo):
  size, tile, halo = 8 * size, 8 * tile, 8 * halo
  length, found = tiles.windows(size, tile, halo)
  assert length <= max(tile + 2 * halo, 16)
  kept = [pixel for w in found for pixel in range(w.first, w.last)]
  assert kept == list(range(size))
  for window in found:
    assert window.start % 8 == 0
    assert 0 <= window.start <= size - length
    # What lies beside the tile is seen, unless the picture ends there.
    assert window.start <= max(window.first - halo, 0)
    assert window.start + length >= min(window.last + halo, size)


@pytest.fixture(scope="module")
def stylizer():
  """Random weights for the encoder that looks farthest, and for D."""
  picture = jax.ShapeDtypeStruct((1, 16, 16, 3), np.float32)
  shapes = jax.eval_shape(
    vgg.VggEncoder("vgg19").init, jax.random.key(0), picture
  )
  return stylize.Stylizer(
    "vgg19",
    tiny_run.draw(shapes["params"]),
    tiny_run.draw(pretrained.decoder_shapes()),
  )


def test_a_picture_in_tiles_is_the_picture_in_one_piece(stylizer):
  random = np.random.default_rng(0)
  pixels = random.integers(0, 256, (21, 203, 3), dtype=np.uint8)
  style = random.random((24, 24, 3), dtype=np.float32)
  small = tiles.PictureStylizer(stylizer, tile=48)
  statistics = small.style(style)
  whole = jax.jit(stylizer.stylize)(
    pixels[None].astype(np.float32) / 255, *statistics, 0.7
  )
  expected = np.asarray(whole[0] * 255 + 0.5).astype(np.uint8)
  calls = []
  (found,) = small.paint(
    pixels, [statistics], alpha=0.7, advance=lambda: calls.append(1)
  )
  assert found.shape == pixels.shape
  assert np.abs(found.astype(int) - expected).max() <= 1
  assert expected.std() > 5
  assert len(calls) == small.count(21, 203, 1) == 2 * 3


def test_colours_are_mapped_in_tiles_before_they_are_rounded(stylizer):
  random = np.random.default_rng(1)
  pixels = random.integers(0, 256, (21, 203, 3), dtype=np.uint8)
  small = tiles.PictureStylizer(stylizer, tile=48)
  statistics = small.style(random.random((24, 24, 3), dtype=np.float32))
  painted = jax.jit(stylizer.stylize)(
    pixels[None].astype(np.float32) / 255, *statistics, 0.7
  )[0]
  table = random.random((5, 5, 5, 3), dtype=np.float32)
  mapped = np.asarray(color_tables.apply(painted, table))
  strong = np.asarray(painted) + 0.7 * (mapped - np.asarray(painted))
  kept = color_tables.in_chroma_of(strong, np.float32(pixels) / 255)
  for palette, tables in ((1.0, [table]), (0.3, [table])):
    (found,) = small.paint(
      pixels, [statistics], alpha=0.7, tables=tables, palette=palette
    )
    expected = np.asarray(kept + palette * (strong - kept))
    apart = np.abs(found - 255 * expected)
    assert apart.max() < 1.5
