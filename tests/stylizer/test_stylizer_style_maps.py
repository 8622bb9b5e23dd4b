"""Maps of styles against what they are made of, and colours of renders."""

import numpy as np

from stylized_nerf_jax.stylizer import (
  color_tables,
  palette,
  palette_transport,
  style_maps,
)

RNG = np.random.default_rng(0)


def test_colours_of_what_is_seen_are_those_behind_no_background():
  behind = np.array([1.0, 0.5, 0.0])
  own, opacity = RNG.random((4, 5, 3)), RNG.uniform(0.2, 1.0, (4, 5))
  shown = opacity[..., None] * own + (1 - opacity[..., None]) * behind
  colors, weights = style_maps.own_colors(shown, opacity, behind)
  np.testing.assert_allclose(colors, own.reshape(-1, 3), atol=1e-9)
  np.testing.assert_allclose(weights, opacity.reshape(-1))
  _, nothing = style_maps.own_colors(shown, 0 * opacity, behind)
  assert nothing.max() < 1e-5


def test_each_style_has_its_own_maps():
  looks = [RNG.random((500, 3)) * 0.5, 0.5 + 0.5 * RNG.random((500, 3))]
  weights = RNG.random(500)
  paintings = [RNG.random((20, 30, 3)) ** 2, RNG.random((25, 20, 3)) * 0.3]
  told = []
  maps = style_maps.fit_style_maps(
    lambda place: (looks[place], weights),
    paintings,
    transfer="affine",
    advance=lambda: told.append(1),
  )
  assert maps.transfer == "affine" and len(told) == 2
  for place, painting in enumerate(paintings):
    wanted = palette.transfer(
      palette.statistics(looks[place], weights),
      palette.statistics(painting.reshape(-1, 3)),
    )
    np.testing.assert_allclose(
      maps.of(place, "affine"), color_tables.of_map(wanted), atol=1e-4
    )
    table = palette_transport.fit(
      looks[place], painting.reshape(-1, 3), weights
    )
    np.testing.assert_array_equal(maps.of(place, "table"), table)
