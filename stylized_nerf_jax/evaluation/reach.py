"""What matching of strokes reaches where no other frame has a say.

The pixels of one frame are optimised by themselves: first its palette in closed
form, then every place drawn to its nearest stroke (`losses.matching`), at half
of the size and at the whole, then the palette again (ARF, Zhang et al. 2022,
sections 3.3 and 3.4, on pixels in place of a field). Nothing ties frames
together, so that this is no method for films; it says how much of a painting a
style field could show, and what its realism and coverage may be held against.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.evaluation import strokes
from stylized_nerf_jax.losses import matching
from stylized_nerf_jax.stylizer import palette, pretrained, vgg

# At half of the size, and at the whole.
STEPS = (60, 30)
# Halves are left out below it: their features would be a handful.
_SMALLEST_HALF = 32
_CONTENT_WEIGHT = 0.05
_VARIATION_WEIGHT = 0.2
_LEARNING_RATE = 0.03
# Of places of the painting; see `matching.next_prices`.
_PRICE_RATE, _HIGHEST_PRICE = 0.005, 0.3

_optimizer = optax.inject_hyperparams(optax.adam)(_LEARNING_RATE)


def match_frame(
  frame: np.ndarray,
  painting: np.ndarray,
  encoder: pretrained.Encoder,
  *,
  steps: tuple[int, int] = STEPS,
  advance: Callable[[], None] = lambda: None,
) -> np.ndarray:
  """Optimise the pixels of one frame to a painting's strokes.

  Args:
    frame: [H, W, 3] in [0, 1], unstylized.
    painting: [h, w, 3] in [0, 1], at the size that styles are learned in.
    encoder: of `pretrained.load_stroke_encoder`.
    steps: at half of the size, and at the whole.
    advance: called after every step, for progress bars.

  Returns:
    [H, W, 3] in [0, 1]. A step at the whole size takes about 1 MFLOP a pixel.
  """
  start = _with_palette_of(painting, frame)
  image = start
  if steps[0] and min(*frame.shape[:2], *painting.shape[:2]) >= (
    2 * _SMALLEST_HALF
  ):
    small = _halved(start)
    moved = _match(small, _halved(painting), encoder, steps[0], advance)
    # What was changed is enlarged, so that the frame's own detail stays.
    change = jax.image.resize(moved - small, start.shape, "linear")
    image = jnp.clip(start + change, 0.0, 1.0)
  image = _match(image, painting, encoder, steps[1], advance, content=start)
  return _with_palette_of(painting, np.asarray(image))


def count_steps(steps: tuple[int, int] = STEPS) -> int:
  """Tell how often `match_frame` calls `advance` at most."""
  return sum(steps)


def _with_palette_of(painting: np.ndarray, image: np.ndarray) -> np.ndarray:
  """Give a picture the painting's mean and covariance of colours."""
  colors = palette.transfer(
    palette.statistics(image.reshape(-1, 3)),
    palette.statistics(painting.reshape(-1, 3)),
  )
  moved = palette.apply(image, *(np.float32(value) for value in colors))
  return np.clip(np.asarray(moved), 0.0, 1.0)


def _halved(image: np.ndarray) -> jax.Array:
  return matching.halved(jnp.asarray(image)[None])[0]


def _match(
  image: jax.Array,
  painting: jax.Array,
  encoder: pretrained.Encoder,
  steps: int,
  advance: Callable[[], None],
  *,
  content: jax.Array | None = None,
) -> jax.Array:
  """Take some steps at one size.

  Args:
    image: where they begin, [H, W, 3].
    painting: [h, w, 3].
    encoder: of strokes.
    steps: how many.
    advance: called after each.
    content: the picture that is to stay readable; None: `image`.

  Returns:
    [H, W, 3] in [0, 1].
  """
  layout, params = encoder.layout, encoder.params
  image = jnp.asarray(image)
  target = _features(params, image if content is None else content, layout)
  strokes_of = matching.unit(_features(params, painting, layout))
  places = strokes.sample_places(strokes_of.reshape(-1, strokes_of.shape[-1]))
  prices = jnp.zeros(len(places))
  state = _optimizer.init(image)
  for step in range(steps):
    # A cosine to nothing: the last steps take the grain out.
    rate = 0.5 * _LEARNING_RATE * (1.0 + np.cos(np.pi * step / steps))
    image, state, prices = _step(
      params, image, state, prices, places, target, rate, layout=layout
    )
    advance()
  return image


@functools.partial(jax.jit, static_argnames="layout")
def _features(params, image: jax.Array, layout: str) -> jax.Array:
  """Compute what strokes are matched by, [H / 4, W / 4, 768]."""
  return vgg.stroke_features(params, jnp.asarray(image)[None], layout)[0]


@functools.partial(jax.jit, static_argnames="layout")
def _step(params, image, state, prices, places, target, rate, *, layout: str):
  """Move pixels once, and prices after what was taken."""

  def loss(pixels):
    features = vgg.stroke_features(params, pixels[None], layout)[0]
    rows = features.reshape(-1, features.shape[-1])
    strokes_loss, taken = matching.matching_loss(rows, places, prices)
    held = matching.content_loss(features, target)
    smooth = matching.total_variation(pixels[None])
    total = strokes_loss + _CONTENT_WEIGHT * held + _VARIATION_WEIGHT * smooth
    return total, taken

  gradient, taken = jax.grad(loss, has_aux=True)(image)
  state.hyperparams["learning_rate"] = rate
  change, state = _optimizer.update(gradient, state)
  image = jnp.clip(optax.apply_updates(image, change), 0.0, 1.0)
  prices = matching.next_prices(
    prices,
    matching.shares(taken, len(places)),
    rate=_PRICE_RATE,
    limit=_HIGHEST_PRICE,
  )
  return image, state, prices
