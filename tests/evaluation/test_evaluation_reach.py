"""What matching does to the pixels of one frame."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.evaluation import image_metrics, reach
from stylized_nerf_jax.losses import matching
from stylized_nerf_jax.stylizer import pretrained, vgg


@pytest.fixture(scope="module")
def encoder():
  """A narrow network of the same layers, its weights random."""
  blocks = ((1, 8), (1, 8), (3, 16), (1, 16))
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(vgg, "_BLOCKS", {"vgg16": blocks})
    picture = np.zeros((1, 16, 16, 3), np.float32)
    init = jax.jit(vgg.VggEncoder().init)
    params = init(jax.random.key(0), picture)["params"]
    yield pretrained.Encoder("vgg16", params, "0" * 64)


def _stripes(height, width):
  """A painting of slanted strokes, orange on blue."""
  y, x = np.mgrid[:height, :width]
  wave = 0.5 + 0.5 * np.sin((x + 2 * y) / 2.0)[..., None]
  orange, blue = np.array([0.8, 0.5, 0.2]), np.array([0.2, 0.3, 0.6])
  return (wave * orange + (1 - wave) * blue).astype(np.float32)


def _disc(height, width):
  y, x = np.mgrid[:height, :width]
  inside = np.hypot(y - height / 2, x - width / 2) < height / 3
  grey = np.where(inside, 0.8, 0.2)[..., None] + 0.1 * (x / width)[..., None]
  return np.repeat(grey, 3, axis=-1).astype(np.float32)


_edge_agreement = jax.jit(image_metrics.edge_agreement)


@jax.jit
def _stroke_features(params, pictures):
  return vgg.stroke_features(params, pictures, "vgg16")


def _distance(encoder, image, painting):
  """Mean of 1 - cosine of places to their nearest, by a plain product."""
  found = []
  for picture in (image, painting):
    features = _stroke_features(encoder.params, picture[None])
    rows = np.asarray(features, np.float64).reshape(-1, features.shape[-1])
    found.append(rows / np.linalg.norm(rows, axis=-1, keepdims=True))
  return 1 - (found[0] @ found[1].T).max(-1).mean()


def test_a_matched_frame_has_the_strokes_and_the_palette_of_its_painting(
  encoder,
):
  frame, painting = _disc(64, 72), _stripes(64, 72)
  calls = []
  matched = reach.match_frame(
    frame,
    painting,
    encoder,
    steps=(20, 20),
    advance=lambda: calls.append(1),
  )
  assert len(calls) == reach.count_steps((20, 20)) == 40
  assert matched.shape == frame.shape
  assert matched.min() >= 0 and matched.max() <= 1
  recoloured = reach._with_palette_of(painting, frame)
  before = _distance(encoder, recoloured, painting)
  assert _distance(encoder, matched, painting) < 0.7 * before
  # Clipped at 0 and 1, so that it is not exact.
  np.testing.assert_allclose(
    matched.mean((0, 1)), painting.mean((0, 1)), atol=0.03
  )
  # The disc is still there.
  assert _edge_agreement(matched, frame) > 0.3


def test_one_step_is_adam_on_the_three_losses(encoder):
  """The first step of Adam moves every pixel by its rate, downhill."""
  frame, painting = _disc(64, 72), _stripes(48, 48)

  def loss(image):
    features = vgg.stroke_features(encoder.params, image[None], "vgg16")[0]
    painted = vgg.stroke_features(encoder.params, painting[None], "vgg16")[0]
    places = matching.unit(painted.reshape(-1, painted.shape[-1]))
    rows = features.reshape(-1, features.shape[-1])
    target = vgg.stroke_features(encoder.params, frame[None], "vgg16")[0]
    return (
      matching.matching_loss(rows, places)[0]
      + reach._CONTENT_WEIGHT * matching.content_loss(features, target)
      + reach._VARIATION_WEIGHT * matching.total_variation(image[None])
    )

  downhill = -np.sign(jax.jit(jax.grad(loss))(frame))
  moved = reach._match(frame, painting, encoder, 1, lambda: None)
  expected = np.clip(frame + reach._LEARNING_RATE * downhill, 0, 1)
  # Where the gradient all but vanishes, the step is shorter.
  near = np.isclose(np.asarray(moved), expected, atol=1e-3)
  assert near.mean() > 0.95


def test_a_painting_that_is_too_small_to_halve_is_matched_whole(encoder):
  calls = []
  matched = reach.match_frame(
    _disc(64, 72),
    _stripes(48, 48),
    encoder,
    steps=(6, 1),
    advance=lambda: calls.append(1),
  )
  assert len(calls) == 1 and np.isfinite(matched).all()
