"""Matching of strokes: every place of a picture takes after one of a painting.

Channel statistics describe a whole picture, and grain meets them as well as
strokes do. Here each place of a picture is drawn to the place of the painting
that resembles it most (nearest-neighbour feature matching: ARF, Zhang et al.
2022, section 3.3). Left to itself that lets all places take the same stroke,
blank paper where there is much of it. So places of the painting have prices
that rise with their use, as in an auction (Bertsekas 1988).
"""

import jax
import jax.numpy as jnp

_SMALLEST_SQUARE = 1e-12
_TONE_HALVINGS = 4  # blocks of 16 pixels a side
_LEAST_TONE_VARIANCE = 0.01


def unit(features: jax.Array) -> jax.Array:
  """Scales features [..., C] to length 1; those that are 0 stay 0."""
  squares = jnp.sum(jnp.square(features), axis=-1, keepdims=True)
  return features * jax.lax.rsqrt(jnp.maximum(squares, _SMALLEST_SQUARE))


def nearest(
  features: jax.Array, painting: jax.Array, prices: jax.Array | None = None
) -> jax.Array:
  """Finds the place of a painting that each place of a picture takes after.

  Args:
    features: [N, C] of the picture, of any length.
    painting: [M, C], of length 1.
    prices: [M], taken off the cosine; None: all 0.

  Returns:
    [N] int32: the place of the largest cosine after its price, the first of
    equals. No gradient passes.
  """
  cosines = unit(jax.lax.stop_gradient(features)) @ painting.T
  if prices is not None:
    cosines -= prices
  return jnp.argmax(cosines, axis=-1).astype(jnp.int32)


def matching_loss(
  features: jax.Array, painting: jax.Array, prices: jax.Array | None = None
) -> tuple[jax.Array, jax.Array]:
  """Computes how far places of a picture are from their nearest strokes.

  Args:
    features: [N, C] of the picture; learns.
    painting: [M, C] of the painting, of length 1; constant.
    prices: [M], as in `nearest`; they decide what is taken, and do not count.

  Returns:
    (mean of 1 - cosine [], in [0, 2]; place of the painting for each [N]).
  """
  taken = nearest(features, painting, prices)
  goal = jax.lax.stop_gradient(painting)[taken]
  cosine = jnp.sum(unit(features) * goal, axis=-1)
  return jnp.mean(1.0 - cosine), taken


def statistics_loss(features: jax.Array, painting: jax.Array) -> jax.Array:
  """Compares all places of a picture with all of a painting at once.

  What matching is measured against: the same features, and channel statistics
  as in AdaIN's style loss.

  Args:
    features: [N, C] of the picture, of any length; learns.
    painting: [M, C], of length 1; constant.

  Returns:
    Scalar: squared differences of the channels' means and deviations over
    places, summed over channels of features of length 1.
  """
  features, painting = unit(features), jax.lax.stop_gradient(painting)
  difference = features.mean(0) - painting.mean(0)
  # Where a channel is 0 everywhere a root has no gradient.
  spread = jnp.sqrt(features.var(0) + 1e-8) - jnp.sqrt(painting.var(0) + 1e-8)
  return jnp.sum(jnp.square(difference) + jnp.square(spread))


def shares(taken: jax.Array, places: int) -> jax.Array:
  """Counts what share of N places took each of M: [N] int32 to [M]."""
  ones = jnp.ones(taken.shape, jnp.float32)
  return jnp.zeros(places, jnp.float32).at[taken].add(ones) / taken.size


def next_prices(
  prices: jax.Array, share: jax.Array, *, rate: float, limit: float
) -> jax.Array:
  """Raises the price of what was taken often, and lowers that of the rest.

  Args:
    prices: [M], cosines.
    share: [M], of the places that took each; sums to 1.
    rate: of change where every place is taken twice as often as the mean.
    limit: largest price.

  Returns:
    [M], prices + rate (M share - 1), within [0, limit].
  """
  demand = prices.shape[-1] * share - 1.0
  return jnp.clip(prices + rate * demand, 0.0, limit)


def content_loss(features: jax.Array, target: jax.Array) -> jax.Array:
  """Compares features with those of the picture that is to stay readable.

  Args:
    features: [..., C]; learns.
    target: the same shape; constant.

  Returns:
    Scalar, the mean squared difference over the target's mean square: of a
    pale drawing and of an oil painting it counts alike.
  """
  target = jax.lax.stop_gradient(target)
  scale = jnp.mean(jnp.square(target)) + 1e-6
  return jnp.mean(jnp.square(features - target)) / scale


def tone_loss(images: jax.Array, target: jax.Array) -> jax.Array:
  """Compares colours of blocks of 16x16 pixels, within which strokes are free.

  Features hardly tell a dim picture from a bright one, so that matching alone
  may let the light and dark of a scene sink into a painting's ground.

  Args:
    images: [N, H, W, 3], 16 pixels a side or more; learns.
    target: the same shape, in the painting's palette; constant.

  Returns:
    Scalar, the mean squared difference of blocks over the variance of the
    target's blocks, or over 0.01 where that is less.
  """
  blocks, goal = images, jax.lax.stop_gradient(target)
  for _ in range(_TONE_HALVINGS):
    blocks, goal = halved(blocks), halved(goal)
  scale = jnp.maximum(goal.var((0, 1, 2)).mean(), _LEAST_TONE_VARIANCE)
  return jnp.mean(jnp.square(blocks - goal)) / scale


def total_variation(images: jax.Array) -> jax.Array:
  """Computes how much neighbouring pixels differ.

  Args:
    images: [N, H, W, 3].

  Returns:
    Scalar, the mean squared difference to the next row, and to the next
    column, added.
  """
  rows, columns = jnp.diff(images, axis=1), jnp.diff(images, axis=2)
  return jnp.mean(jnp.square(rows)) + jnp.mean(jnp.square(columns))


def halved(images: jax.Array) -> jax.Array:
  """Averages blocks of 2x2 pixels: [N, H, W, C] to [N, H // 2, W // 2, C]."""
  count, height, width, channels = images.shape
  height, width = height // 2, width // 2
  blocks = images[:, : 2 * height, : 2 * width].reshape(
    count, height, 2, width, 2, channels
  )
  return blocks.mean((2, 4))
