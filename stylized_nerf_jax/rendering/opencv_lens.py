"""OpenCV lens distortion with four terms or eight, and its inverse.

Coordinates are normalised: the point at pixel x is (x - cx) / fl_x, y down.
With r^2 = x^2 + y^2, the lens moves (x, y) to

  x g(r^2) + 2 p1 x y + p2 (r^2 + 2 x^2),
  y g(r^2) + p1 (r^2 + 2 y^2) + 2 p2 x y,

where g(r^2) = 1 + k1 r^2 + k2 r^4 for the terms k1, k2, p1, p2, and
(1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6) for k1, k2, p1,
p2, k3, k4, k5, k6. How many there are is static. Both ways have derivatives of
any order with respect to coordinates and terms; those of the inverse come from
the implicit function theorem.
"""

import jax
import jax.numpy as jnp
import numpy as np

# Newton doubles the correct digits in each step; strong real lenses need four
# steps for float32, and a fixed count keeps shapes and time static.
_NEWTON_STEPS = 8
# Radii at which the rational model is looked at for a fold: up to 83 degrees
# off the axis, which is as far as it can mean anything.
_RADII = np.linspace(1 / 16, 8, 128)


def valid_radius_squared(terms):
  """Finds r^2 up to which the lens keeps order along a radius.

  Beyond it the polynomial folds back, and a point far outside the picture
  would be drawn inside.

  Args:
    terms: [..., 4] or [..., 8].

  Returns:
    [...]. Four terms: the smallest positive root of 1 + 3 k1 r^2 + 5 k2 r^4,
    or infinity. Eight: the last of a row of radii up to 8 before which the
    distorted radius always grew, squared.
  """
  if terms.shape[-1] == 8:
    return _last_growing(terms)
  k1, k2 = terms[..., 0], terms[..., 1]
  discriminant = 9 * k1**2 - 20 * k2
  # A square root of 0 has no finite derivative.
  positive = discriminant > 0
  root = jnp.sqrt(jnp.where(positive, discriminant, 1.0))
  denominator = -3 * k1 + jnp.where(positive, root, 0.0)
  has_root = (discriminant >= 0) & (denominator > 0)
  return jnp.where(has_root, 2 / jnp.where(has_root, denominator, 1), jnp.inf)


def distort(xy, terms):
  """Applies the lens.

  Args:
    xy: [..., 2], ideal normalised coordinates.
    terms: [..., 4] or [..., 8], broadcast against them.

  Returns:
    [..., 2], distorted normalised coordinates.
  """
  x, y = xy[..., 0], xy[..., 1]
  p1, p2 = terms[..., 2], terms[..., 3]
  r2 = x**2 + y**2
  radial, _ = _radial(r2, terms)
  return jnp.stack(
    [
      x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x**2),
      y * radial + p1 * (r2 + 2 * y**2) + 2 * p2 * x * y,
    ],
    axis=-1,
  )


def undistort(xy, terms):
  """Inverts `distort` by a fixed number of Newton steps.

  Steps are kept within the radius where the lens is invertible, so that a
  pixel no ideal point maps to gets the nearest such ray, not infinity; its
  derivatives are 0.

  Args:
    xy: [..., 2], distorted normalised coordinates.
    terms: [..., 4] or [..., 8], broadcast against them.

  Returns:
    [..., 2], ideal normalised coordinates.
  """
  shape = jnp.broadcast_shapes(xy.shape[:-1], terms.shape[:-1])
  return _undistort(
    jnp.broadcast_to(xy, (*shape, 2)),
    jnp.broadcast_to(terms, (*shape, terms.shape[-1])),
  )


@jax.custom_jvp
def _undistort(target, terms):
  """Inverts `distort` for arguments of equal leading dimensions."""
  limit = valid_radius_squared(terms)

  def step(point, _):
    return _within(
      point - _solve(point, terms, distort(point, terms) - target), limit
    ), None

  point, _ = jax.lax.scan(
    step, _within(target, limit), None, length=_NEWTON_STEPS
  )
  return point


@_undistort.defjvp
def _undistort_jvp(primals, tangents):
  """Moves the point such that its distorted place moves as asked for."""
  target, terms = primals
  point = _undistort(target, terms)
  _, by_terms = jax.jvp(
    lambda terms: distort(point, terms), (terms,), (tangents[1],)
  )
  moved = _solve(point, terms, tangents[0] - by_terms)
  limit = jax.lax.stop_gradient(valid_radius_squared(terms))
  inside = jnp.sum(point**2, axis=-1) < limit * (1 - 1e-5)
  return point, jnp.where(inside[..., None], moved, 0.0)


def _solve(point, terms, residual):
  """Returns J^-1 residual [..., 2] with J = d distort / d point."""
  (a, b), (c, d) = _jacobian(point, terms)
  determinant = a * d - b * c
  # Zero only on the fold itself, where the limit takes over.
  safe = jnp.where(jnp.abs(determinant) < 1e-6, 1e-6, determinant)
  dx = (d * residual[..., 0] - b * residual[..., 1]) / safe
  dy = (a * residual[..., 1] - c * residual[..., 0]) / safe
  return jnp.stack([dx, dy], axis=-1)


def _within(point, limit):
  """Shortens points [..., 2] to the squared radius `limit` [...]."""
  r2 = jnp.sum(point**2, axis=-1)
  shrink = jnp.sqrt(jnp.minimum(1, limit / jnp.maximum(r2, 1e-12)))
  return point * shrink[..., None]


def _jacobian(point, terms):
  """Returns the rows of d distort / d (x, y), each entry [...]."""
  x, y = point[..., 0], point[..., 1]
  p1, p2 = terms[..., 2], terms[..., 3]
  r2 = x**2 + y**2
  radial, slope = _radial(r2, terms)
  mixed = slope * x * y + 2 * (p1 * x + p2 * y)
  return (
    (radial + slope * x**2 + 2 * p1 * y + 6 * p2 * x, mixed),
    (mixed, radial + slope * y**2 + 6 * p1 * y + 2 * p2 * x),
  )


def _radial(r2, terms):
  """Returns g(r^2) and twice its derivative, each [...]."""
  k1, k2 = terms[..., 0], terms[..., 1]
  if terms.shape[-1] == 4:
    return 1 + r2 * (k1 + r2 * k2), 2 * (k1 + 2 * r2 * k2)
  k3, k4, k5, k6 = jnp.moveaxis(terms[..., 4:], -1, 0)
  above = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
  below = 1 + r2 * (k4 + r2 * (k5 + r2 * k6))
  below = jnp.where(jnp.abs(below) < 1e-6, 1e-6, below)
  radial = above / below
  above_slope = k1 + r2 * (2 * k2 + 3 * r2 * k3)
  below_slope = k4 + r2 * (2 * k5 + 3 * r2 * k6)
  return radial, 2 * (above_slope - radial * below_slope) / below


def _last_growing(terms):
  """Finds r^2 [...] up to which the rational model keeps order."""
  radii = jnp.asarray(_RADII, terms.dtype)
  radial, slope = _radial(radii**2, terms[..., None, :])
  k4, k5, k6 = jnp.moveaxis(terms[..., 5:, None], -2, 0)
  below = 1 + radii**2 * (k4 + radii**2 * (k5 + radii**2 * k6))
  grows = (radial + slope * radii**2 > 0) & (below > 1e-6)
  count = jnp.sum(jnp.cumprod(grows, axis=-1), axis=-1)
  return jnp.where(count > 0, radii[count - 1], radii[0] / 2) ** 2
