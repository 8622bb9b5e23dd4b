"""Sample positions along rays.

Ray parameters `t` live between a ray's `near` and `far`. Intervals are given
by their N + 1 increasing edges, a histogram by the mass of each interval.
Positions depend on the key only: without one they are deterministic, so that
two renders of one camera agree to the bit. No gradient flows through a
sampled position.
"""

import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.rendering import spacing as spacing_lib

# Interior edges move by at most half an interval; stopping just short of it
# keeps two neighbours apart in float32.
_EDGE_JITTER = 0.98


def stratified(key, near, far, num_samples: int, *, spacing: str = "linear"):
  """Draws one position in each of `num_samples` equal bins of a ray.

  Args:
    key: random key, or None for the middle of every bin.
    near: [..., 1], start of the ray.
    far: [..., 1], end of the ray, beyond `near`.
    num_samples: number of bins, K.
    spacing: what bins are equal in; see `spacing.py`.

  Returns:
    [..., K], increasing, in [near, far].

  Raises:
    ValueError: for a count below 1 or an unknown spacing.
  """
  _check_count("num_samples", num_samples)
  near, far = _broadcast_ends(near, far)
  bins = jnp.arange(num_samples, dtype=near.dtype)
  offset = 0.5
  if key is not None:
    shape = near.shape[:-1] + (num_samples,)
    offset = jax.random.uniform(key, shape, near.dtype)
  return spacing_lib.place((bins + offset) / num_samples, near, far, spacing)


def interval_edges(
  key, near, far, num_intervals: int, *, spacing: str = "linear"
):
  """Cuts a ray into intervals whose edges increase strictly.

  Args:
    key: random key, which moves the inner edges by up to half an interval;
      None for equal intervals.
    near: [..., 1], the first edge.
    far: [..., 1], the last edge, beyond `near`.
    num_intervals: number of intervals, N.
    spacing: what equal intervals are equal in; see `spacing.py`.

  Returns:
    [..., N + 1], from exactly `near` to exactly `far`.

  Raises:
    ValueError: for a count below 1 or an unknown spacing.
  """
  _check_count("num_intervals", num_intervals)
  near, far = _broadcast_ends(near, far)
  inner = jnp.arange(1, num_intervals, dtype=near.dtype)
  if key is not None:
    shape = near.shape[:-1] + (num_intervals - 1,)
    jitter = jax.random.uniform(key, shape, near.dtype, -0.5, 0.5)
    inner = inner + _EDGE_JITTER * jitter
  inner = spacing_lib.place(inner / num_intervals, near, far, spacing)
  inner = jnp.broadcast_to(inner, near.shape[:-1] + (num_intervals - 1,))
  return jnp.concatenate([near, inner, far], axis=-1)


def inverse_cdf(key, edges, weights, num_samples: int, *, padding=1e-5):
  """Draws sorted positions from a piecewise constant density.

  Args:
    key: random key for one draw in each of K equal strata of probability;
      None for the centres of the strata, the quantiles (i + 0.5) / K.
    edges: [..., N + 1], increasing.
    weights: [..., N], mass of each interval, not negative; any scale.
    num_samples: number of positions, K.
    padding: mass added to every interval, so that none is never visited.
      Where the total is still zero, all intervals count the same.

  Returns:
    [..., K], increasing, in [edges[..., 0], edges[..., -1]]; constant for
    gradients.

  Raises:
    ValueError: for a count below 1, or edges and weights that do not match.
  """
  _check_count("num_samples", num_samples)
  offset = 0.5
  if key is not None:
    rays = jnp.broadcast_shapes(edges.shape[:-1], weights.shape[:-1])
    offset = jax.random.uniform(key, (*rays, num_samples), weights.dtype)
  u = (jnp.arange(num_samples, dtype=weights.dtype) + offset) / num_samples
  return quantiles(u, edges, weights, padding=padding)


def quantiles(u, edges, weights, *, padding=1e-5):
  """Finds the positions below which given shares of a histogram's mass lie.

  Args:
    u: [..., K], shares, in [0, 1).
    edges: [..., N + 1], increasing.
    weights: [..., N], mass of each interval, not negative; any scale.
    padding: mass added to every interval, or [..., 1] of each ray's. Where
      the total is still zero, all intervals count the same.

  Returns:
    [..., K], in [edges[..., 0], edges[..., -1]], in the order of the shares;
    constant for gradients.

  Raises:
    ValueError: edges and weights do not match.
  """
  edges, weights = _match_histogram(edges, weights)
  cdf = _cumulative(weights, padding)
  return jax.lax.stop_gradient(_invert(u, cdf, edges))


