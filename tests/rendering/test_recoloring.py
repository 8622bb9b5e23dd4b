"""What happens to pixels behind the compositing, pixel by pixel."""

import numpy as np

from stylized_nerf_jax.rendering import recoloring
from stylized_nerf_jax.stylizer import color_tables, palette

RNG = np.random.default_rng(0)
MATRIX = np.array([[0.0, 0.0, 1.0], [0.2, 1.0, 0.0], [0.5, 0.0, 3.0]])
OFFSET = np.array([0.1, 0.0, -0.2])
TABLE = np.float32(color_tables.of_map(palette.ColorMap(MATRIX, OFFSET)))


def test_an_affine_map_of_samples_is_that_of_their_pixel():
  """Samples that are mapped, composited over a background, and not cut."""
  behind = np.array([0.9, 0.4, 0.1])
  weights = RNG.dirichlet(np.ones(5), (6, 7))[..., :4]
  samples = RNG.uniform(0.2, 0.35, (6, 7, 4, 3))
  through = 1 - weights.sum(axis=-1, keepdims=True)

  def composite(colors):
    return np.einsum("...k,...kc->...c", weights, colors) + through * behind

  found = recoloring.mapped(
    np.float32(composite(samples)),
    np.float32(weights.sum(axis=-1)),
    TABLE,
    np.float32(behind),
  )
  wanted = composite(samples @ MATRIX.T + OFFSET)
  np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_colours_are_cut_once_and_the_background_stays():
  behind = np.float32([0.9, 0.4, 0.1])
  rgb = np.float32(RNG.random((5, 3)))
  solid = recoloring.mapped(rgb, np.ones(5, np.float32), TABLE, behind)
  wanted = np.clip(rgb @ MATRIX.T + OFFSET, 0, 1)
  np.testing.assert_allclose(solid, wanted, atol=1e-5)
  assert (wanted == 1.0).any()
  nothing = np.broadcast_to(behind, (5, 3))
  kept = recoloring.mapped(nothing, np.zeros(5, np.float32), TABLE, behind)
  np.testing.assert_allclose(kept, nothing, atol=1e-6)


def test_the_dial_goes_in_a_straight_line_to_the_own_chroma():
  stylized, own = np.float32(RNG.random((2, 6, 7, 3)))
  kept = np.asarray(color_tables.in_chroma_of(stylized, own))
  for amount in (0.0, 0.3, 1.0):
    found = recoloring.in_palette(stylized, own, np.float32(amount))
    np.testing.assert_allclose(
      found, kept + amount * (stylized - kept), atol=1e-6
    )
