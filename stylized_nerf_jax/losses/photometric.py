"""Losses that fit a radiance field to photographs.

Every loss is a scalar: summed over the samples of a ray where the source
equation is a sum, and averaged over rays. Histograms are given by increasing
edges [..., N + 1] and weights [..., N].
"""

import jax
import jax.numpy as jnp

_EPSILON = 1e-7


def grid_decay(tables):
  """Keeps grid features small where photographs ask for nothing (Zip-NeRF).

  The mean, not the sum, of each level: otherwise the few entries of a coarse
  level, which many rays hit, would hardly feel it.

  Args:
    tables: levels of [entries, features].

  Returns:
    Scalar: the sum over levels of the mean square.
  """
  return sum(jnp.mean(jnp.square(table)) for table in tables)


def mse(rendered, target):
  """Averages the squared error of colours [..., 3] in [0, 1]."""
  return jnp.mean((rendered - target) ** 2)


def mse_to_psnr(mean_squared_error):
  """Converts errors [...] of values in [0, 1] to decibels, at most 100."""
  return -10.0 * jnp.log10(jnp.maximum(mean_squared_error, 1e-10))


def interlevel_loss(edges, weights, proposal_edges, proposal_weights):
  """Penalises a proposal that holds too little (mip-NeRF 360, equation 13).

  An interval's weight may not exceed the sum of the proposal weights of all
  intervals that overlap it.

  Args:
    edges: [..., N + 1], of the final samples; constant.
    weights: [..., N], of the final samples; constant.
    proposal_edges: [..., M + 1]; constant.
    proposal_weights: [..., M]; what learns.

  Returns:
    Scalar, at least 0; 0 where the proposal bounds the weights.
  """
  edges, weights, proposal_edges = jax.lax.stop_gradient(
    (edges, weights, proposal_edges)
  )
  begins = proposal_edges[..., None, :-1] < edges[..., 1:, None]
  ends = proposal_edges[..., None, 1:] > edges[..., :-1, None]
  overlap = begins & ends
  bound = jnp.sum(
    jnp.where(overlap, proposal_weights[..., None, :], 0.0), axis=-1
  )
  excess = jnp.maximum(weights - bound, 0.0)
  return jnp.mean(jnp.sum(excess**2 / (weights + _EPSILON), axis=-1))


def distortion_loss(edges, weights):
  """Gathers each ray's weight in one place (mip-NeRF 360, equation 15).

  Args:
    edges: [..., N + 1], increasing, normalised so that near is 0 and far 1.
    weights: [..., N].

  Returns:
    Scalar: the sum over pairs of w_i w_j |m_i - m_j|, m the midpoints, plus a
    third of the sum of w_i^2 times the interval's length.
  """
  middles = 0.5 * (edges[..., 1:] + edges[..., :-1])
  lengths = edges[..., 1:] - edges[..., :-1]
  # Midpoints increase, so pairs need no absolute value and their sum takes
  # two running sums instead of N^2 terms.
  weight_before = jnp.cumsum(weights, axis=-1) - weights
  moments = weights * middles
  moment_before = jnp.cumsum(moments, axis=-1) - moments
  apart = 2.0 * weights * (middles * weight_before - moment_before)
  within = weights**2 * lengths / 3.0
  return jnp.mean(jnp.sum(apart + within, axis=-1))


def haze_loss(fractions, weights, until: float = 0.25):
  """Measures what weighs just before a camera.

  No other camera sees what hangs there, so it may be anything: haze, in the
  colours that this one sees behind it (occlusion regularisation, FreeNeRF, Yang
  et al. 2023, section 3.4; there of densities, here of weights).

  Args:
    fractions: [..., K], where samples are on the way from near, 0, to far, 1;
      constant.
    weights: [..., K].
    until: share of the way that counts.

  Returns:
    Scalar: the sum of w_i (1 - f_i / until), f the fractions before `until`.
  """
  fractions = jax.lax.stop_gradient(fractions)
  nearness = jnp.maximum(1.0 - fractions / until, 0.0)
  return jnp.mean(jnp.sum(weights * nearness, axis=-1))
