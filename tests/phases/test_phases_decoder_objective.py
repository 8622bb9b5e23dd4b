"""The decoder's losses: each can be switched off, each trains the decoder."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax.phases import decoder_objective
from stylized_nerf_jax.rendering import rays
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.stylizer import decoder, pretrained

_NAMES = ("content", "style", "consistency", "mimic")


@pytest.fixture(scope="module")
def losses():
  """Function: weights -> (loss, losses by name, gradient), of one batch.

  Two cameras stand in one place and see a wall at distance 2 in different
  colours, so that no loss is zero.
  """
  with pytest.MonkeyPatch.context() as patch:
    tiny_run.small_networks(patch)
    encoder = pretrained.load_encoder().params
    params = tiny_run.draw(pretrained.decoder_shapes())
    random = np.random.default_rng(1)
    features = random.normal(size=(1, 2, 2, 2, 512)).astype(np.float32)
    view = cameras_lib.Camera(np.eye(4), 16.0, 16.0, 8.0, 8.0, 16, 16)
    cameras = rays.camera_arrays(
      cameras_lib.Cameras.from_list([view] * 2), None
    )
    widths = {f"relu{i}_1": w for i, w in ((1, 8), (2, 8), (3, 8), (4, 512))}
    constants = decoder_objective.Constants(
      encoder=encoder,
      statistics={
        name: tuple(
          random.uniform(0.1, 1, (2, width)).astype(np.float32)
          for _ in range(2)
        )
        for name, width in widths.items()
      },
      tolerance=jnp.float32(0.1),
    )
    batch = decoder_objective.Batch(
      style=np.int32([1]),
      features=features,
      depth=np.full((1, 2, 16, 16), 2.0, np.float32),
      cameras=jax.tree.map(lambda values: values[None], cameras),
      pixels=np.int32([[[0, 1], [5, 9]]]),
      rendered=np.float32([[[0.1, 0.5, 0.9], [1, 0, 0]]]),
    )
    constants, batch = jax.tree.map(jnp.asarray, (constants, batch))

    @functools.partial(jax.jit, static_argnums=0)
    def run(static, content, style):
      weights = decoder_objective.Weights(content, style, *static)
      loss = functools.partial(
        decoder_objective.decoder_loss,
        constants=constants,
        batch=batch,
        key=None,
        layout="vgg16",
        weights=weights,
      )
      (value, metrics), gradient = jax.value_and_grad(loss, has_aux=True)(
        params
      )
      return value, metrics, gradient, _images(params, constants, batch)

    yield lambda content, style, *static: run(static, content, style)


def _images(params, constants, batch):
  """The decoder's output, as a reader would write it down."""
  style_mean, style_std = (s[1] for s in constants.statistics["relu4_1"])
  target = style_std * batch.features[0] + style_mean
  return decoder.Decoder().apply({"params": params}, target)


def _norm(tree) -> float:
  return max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(tree))


def test_all_off_trains_nothing(losses):
  value, metrics, gradient, _ = losses(0.0, 0.0, 0.0, 0.0)
  assert value == 0 and _norm(gradient) == 0
  assert set(metrics) == {"loss", "content", "style"}


def test_the_weighted_sum_and_each_term(losses):
  weights = (2.0, 3.0, 50.0, 10.0)
  value, metrics, gradient, images = losses(*weights)
  assert set(metrics) == {"loss", *_NAMES} and _norm(gradient) > 0
  total = sum(w * metrics[name] for w, name in zip(weights, _NAMES))
  np.testing.assert_allclose(value, total, rtol=1e-5)
  assert all(metrics[name] > 0 for name in _NAMES)
  # One place, one wall: the pictures lie on each other pixel by pixel. Their
  # rims of 4 pixels do not count.
  first, second = np.asarray(images)
  apart = (first - second)[4:-4, 4:-4]
  np.testing.assert_allclose(
    metrics["consistency"], np.mean(apart**2), rtol=1e-3
  )
  pixels = np.stack([first[0, 1], first[5, 9]])
  shown = np.array([[0.1, 0.5, 0.9], [1, 0, 0]])
  np.testing.assert_allclose(
    metrics["mimic"], np.mean((pixels - shown) ** 2), rtol=1e-4
  )


def test_what_the_style_field_shows_trains_the_decoder(losses):
  # Defect 1 of the release: this half of mutual learning did nothing.
  value, metrics, gradient, _ = losses(0.0, 0.0, 0.0, 1.0)
  assert value == metrics["mimic"] > 0
  assert all(_norm(layer) > 0 for layer in gradient.values())
