"""The colour path: least squares against numpy, the graft against D itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import (
  colour_path,
  convolution,
  decoder,
  pretrained,
)

_HEIGHT, _WIDTH = 3, 4


def test_fit_is_the_least_squares_solution():
  random = np.random.default_rng(0)
  features = random.normal(size=(6, 5, 7, 2)).astype(np.float32)
  images = random.random((6, 40, 56, 3)).astype(np.float32)
  found = colour_path.normal_equations(features, images)
  kernel, bias = colour_path.solve(*found, ridge=0.0)
  rows, colours = [], []
  for n in range(6):
    padded = np.pad(features[n], ((1, 1), (1, 1), (0, 0)), mode="reflect")
    for i in range(5):
      for j in range(7):
        rows.append([*padded[i : i + 3, j : j + 3].ravel(), 1.0])
        block = images[n, 8 * i : 8 * i + 8, 8 * j : 8 * j + 8]
        colours.append(block.mean((0, 1)))
  expected = np.linalg.lstsq(np.array(rows), np.array(colours), rcond=None)[0]
  np.testing.assert_allclose(kernel.reshape(-1, 3), expected[:-1], atol=1e-4)
  np.testing.assert_allclose(bias, expected[-1], atol=1e-4)


@pytest.fixture(scope="module")
def grafted():
  """D with three idle channels a layer, what is given up, D with a path."""
  random = np.random.default_rng(1)
  features = random.random((1, _HEIGHT, _WIDTH, 512)).astype(np.float32)
  params = jax.jit(decoder.Decoder().init)(jax.random.key(0), features)
  params = dict(params["params"])
  for (_, width, _), (behind, _, _) in zip(
    decoder.LAYERS[:-1], decoder.LAYERS[1:]
  ):
    idle = random.choice(width, 3, replace=False)
    kernel = params[behind]["kernel"].at[:, :, idle].set(0.0)
    params[behind] = {**params[behind], "kernel": kernel}
  kernel = 0.01 * random.normal(size=(3, 3, 512, 3)).astype(np.float32)
  bias = np.float32([0.1, -0.2, 0.3])
  channels, means = jax.jit(colour_path.least_used)(params, features)
  new = colour_path.graft(params, kernel, bias, channels, means)
  return features, params, channels, kernel, bias, new


def test_channels_that_do_nothing_are_given_up(grafted):
  features, params, channels, *_ = grafted
  x = jnp.asarray(features)
  for name, width, upsample in decoder.LAYERS[:-1]:
    layer = convolution.ReflectConv(width, upsample=upsample)
    x = jax.nn.relu(layer.apply({"params": params[name]}, x))
    behind = decoder.LAYERS[[n for n, _, _ in decoder.LAYERS].index(name) + 1]
    for channel in channels[name]:
      idle = not params[behind[0]]["kernel"][:, :, channel].any()
      assert idle or x[..., channel].std() < 1e-6


def test_graft_adds_the_smooth_image_to_the_output(grafted):
  features, params, _, kernel, bias, new = grafted
  apply = jax.jit(lambda p: decoder.Decoder().apply({"params": p}, features))
  added = apply(new) - apply(params)
  # Eight times as large: three times repeated and smoothed.
  expected = convolution.convolve(jnp.asarray(features), kernel) + bias
  for _ in range(3):
    expected = expected.repeat(2, axis=1).repeat(2, axis=2)
    padded = np.pad(expected, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    expected = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 4
  np.testing.assert_allclose(added, expected, atol=2e-5)


def test_a_path_is_found_where_it_was_laid(grafted):
  _, params, *_, new = grafted
  assert colour_path.is_present(new)
  assert not colour_path.is_present(params)
  assert colour_path.is_present(pretrained.load_decoder())
  kernel = np.array(new["conv2_2"]["kernel"])
  kernel[1, 1, 0, -1] += 1e-3
  assert not colour_path.is_present({**new, "conv2_2": {"kernel": kernel}})


def test_giving_up_used_channels_keeps_the_mean(grafted):
  features, params, *_ = grafted
  channels, _ = jax.jit(colour_path.least_used)(params, features)
  used = {name: (index + 7) % 60 for name, index in channels.items()}
  nothing = np.zeros((3, 3, 512, 3), np.float32)
  flat = np.ones_like(features)
  # On flat features every channel is its mean: nothing is lost at all.
  means, x = {}, jnp.asarray(flat)
  for name, width, upsample in decoder.LAYERS[:-1]:
    layer = convolution.ReflectConv(width, upsample=upsample)
    x = jax.nn.relu(layer.apply({"params": params[name]}, x))
    means[name] = x.mean((0, 1, 2))[used[name]]
  new = colour_path.graft(params, nothing, np.zeros(3), used, means)
  apply = jax.jit(lambda p: decoder.Decoder().apply({"params": p}, flat))
  np.testing.assert_allclose(apply(new), apply(params), atol=1e-4)
