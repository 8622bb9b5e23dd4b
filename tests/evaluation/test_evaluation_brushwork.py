"""Strokes of known direction and width."""

import numpy as np
import pytest

from stylized_nerf_jax.evaluation import brushwork


def _grating(degrees, wavelength, size=128):
  """Stripes that run at an angle from the horizontal, clockwise."""
  y, x = np.mgrid[:size, :size]
  angle = np.radians(degrees)
  across = y * np.cos(angle) - x * np.sin(angle)
  luma = 0.5 + 0.4 * np.sin(2 * np.pi * across / wavelength)
  return np.repeat(luma[..., None], 3, axis=-1).astype(np.float32)


@pytest.mark.parametrize("degrees", [2.5, 42.5, 92.5, 137.5])
def test_stripes_run_where_they_run(degrees):
  found = brushwork.Brushwork([_grating(degrees, 12.0)]).angles
  assert found.argmax() == int(degrees // 5)
  # Borders of the picture mirror the stripes, into other directions.
  near = (np.arange(-1, 2) + found.argmax()) % brushwork.ANGLES
  assert found[near].sum() > 0.8
  assert found.sum() == pytest.approx(1.0)


def test_strokes_of_two_pictures_are_as_far_apart_as_their_angles():
  first = brushwork.Brushwork([_grating(12.5, 12.0)])
  for turned, expected in ((42.5, 30.0), (102.5, 90.0), (162.5, 30.0)):
    second = brushwork.Brushwork([_grating(turned, 12.0)])
    found = first.distances(second)["stroke_orientation"]
    assert found == pytest.approx(expected, abs=6)
    assert second.distances(first)["stroke_orientation"] == pytest.approx(found)
    assert first.distances(second)["stroke_scale"] < 0.1


@pytest.mark.parametrize("wavelength", [8.0, 16.0, 32.0])
def test_energy_of_stripes_by_scale_is_that_of_gaussian_derivatives(wavelength):
  across = 2 * np.pi * np.array(brushwork.SIGMAS) / wavelength
  expected = across**2 * np.exp(-(across**2))
  found = brushwork.Brushwork([_grating(30.0, wavelength, 256)]).scales
  np.testing.assert_allclose(found, expected / expected.sum(), atol=0.03)


def test_broader_strokes_are_further_away():
  narrow, broad, broadest = (
    brushwork.Brushwork([_grating(30.0, wavelength, 256)])
    for wavelength in (12.0, 24.0, 48.0)
  )
  # An octave, less what the ends of the range cut off.
  one = narrow.distances(broad)["stroke_scale"]
  assert 0.7 < one < 1.0
  assert narrow.distances(broadest)["stroke_scale"] > 1.5 * one


def test_contrast_and_colour_of_strokes_do_not_matter():
  strong = _grating(30.0, 12.0)
  weak = 0.5 + 0.25 * (strong - 0.5)
  distances = brushwork.Brushwork([strong]).distances(
    brushwork.Brushwork([weak])
  )
  assert distances["stroke_orientation"] < 3
  assert distances["stroke_scale"] < 1e-3


def test_a_plain_picture_has_no_direction():
  plain = brushwork.Brushwork([np.full((40, 50, 3), 0.3)])
  np.testing.assert_allclose(plain.angles, 1 / 36)
  stripes = brushwork.Brushwork([_grating(0.0, 12.0)])
  # From one bin to everywhere around the circle: a quarter of it on average.
  found = stripes.distances(plain)["stroke_orientation"]
  assert found == pytest.approx(45.0, abs=5)


def test_frames_are_counted_together():
  both = brushwork.Brushwork([_grating(2.5, 12.0), _grating(92.5, 12.0)])
  one, other = (
    brushwork.Brushwork([_grating(angle, 12.0)]).angles for angle in (2.5, 92.5)
  )
  np.testing.assert_allclose(both.angles, (one + other) / 2)
