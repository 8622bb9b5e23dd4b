"""Curves and primaries, against figures that their standards print."""

import numpy as np
import pytest

from stylized_nerf_jax.scenes.pictures import rgb_spaces


def _whole(space, values):
  """Values in [0, 1], one pixel, to sRGB in [0, 255]."""
  pixel = np.rint(65535 * np.array(values)).astype(np.uint16)
  return space.to_srgb(pixel[None, None])[0, 0]


def test_matrices_are_those_that_are_printed():
  """BT.2087's from 2020 to 709, and that of P3 of CSS Color 4."""
  printed = {
    rgb_spaces.BT2020: [
      [1.6605, -0.5876, -0.0728],
      [-0.1246, 1.1329, -0.0083],
      [-0.0182, -0.1006, 1.1187],
    ],
    rgb_spaces.DISPLAY_P3: [
      [1.2249, -0.2249, 0],
      [-0.0421, 1.0421, 0],
      [-0.0196, -0.0786, 1.0983],
    ],
    rgb_spaces.BT709: np.eye(3),
  }
  for primaries, expected in printed.items():
    matrix = rgb_spaces.RgbSpace("any", primaries).matrix
    np.testing.assert_allclose(matrix, expected, atol=1e-4)
  # A white of its own, D50, is white, and grey stays grey.
  warm = rgb_spaces.RgbSpace("any", rgb_spaces.BT709, white=(0.3457, 0.3585))
  np.testing.assert_allclose(warm.matrix.sum(axis=1), 1, atol=1e-6)


def test_pq_has_the_light_of_st_2084():
  """As BT.2408 tabulates it: percent of the signal and cd/m2."""
  for percent, light in ((0, 0), (38, 26), (51, 100), (58, 203), (75, 983)):
    found = 203 * rgb_spaces.decode_pq(percent / 100)
    assert found == pytest.approx(light, rel=0.05, abs=1e-6)
  assert 203 * rgb_spaces.decode_pq(1) == pytest.approx(10000)
  assert 203 * rgb_spaces.decode_pq(0.508078) == pytest.approx(100, rel=1e-4)


def test_hlg_has_white_at_three_quarters():
  """BT.2408: 75% is 203 cd/m2 and 38% 26 cd/m2 on a display of 1000."""
  scene = rgb_spaces.decode_hlg(np.array([0, 0.38, 0.5, 0.75, 1]))
  np.testing.assert_allclose(scene[[0, 2, 4]], [0, 1 / 12, 1], atol=1e-6)
  display = 1000 * scene**1.2
  np.testing.assert_allclose(display[[1, 3]], [26, 203], rtol=0.03)
  space = rgb_spaces.from_codes(9, 18)
  assert _whole(space, [0.75] * 3).tolist() == [255] * 3
  assert _whole(space, [1.0] * 3).tolist() == [255] * 3
  grey = rgb_spaces.encode_srgb(display[1] / 203) * 255
  np.testing.assert_allclose(_whole(space, [0.38] * 3), grey, atol=0.6)


def test_srgb_and_back():
  values = np.linspace(0, 1, 1001)
  light = rgb_spaces.decode_srgb(values)
  assert light[500] == pytest.approx(0.21404, abs=1e-5)
  np.testing.assert_allclose(rgb_spaces.encode_srgb(light), values, atol=1e-6)
  every = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, axis=-1)
  same = rgb_spaces.RgbSpace("any", rgb_spaces.BT709).to_srgb(every)
  np.testing.assert_array_equal(same, every)


def test_large_pictures_are_turned_in_strips(monkeypatch):
  space = rgb_spaces.from_codes(12, 18)
  pixels = np.random.default_rng(0).integers(0, 65536, (9, 5, 3), np.uint16)
  whole = space.to_srgb(pixels)
  monkeypatch.setattr(rgb_spaces, "_STRIP", 10)
  np.testing.assert_array_equal(space.to_srgb(pixels), whole)


def test_what_is_not_converted():
  """BT.709 and 601, and whatever has no number that says otherwise."""
  for primaries in (1, 2, 5, 6):
    for transfer in (1, 2, 6, 13, 14):
      assert rgb_spaces.from_codes(primaries, transfer) is None
  assert rgb_spaces.from_codes(9, 14).name == "BT.2020"