def resample_edges(key, edges, weights, num_intervals: int, *, padding=1e-5):
  """Cuts a ray into intervals that are narrow where a histogram has mass.

  The inner edges are the midpoints of sorted samples; the outer ones lie as
  far outside the extreme samples as the nearest inner edge lies inside,
  clipped to the old interval (mip-NeRF 360).

  Args:
    key: random key or None, as in `inverse_cdf`.
    edges: [..., N + 1], increasing.
    weights: [..., N], mass of each interval, not negative.
    num_intervals: number of new intervals, M.
    padding: as in `inverse_cdf`.

  Returns:
    [..., M + 1], increasing, in [edges[..., 0], edges[..., -1]]; constant
    for gradients.

  Raises:
    ValueError: for a count below 2, or edges and weights that do not match.
  """
  _check_count("num_intervals", num_intervals, least=2)
  edges, weights = _match_histogram(edges, weights)
  t = inverse_cdf(key, edges, weights, num_intervals, padding=padding)
  first_edge = jax.lax.stop_gradient(edges[..., :1])
  last_edge = jax.lax.stop_gradient(edges[..., -1:])
  inner = 0.5 * (t[..., 1:] + t[..., :-1])
  first = jnp.maximum(2 * t[..., :1] - inner[..., :1], first_edge)
  last = jnp.minimum(2 * t[..., -1:] - inner[..., -1:], last_edge)
  return jnp.concatenate([first, inner, last], axis=-1)


def union_sorted(t_coarse, t_fine):
  """Merges two sets of positions into one that increases.

  Args:
    t_coarse: [..., Kc].
    t_fine: [..., Kf].

  Returns:
    [..., Kc + Kf], increasing.
  """
  return jnp.sort(jnp.concatenate([t_coarse, t_fine], axis=-1), axis=-1)


def refine(key, t_coarse, weights, num_fine: int):
  """Adds positions where a coarse pass found weight (NeRF, section 5.2).

  The coarse samples' midpoints bound the intervals; the two extreme samples,
  whose extent is open, give none.

  Args:
    key: random key or None, as in `inverse_cdf`.
    t_coarse: [..., K], increasing, at least three.
    weights: [..., K], rendering weights of the coarse samples.
    num_fine: number of positions to add.

  Returns:
    [..., K + num_fine], increasing; constant for gradients.

  Raises:
    ValueError: for fewer than three samples or a count below 1.
  """
  _check_count("number of coarse samples", t_coarse.shape[-1], least=3)
  edges = 0.5 * (t_coarse[..., 1:] + t_coarse[..., :-1])
  t_fine = inverse_cdf(key, edges, weights[..., 1:-1], num_fine)
  return jax.lax.stop_gradient(union_sorted(t_coarse, t_fine))


def _cumulative(weights, padding):
  """Cumulative distribution at the edges, [..., N + 1], exactly 0 to 1."""
  mass = weights + padding
  total = jnp.sum(mass, axis=-1, keepdims=True)
  mass = jnp.where(total > 0, mass, 1.0)
  total = jnp.where(total > 0, total, float(weights.shape[-1]))
  inner = jnp.minimum(jnp.cumsum(mass[..., :-1] / total, axis=-1), 1.0)
  zero = jnp.zeros_like(total)
  return jnp.concatenate([zero, inner, jnp.ones_like(total)], axis=-1)


def _invert(u, cdf, edges):
  """Reads the inverse of `cdf` at u, [..., K]."""
  # Comparing all pairs beats a binary search for a few hundred edges.
  passed = u[..., :, None] >= cdf[..., None, 1:-1]
  index = jnp.sum(passed, axis=-1)
  low, high = _take(edges, index), _take(edges, index + 1)
  below, above = _take(cdf, index), _take(cdf, index + 1)
  fraction = (u - below) / jnp.maximum(above - below, 1e-12)
  return jnp.clip(low + fraction * (high - low), low, high)


def _take(values, index):
  return jnp.take_along_axis(values, index, axis=-1)


def _broadcast_ends(near, far):
  """Ends of the rays as arrays [..., 1] of one shape and a float type."""
  near, far = jnp.atleast_1d(near), jnp.atleast_1d(far)
  near, far = jnp.broadcast_arrays(near, far)
  if near.shape[-1] != 1:
    raise user_error.UserError(
      f"near and far have shape {near.shape}; expected one value a ray, "
      "shape [..., 1]"
    )
  dtype = jnp.result_type(near.dtype, far.dtype, jnp.float32)
  return near.astype(dtype), far.astype(dtype)


def _check_count(name, count, *, least=1):
  if count < least:
    raise user_error.UserError(f"{name} is {count}; expected at least {least}")


def _match_histogram(edges, weights):
  """Broadcasts edges [..., N + 1] and weights [..., N] to the same rays."""
  if edges.shape[-1] != weights.shape[-1] + 1:
    raise user_error.UserError(
      f"edges {edges.shape} and weights {weights.shape} do not match: N "
      "weights need N + 1 edges"
    )
  rays = jnp.broadcast_shapes(edges.shape[:-1], weights.shape[:-1])
  return (
    jnp.broadcast_to(edges, rays + edges.shape[-1:]),
    jnp.broadcast_to(weights, rays + weights.shape[-1:]),
  )
