"""Volume rendering quadrature: from densities along a ray to one pixel.

Sample k of a ray stands for an interval of world length delta_k. Its weight
is T_k alpha_k, with alpha_k = 1 - exp(-sigma_k delta_k) and the transmittance
T_k = exp(-sum over j < k of sigma_j delta_j). Weights are not negative and
sum to the pixel's opacity, at most 1.
"""

import jax.numpy as jnp


def alpha_weights(densities, deltas):
  """Computes each sample's share of its pixel (NeRF, equation 3).

  Args:
    densities: [..., K], at least 0, per unit of length.
    deltas: [..., K], at least 0, lengths of the intervals; may be huge.

  Returns:
    [..., K], weights in [0, 1] that sum to at most 1 (up to rounding).
  """
  thickness = densities * deltas
  # Shifting before summing, rather than subtracting the own term, keeps
  # infinite intervals from turning into inf - inf.
  before = jnp.concatenate(
    [jnp.zeros_like(thickness[..., :1]), thickness[..., :-1]], axis=-1
  )
  transmittance = jnp.exp(-jnp.cumsum(before, axis=-1))
  return transmittance * -jnp.expm1(-thickness)


def composite(weights, values):
  """Sums values along the ray by weight.

  Args:
    weights: [..., K].
    values: [..., K, C], for example colours in [0, 1].

  Returns:
    [..., C], black where the ray hits nothing.
  """
  # A reduction, not a matrix product: C is 3, and full precision is kept on
  # devices whose products round to fewer bits.
  return jnp.sum(weights[..., None] * values, axis=-2)


def opacity(weights):
  """Sums the weights [..., K] of each ray: [...], 0 empty to 1 opaque."""
  return jnp.sum(weights, axis=-1)


def expected_t(weights, t):
  """Computes the mean ray parameter of what a ray hits.

  Args:
    weights: [..., K].
    t: [..., K], ray parameters.

  Returns:
    [...], sum(w t) / max(sum w, 1e-6): 0 where nothing is hit.
  """
  total = jnp.sum(weights * t, axis=-1)
  return total / jnp.maximum(opacity(weights), 1e-6)


def deltas_from_points(t, direction_norms, *, last: float = 1e10):
  """Lengths from each sample to the next.

  Args:
    t: [..., K], increasing ray parameters.
    direction_norms: [...], lengths of the ray directions, one a ray.
    last: extent in t of the last sample, which has no successor.

  Returns:
    [..., K], in units of the ray space.
  """
  tail = jnp.full_like(t[..., :1], last)
  steps = jnp.concatenate([t[..., 1:] - t[..., :-1], tail], axis=-1)
  return steps * direction_norms[..., None]


def deltas_from_edges(edges, direction_norms):
  """Lengths of the intervals between edges.

  Args:
    edges: [..., K + 1], increasing ray parameters.
    direction_norms: [...], lengths of the ray directions, one a ray.

  Returns:
    [..., K], in units of the ray space.
  """
  return (edges[..., 1:] - edges[..., :-1]) * direction_norms[..., None]
