"""Names of files as labels on a wall."""

import pytest

from stylized_nerf_jax.outputs import style_titles
from stylized_nerf_jax.splatting import splats


@pytest.mark.parametrize(
  "name, artist, title, year",
  [
    ("van-gogh_starry-night-1889", "van Gogh", "Starry Night", "1889"),
    (
      "wikiart_gustav-klimt_roses-under-the-trees",
      *("Gustav Klimt", "Roses under the Trees", ""),
    ),
    (
      "hokusai_great-wave-off-kanagawa-1831",
      *("Hokusai", "Great Wave off Kanagawa", "1831"),
    ),
    ("kandinsky_composition-vii-1913", "Kandinsky", "Composition VII", "1913"),
    ("the_scream", "", "The Scream", ""),
    ("ink-wash", "", "Ink Wash", ""),
    ("Guernica", "", "Guernica", ""),
    ("IMG_20210304", "", "IMG 20210304", ""),
    ("my McCubbin", "", "My McCubbin", ""),
    ("1984", "", "1984", ""),
    (splats.PHOTOGRAPHED, "", "Photograph", ""),
    ("pictures/monet_water-lilies-1906.jpg", "Monet", "Water Lilies", "1906"),
    ("ink-wash:0.7,van-gogh_x-ray:0.3", "", "Ink Wash 70%, X Ray 30%", ""),
  ],
)
def test_names_are_read(name, artist, title, year):
  found = style_titles.style_title(name)
  assert (found.artist, found.title, found.year) == (artist, title, year)
  assert found.text == ", ".join(filter(None, (artist, title, year)))


def test_a_mix_says_its_shares():
  weights = {"van-gogh_starry-night-1889": 3.0, "ink-wash": 1.0}
  assert style_titles.mix_title(weights) == "Starry Night 75%, Ink Wash 25%"
