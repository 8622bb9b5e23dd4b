"""Fewer samples of a ray that composite to nearly the same colour.

Samples are left out one after the other. What a sample weighed goes to the two
that are left beside it, as much to each as linear interpolation between their
places asks for: a quantity that is linear between them, the place itself among
them, keeps its sum. An outermost sample has one beside it, which gets all.
"""

import jax
import jax.numpy as jnp


def thin(
  places: jax.Array, weights: jax.Array, count: int
) -> tuple[jax.Array, jax.Array]:
  """Leaves out samples of rays until K are left.

  The next to go is the one of least weight times the square root of the
  distance to its nearer neighbour, of those that are left. Of several the
  first.

  Args:
    places: [..., N], along the ray, not decreasing.
    weights: [..., N], at least 0.
    count: samples to keep, K, 1 to N.

  Returns:
    (weights of those kept [..., K], which sum to those of all; which they are,
    int32 [..., K], increasing).
  """
  total = places.shape[-1]
  order = jnp.arange(total, dtype=jnp.int32)

  def leave_one_out(step, kept):
    places, weights, index = kept
    last = total - 1 - step
    gap = places[..., 1:] - places[..., :-1]
    none = jnp.full_like(places[..., :1], jnp.inf)
    before = jnp.concatenate([none, gap], axis=-1)
    # What lies behind the last are places of those that have gone.
    after = jnp.concatenate([gap, none], axis=-1)
    after = jnp.where(order < last, after, jnp.inf)
    cost = jnp.square(weights) * jnp.minimum(before, after)
    cost = jnp.where(order <= last, cost, jnp.inf)
    gone = jnp.argmin(cost, axis=-1, keepdims=True)

    def of_gone(values):
      return jnp.take_along_axis(values, gone, axis=-1)

    to_next = of_gone(before) / jnp.maximum(
      of_gone(before) + of_gone(after), jnp.finfo(places.dtype).tiny
    )
    to_next = jnp.where(gone == 0, 1.0, jnp.where(gone == last, 0.0, to_next))
    share = jnp.where(order == gone - 1, 1.0 - to_next, 0.0)
    share = jnp.where(order == gone + 1, to_next, share)
    weights += of_gone(weights) * share
    return jax.tree.map(
      lambda values: jnp.where(
        order < gone, values, jnp.roll(values, -1, axis=-1)
      ),
      (places, weights, index),
    )

  index = jnp.broadcast_to(order, places.shape)
  _, weights, index = jax.lax.fori_loop(
    0, total - count, leave_one_out, (places, weights, index)
  )
  return weights[..., :count], index[..., :count]
