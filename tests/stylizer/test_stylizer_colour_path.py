"""The colour path: least squares against numpy, the graft against D itself."""

import functools

import jax
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import (
  colour_path,
  convolution,
  decoder,
  pretrained,
)

_HEIGHT, _WIDTH = 3, 4


_solve = jax.jit(functools.partial(colour_path.solve, ridge=0.0))
_graft = jax.jit(colour_path.graft)
_decode = jax.jit(lambda p, x: decoder.Decoder().apply({"params": p}, x))


@jax.jit
def _hidden(params, x):
  """What every hidden layer of D puts out."""
  found = {}
  for name, width, upsample in decoder.LAYERS[:-1]:
    layer = convolution.ReflectConv(width, upsample=upsample)
    found[name] = x = jax.nn.relu(layer.apply({"params": params[name]}, x))
  return found


def test_fit_is_the_least_squares_solution():
  random = np.random.default_rng(0)
  features = random.normal(size=(6, 5, 7, 2)).astype(np.float32)
  images = random.random((6, 40, 56, 3)).astype(np.float32)
  found = jax.jit(colour_path.normal_equations)(features, images)
  kernel, bias = map(np.asarray, _solve(*found))
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
  params = jax.tree.map(np.array, dict(params["params"]))
  for (_, width, _), (behind, _, _) in zip(
    decoder.LAYERS[:-1], decoder.LAYERS[1:]
  ):
    idle = random.choice(width, 3, replace=False)
    params[behind]["kernel"][:, :, idle] = 0.0
  kernel = 0.01 * random.normal(size=(3, 3, 512, 3)).astype(np.float32)
  bias = np.float32([0.1, -0.2, 0.3])
  channels, means = jax.jit(colour_path.least_used)(params, features)
  new = _graft(params, kernel, bias, channels, means)
  return features, params, channels, kernel, bias, new


def test_channels_that_do_nothing_are_given_up(grafted):
  features, params, channels, *_ = grafted
  hidden = _hidden(params, features)
  for (name, _, _), (behind, _, _) in zip(
    decoder.LAYERS[:-1], decoder.LAYERS[1:]
  ):
    x = np.asarray(hidden[name])
    for channel in np.asarray(channels[name]):
      idle = not params[behind]["kernel"][:, :, channel].any()
      assert idle or x[..., channel].std() < 1e-6


def test_graft_adds_the_smooth_image_to_the_output(grafted):
  features, params, _, kernel, bias, new = grafted
  added = np.subtract(_decode(new, features), _decode(params, features))
  # Eight times as large: three times repeated and smoothed.
  expected = jax.jit(convolution.convolve)(features, kernel) + bias
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
  used = {n: (np.asarray(index) + 7) % 60 for n, index in channels.items()}
  nothing = np.zeros((3, 3, 512, 3), np.float32)
  flat = np.ones_like(features)
  # On flat features every channel is its mean: nothing is lost at all.
  means = {
    name: np.asarray(x).mean((0, 1, 2))[used[name]]
    for name, x in _hidden(params, flat).items()
  }
  new = _graft(params, nothing, np.zeros(3, np.float32), used, means)
  np.testing.assert_allclose(
    _decode(new, flat), _decode(params, flat), atol=1e-4
  )
