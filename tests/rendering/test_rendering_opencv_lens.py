"""Lens distortion against extended-precision loops, and its inverse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.rendering import opencv_lens as lens

# Compiled once a shape: dispatching every small operation takes far longer.
_distort = jax.jit(lens.distort)
_undistort = jax.jit(lens.undistort)
_valid_radius_squared = jax.jit(lens.valid_radius_squared)

_FOX = (0.0578421, -0.0805099, -0.000980296, 0.00015575)
_LENSES = [
  (0.0, 0.0, 0.0, 0.0),
  _FOX,
  (-0.28, 0.07, 0.0, 0.0),
  (0.1, 0.05, 0.004, -0.003),
  # Eight terms: a phone's wide lens, and a polynomial of three.
  (4.1, 1.7, 2e-4, -1e-4, 0.12, 4.4, 2.9, 0.45),
  (-0.2, 0.05, 0.001, 0.0, -0.004, 0.0, 0.0, 0.0),
]


def _distort_oracle(x, y, coefficients):
  """The formula of the module docstring, one point, extended precision."""
  k1, k2, p1, p2, k3, k4, k5, k6 = (
    np.longdouble(c) for c in (*coefficients, 0, 0, 0, 0)[:8]
  )
  r2 = x * x + y * y
  radial = 1 + k1 * r2 + k2 * r2 * r2 + k3 * r2**3
  radial /= 1 + k4 * r2 + k5 * r2 * r2 + k6 * r2**3
  return (
    x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
    y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
  )


def _undistort_oracle(x, y, coefficients):
  """Newton with numerical slopes in extended precision, to convergence."""
  x, y = np.longdouble(x), np.longdouble(y)
  px, py = x, y
  for _ in range(50):
    fx, fy = _distort_oracle(px, py, coefficients)
    h = np.longdouble(1e-7)
    ax, ay = _distort_oracle(px + h, py, coefficients)
    bx, by = _distort_oracle(px, py + h, coefficients)
    slopes = np.array([[ax - fx, bx - fx], [ay - fy, by - fy]], np.longdouble)
    a, b, c, d = (slopes / h).ravel()
    det = a * d - b * c
    ex, ey = fx - x, fy - y
    px, py = px - (d * ex - b * ey) / det, py - (a * ey - c * ex) / det
  return px, py


def _points(count=40, extent=0.7):
  return np.random.default_rng(0).uniform(-extent, extent, (count, 2))


@pytest.mark.parametrize("coefficients", _LENSES)
def test_distort_equals_the_formula(coefficients):
  points = _points()
  actual = _distort(jnp.asarray(points), jnp.asarray(coefficients))
  expected = [_distort_oracle(x, y, coefficients) for x, y in points]
  np.testing.assert_allclose(actual, np.array(expected, float), atol=1e-6)


@pytest.mark.parametrize("coefficients", _LENSES)
def test_undistort_equals_the_converged_oracle(coefficients):
  points = _points(extent=0.55)
  actual = _undistort(jnp.asarray(points), jnp.asarray(coefficients))
  expected = [_undistort_oracle(x, y, coefficients) for x, y in points]
  np.testing.assert_allclose(actual, np.array(expected, float), atol=1e-6)


def test_every_pixel_of_the_fox_comes_back_to_a_thousandth():
  """1080 x 1920, the real intrinsics, to 1e-3 pixels."""
  x, y = np.meshgrid(np.linspace(0, 1080, 28), np.linspace(0, 1920, 49))
  focal = np.array([1375.52, 1374.49])
  pixels = np.stack([x, y], axis=-1) - [554.558, 965.268]
  normalised = jnp.asarray(pixels / focal, jnp.float32)
  coefficients = jnp.asarray(_FOX)
  back = _distort(_undistort(normalised, coefficients), coefficients)
  error = np.abs(np.asarray(back, np.float64) * focal - pixels)
  assert error.max() < 1e-3


def test_without_distortion_nothing_moves():
  points = jnp.asarray(_points(extent=3.0), jnp.float32)
  np.testing.assert_array_equal(_undistort(points, jnp.zeros(4)), points)


def test_valid_radius_is_where_the_radius_stops_growing():
  for coefficients in [(-0.28, 0.0, 0, 0), (0.06, -0.08, 0, 0)]:
    limit = float(_valid_radius_squared(jnp.asarray(coefficients)))
    radii = np.linspace(0, 3, 300001)
    k1, k2 = coefficients[:2]
    bent = radii * (1 + k1 * radii**2 + k2 * radii**4)
    first = radii[np.argmax(np.diff(bent) < 0)]
    assert limit**0.5 == pytest.approx(first, abs=1e-4)
  for coefficients in [(0, 0, 0, 0), (0.1, 0.1, 0, 0), (-0.1, 0.2, 0, 0)]:
    assert np.isinf(_valid_radius_squared(jnp.asarray(coefficients)))


def test_a_rational_lens_is_valid_up_to_its_fold():
  # k1 alone, written with eight terms: the fold of the closed form, rounded
  # down to the row of radii.
  four = _valid_radius_squared(jnp.asarray([-0.28, 0.0, 0, 0]))
  eight = _valid_radius_squared(jnp.asarray([-0.28, 0.0, 0, 0, 0, 0, 0, 0]))
  assert 0 < four**0.5 - eight**0.5 < 1 / 16
  # The denominator vanishes at a radius of 2.
  pole = _valid_radius_squared(jnp.asarray([0.0, 0, 0, 0, 0, -0.25, 0, 0]))
  assert 1.9 < pole**0.5 < 2
  wild = jnp.asarray([-1e3, 0, 0, 0, 0, 0, 0, 0])
  assert 0 < _valid_radius_squared(wild) < 1e-2


def test_pixels_that_no_ray_reaches_stay_finite_and_in_reach():
  coefficients = jnp.asarray([-0.28, 0.0, 0.001, 0.0])
  far = jnp.asarray([[3.0, 3.0], [-50.0, 2.0], [0.0, 1e6]])
  points = _undistort(far, coefficients)
  limit = _valid_radius_squared(coefficients)
  assert np.isfinite(points).all()
  assert (np.sum(np.square(points), axis=-1) <= limit * 1.001).all()


def test_shapes_broadcast_under_jit_and_vmap():
  points = _points(6).astype(np.float32).reshape(2, 3, 2)
  lenses = np.array(_LENSES[1:3], np.float32)
  together = _undistort(points, lenses[:, None])
  mapped = jax.jit(jax.vmap(lens.undistort))(points, lenses)
  single = _undistort(points[1, 2], lenses[1])
  np.testing.assert_allclose(mapped, together, atol=1e-6)
  np.testing.assert_allclose(np.asarray(together)[1, 2], single, atol=1e-6)


def test_gradients_are_finite():
  gradient = jax.jit(
    jax.grad(lambda points: lens.undistort(points, jnp.asarray(_FOX)).sum())
  )
  for scale in (0.0, 0.5, 100.0):
    assert np.isfinite(gradient(jnp.full((3, 2), scale))).all()
