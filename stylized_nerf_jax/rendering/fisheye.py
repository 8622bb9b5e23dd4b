"""OpenCV's fisheye lens, and its inverse.

A direction at the angle theta from the optical axis comes to lie at the
normalised radius

  theta (1 + k1 theta^2 + k2 theta^4 + k3 theta^6 + k4 theta^8),

in the plane that it spans with the axis. Angles beyond a right one, behind the
camera, are as good as any. Both ways have derivatives of any order with
respect to angles, radii and terms; those of the inverse come from the implicit
function theorem.
"""

import jax
import jax.numpy as jnp
import numpy as np

# Newton's steps; where one would leave what is left of the interval, it is
# halved instead, so that each gains at least one binary digit.
_STEPS = 16
# Angles at which the lens is looked at for a fold.
_ANGLES = np.linspace(np.pi / 180, np.pi, 180)


def largest_angle(terms):
  """Finds the angle up to which the lens keeps order along a radius.

  Args:
    terms: [..., 4], k1, k2, k3, k4.

  Returns:
    [...], whole degrees in radians, at most pi.
  """
  angles = jnp.asarray(_ANGLES, terms.dtype)
  _, slope = _radius(angles, terms[..., None, :])
  count = jnp.sum(jnp.cumprod(slope > 0, axis=-1), axis=-1)
  return jnp.where(count > 0, angles[count - 1], angles[0] / 2)


def distort(theta, terms):
  """Returns the normalised radius of angles [...] off the axis, radians.

  Args:
    theta: [...].
    terms: [..., 4], broadcast against it.
  """
  return _radius(theta, terms)[0]


def undistort(radius, terms):
  """Inverts `distort` by a fixed number of guarded Newton steps.

  Args:
    radius: [...], normalised, not negative.
    terms: [..., 4], broadcast against it.

  Returns:
    [...], angles in radians; radii that no angle reaches get the largest, and
    their derivatives are 0.
  """
  shape = jnp.broadcast_shapes(radius.shape, terms.shape[:-1])
  return _undistort(
    jnp.broadcast_to(radius, shape), jnp.broadcast_to(terms, (*shape, 4))
  )


@jax.custom_jvp
def _undistort(radius, terms):
  """Inverts `distort` for arguments of equal leading dimensions."""
  limit = largest_angle(terms)
  high = limit

  def step(carry, _):
    theta, low, high = carry
    value, slope = _radius(theta, terms)
    low = jnp.where(value < radius, theta, low)
    high = jnp.where(value > radius, theta, high)
    newton = theta - (value - radius) / jnp.where(slope > 1e-6, slope, 1.0)
    # An exact hit leaves Newton's step where it is.
    good = (slope > 1e-6) & (newton >= low) & (newton <= high)
    return (jnp.where(good, newton, (low + high) / 2), low, high), None

  first = (jnp.minimum(radius, high), jnp.zeros_like(radius), high)
  (theta, _, _), _ = jax.lax.scan(step, first, None, length=_STEPS)
  return jnp.minimum(theta, limit)


@_undistort.defjvp
def _undistort_jvp(primals, tangents):
  """Moves the angle such that its radius moves as asked for."""
  radius, terms = primals
  theta = _undistort(radius, terms)
  _, by_terms = jax.jvp(
    lambda terms: distort(theta, terms), (terms,), (tangents[1],)
  )
  _, slope = _radius(theta, terms)
  good = (theta < largest_angle(terms)) & (slope > 1e-6)
  moved = (tangents[0] - by_terms) / jnp.where(good, slope, 1.0)
  return theta, jnp.where(good, moved, 0.0)


def _radius(theta, terms):
  """Returns the normalised radius of angles, and its derivative: [...]."""
  k1, k2, k3, k4 = jnp.moveaxis(terms, -1, 0)
  t2 = theta**2
  radial = 1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4)))
  slope = 1 + t2 * (3 * k1 + t2 * (5 * k2 + t2 * (7 * k3 + t2 * 9 * k4)))
  return theta * radial, slope
