"""Polynomials with r^8 as rational lenses: against the polynomial itself."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.rendering import opencv_lens
from stylized_nerf_jax.scenes import lens_fits

_FOCAL = 3000


def _bent(radius, k):
  return radius * (1 + sum(k[i] * radius ** (2 * i + 2) for i in range(4)))


@pytest.mark.parametrize(
  ("k", "reach", "pixels"),
  [
    ((-0.01, 0.002, -0.001, 0.0002), 0.67, 1e-3),
    ((-0.3, 0.12, -0.05, 0.02), 0.7, 1e-3),
    ((0.05, -0.3, 0.4, -0.2), 0.5, 1e-3),
    ((0.0, 0.0, 0.0, 0.1), 0.6, 1e-3),
    ((0.2, -1.2, 2.4, -1.6), 0.6, 0.01),
  ],
)
def test_points_of_the_picture_come_out_where_the_polynomial_has_them(
  k, reach, pixels
):
  fit = lens_fits.fit_polynomial(k, reach, _FOCAL)
  assert fit.model == "full_opencv" and fit.scale == 1
  radii = np.linspace(0, 2, 4001)
  bent = _bent(radii, k)
  shown = radii[: np.argmax(bent > reach)]
  terms = np.array(fit.terms, np.float32)
  found = jax.jit(opencv_lens.distort)(
    np.stack([shown, 0 * shown], -1).astype(np.float32), terms
  )[..., 0]
  difference = np.abs(np.asarray(found) - _bent(shown, k)).max()
  # float32 has seven digits.
  assert difference <= fit.error / _FOCAL + 3e-7 and fit.error < pixels
  limit = jax.jit(opencv_lens.valid_radius_squared)(terms)
  assert limit >= shown[-1] ** 2


def test_what_does_not_matter_is_left_out():
  k = (-0.1, 0.02, -0.001, 1e-4)
  fit = lens_fits.fit_polynomial(k, 0.5, 100)
  assert fit.terms == (*k[:2], 0, 0, k[2], 0, 0, 0)
  assert 1e-4 * 0.5**9 < fit.error / 100 < 2e-4 * 0.55**9
  assert any(lens_fits.fit_polynomial(k, 0.5, 1e6).terms[5:])


@pytest.mark.parametrize("k", [(1e300, 0, 0, 1), (-1e6, 0, 0, 1)])
def test_what_no_lens_bends_has_no_rational_one(k):
  assert lens_fits.fit_polynomial(k, 0.5, 100) is None


def test_the_error_is_that_of_the_worst_point():
  k = (0.1, -0.2, 0.3, -0.2)
  fit = lens_fits.fit_polynomial(k, 0.9, 100)
  radii = np.linspace(0, 0.9, 1001)
  radii = radii[_bent(radii, k) < 0.9]
  squares = radii**2
  over, under = (*fit.terms[:2], fit.terms[4]), fit.terms[5:]
  above = 1 + sum(over[i] * squares ** (i + 1) for i in range(3))
  below = 1 + sum(under[i] * squares ** (i + 1) for i in range(3))
  off = 100 * np.abs(radii * above / below - _bent(radii, k)).max()
  assert fit.error / 4 < off <= fit.error and fit.error > 1e-3


def test_what_is_off_by_too_much_is_refused():
  k = (0.1, -0.2, 0.3, -0.2)
  at_100 = lens_fits.fit_polynomial(k, 0.9, 100).error
  limit = 100 * lens_fits.LARGEST_ERROR / at_100
  assert lens_fits.fit_polynomial(k, 0.9, 0.99 * limit) is not None
  assert lens_fits.fit_polynomial(k, 0.9, 1.01 * limit) is None
