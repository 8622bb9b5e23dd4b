"""Front-to-back compositing of splats on tiles, and its gradient.

What a splat hides of a pixel is exp of a polynomial of the pixel's place in its
tile, so that exponents and their gradients are matrix products. A loop walks
through the splats of a tile, some at once, for as long as a tile of its block
has any left: memory is that of the pixels, whatever the number of splats. The
gradient walks once more, front to back, with what is still to come taken from
the finished pixel.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.splatting import projection, tiles

# As viewers do: nothing hides all that is behind it.
_MOST_ALPHA = 0.99
# Tiles of a block, at most, and splats of a step.
_BLOCK = 128
_STEP = 16


def composite(
  ellipses: projection.Ellipses,
  colors: jax.Array,
  plan: tiles.Plan,
  columns: int,
) -> tuple[jax.Array, jax.Array]:
  """Draws the tiles of a plan.

  Args:
    ellipses: N, of the picture.
    colors: [N, C], any channels.
    plan: of T tiles.
    columns: of tiles in the picture.

  Returns:
    (sums of colours by weight [T, SIDE, SIDE, C], what passes all splats
    [T, SIDE, SIDE]), in the order of the plan.
  """
  side = tiles.SIDE
  if not len(colors):
    empty = jnp.ones((len(plan.tile), side, side), colors.dtype)
    return jnp.zeros((*empty.shape, colors.shape[1]), colors.dtype), empty
  values = jnp.concatenate(
    [
      ellipses.xy,
      ellipses.conic,
      jnp.log(jnp.maximum(ellipses.opacity, 1e-9))[:, None],
      colors,
    ],
    axis=-1,
  )
  count, most = plan.index.shape
  block = min(_BLOCK, count)
  missing = -count % block
  index = jnp.pad(plan.index, ((0, missing), (0, -most % _STEP)))
  counts = jnp.pad(plan.counts, (0, missing))
  corner = jnp.stack([plan.tile % columns, plan.tile // columns], axis=-1)
  middle = jnp.pad((corner + 0.5) * side, ((0, missing), (0, 0)))
  found = _draw(
    values,
    jnp.swapaxes(index.reshape(-1, block, index.shape[1]), 1, 2),
    counts.reshape(-1, block),
    middle.reshape(-1, block, 2),
  )  # [blocks, C + 1, B, P]
  found = jnp.moveaxis(found, 1, -1).reshape(-1, side, side, found.shape[1])[
    :count
  ]
  return found[..., :-1], found[..., -1]


@jax.custom_vjp
def _draw(values, index, counts, middle):
  """Draws blocks of tiles: [blocks, C + 1, B, P], what passes is the last."""
  channels = values.shape[1] - 6

  def one(block):
    index, counts, middle = block
    factors, _, colors = _listed(values, index, middle)

    def step(k, state):
      through, sums = state
      alpha, _ = _alpha(_cut(factors, k), k, counts)
      before, through = _through(alpha, through)
      weight = alpha * before
      return through, sums + _weighted(weight, _cut(colors, k))

    first = (
      jnp.zeros((len(counts), tiles.SIDE**2), values.dtype),
      jnp.zeros((channels, len(counts), tiles.SIDE**2), values.dtype),
    )
    through, sums = jax.lax.fori_loop(0, _steps(counts), step, first)
    return jnp.concatenate([sums, jnp.exp(through)[None]])

  return jax.lax.map(one, (index, counts, middle))


def _draw_forward(values, index, counts, middle):
  found = _draw(values, index, counts, middle)
  return found, (values, index, counts, middle, found)


def _draw_backward(saved, slopes):
  values, *blocks, found = saved

  def one(total, block):
    index, counts, middle, found, slopes = block
    factors, places, colors = _listed(values, index, middle)
    # What the pixel is worth in all: colours behind m come from what is left.
    left = jnp.sum(found * slopes, axis=0)

    def step(k, state):
      through, left, by_factors, by_colors = state
      cut, color = _cut(factors, k), _cut(colors, k)
      alpha, free = _alpha(cut, k, counts)
      before, through = _through(alpha, through)
      weight = alpha * before
      worth = weight * sum(
        slopes[c] * color[:, :, c, None] for c in range(color.shape[2])
      )
      behind = left - _summed(_UP_TO, worth)
      by_log = worth - behind * alpha / (1.0 - alpha)
      by_log = jnp.where(free, by_log, 0.0)
      return (
        through,
        left - worth.sum(axis=0),
        _put(by_factors, _product(by_log, _BASIS.T), k),
        _put(by_colors, _by_color(weight, slopes[:-1]), k),
      )

    first = (
      jnp.zeros_like(left),
      left,
      jnp.zeros_like(factors[..., :6]),
      jnp.zeros_like(colors),
    )
    *_, by_factors, by_colors = jax.lax.fori_loop(
      0, _steps(counts), step, first
    )
    rows = jnp.concatenate([_by_place(by_factors, places), by_colors], axis=-1)
    return total.at[index].add(rows), None

  total, _ = jax.lax.scan(one, jnp.zeros_like(values), (*blocks, found, slopes))
  return total, None, None, None


_draw.defvjp(_draw_forward, _draw_backward)


def _basis() -> np.ndarray:
  """Monomials of pixels about the middle of their tile: [6, P]."""
  inside = np.arange(tiles.SIDE) + 0.5 - tiles.SIDE / 2
  x, y = (grid.ravel() for grid in np.meshgrid(inside, inside))
  return np.stack([x * x, x * y, y * y, x, y, 1 + 0 * x]).astype(np.float32)


_BASIS = _basis()
_STRICT = np.tril(np.ones((_STEP, _STEP), np.float32), -1)
_UP_TO = np.tril(np.ones((_STEP, _STEP), np.float32))


# Exponents need all bits: some devices round what goes into products.
_product = functools.partial(jnp.matmul, precision="highest")
_summed = functools.partial(jnp.tensordot, axes=1, precision="highest")


def _steps(counts):
  return (counts.max() + _STEP - 1) // _STEP


def _cut(values, k):
  return jax.lax.dynamic_slice_in_dim(values, k * _STEP, _STEP, axis=0)


def _put(values, part, k):
  return jax.lax.dynamic_update_slice_in_dim(values, part, k * _STEP, axis=0)


def _weighted(weight, colors):
  """Sums colours [m, B, C] by weight [m, B, P]: [C, B, P]."""
  return jnp.stack(
    [
      jnp.sum(weight * colors[:, :, c, None], axis=0)
      for c in range(colors.shape[2])
    ]
  )


def _by_color(weight, slopes):
  return jnp.stack(
    [jnp.sum(weight * slope, axis=-1) for slope in slopes], axis=-1
  )


def _through(alpha, logs):
  """Returns what reaches each of m splats, and the logarithm of the rest."""
  passed = jnp.log1p(-alpha)
  before = _summed(_STRICT, passed)
  return jnp.exp(before + logs), logs + passed.sum(axis=0)


def _listed(values, index, middle):
  """Gathers what tiles draw, index [M, B].

  Returns:
    (coefficients of the basis and the least exponent drawn [M, B, 7], (dx, dy,
    conic) [M, B, 5], colours [M, B, C]).
  """
  rows = values[index]
  dx, dy = rows[..., 0] - middle[:, 0], rows[..., 1] - middle[:, 1]
  a, b, c, log = (rows[..., k] for k in range(2, 6))
  factors = jnp.stack(
    [
      -0.5 * a,
      -b,
      -0.5 * c,
      a * dx + b * dy,
      b * dx + c * dy,
      log - 0.5 * (a * dx * dx + 2.0 * b * dx * dy + c * dy * dy),
      jnp.maximum(
        log - 0.5 * projection.LARGEST_EXPONENT,
        np.log(projection.LEAST_ALPHA),
      ),
    ],
    axis=-1,
  )
  return factors, jnp.stack([dx, dy, a, b, c], axis=-1), rows[..., 6:]


def _by_place(by, places):
  """Turns slopes by coefficients [M, B, 7] into those by place: [M, B, 6]."""
  dx, dy, a, b, c = (places[..., k] for k in range(5))
  xx, xy, yy, x, y, one = (by[..., k] for k in range(6))
  by_dx = a * x + b * y - one * (a * dx + b * dy)
  by_dy = b * x + c * y - one * (b * dx + c * dy)
  return jnp.stack(
    [
      by_dx,
      by_dy,
      -0.5 * xx + dx * x - 0.5 * dx * dx * one,
      -xy + dy * x + dx * y - dx * dy * one,
      -0.5 * yy + dy * y - 0.5 * dy * dy * one,
      one,
    ],
    axis=-1,
  )


def _alpha(factors, k, counts):
  """Returns what splats [m, B, 7] hide of their pixels, and where it follows.

  Returns:
    (alpha [m, B, P], bool [m, B, P]).
  """
  log = _product(factors[..., :6], _BASIS)
  drawn = (k * _STEP + jnp.arange(_STEP))[:, None] < counts
  least = jnp.where(drawn, factors[..., 6], jnp.inf)
  seen = log >= least[..., None]
  alpha = jnp.where(seen, jnp.exp(log), 0.0)
  return jnp.minimum(alpha, _MOST_ALPHA), seen & (alpha < _MOST_ALPHA)
