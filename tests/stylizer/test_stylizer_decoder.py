"""The decoder: size, sides, and PyTorch as oracle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import decoder, pretrained


@pytest.fixture(scope="module")
def params():
  init = jax.jit(decoder.Decoder().init)
  tree = init(jax.random.key(0), jnp.zeros((1, 2, 2, 512)))["params"]
  return jax.tree.map(lambda x: x + 0.002, tree)


def test_parameter_count():
  shapes = jax.tree.leaves(pretrained.decoder_shapes())
  assert sum(leaf.size for leaf in shapes) == 3_505_219


def test_sides_grow_eightfold(params):
  features = jnp.zeros((2, 3, 5, 512))
  images = jax.eval_shape(decoder.Decoder().apply, {"params": params}, features)
  assert images.shape == (2, 24, 40, 3)


@pytest.mark.oracle
def test_equals_torch(params):
  torch = pytest.importorskip("torch")
  from torch import nn

  features = jax.random.normal(jax.random.key(1), (2, 3, 4, 512))
  found = jax.jit(decoder.Decoder().apply)({"params": params}, features)
  x = torch.from_numpy(np.array(features).transpose(0, 3, 1, 2))
  names = "conv4_1 conv3_4 conv3_3 conv3_2 conv3_1 conv2_2 conv2_1 conv1_2"
  for name in [*names.split(), "conv1_1"]:
    layer = params[name]
    if name in ("conv3_4", "conv2_2", "conv1_2"):
      x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
    kernel = np.array(layer["kernel"]).transpose(3, 2, 0, 1).copy()
    x = nn.functional.conv2d(
      nn.functional.pad(x, (1, 1, 1, 1), mode="reflect"),
      torch.from_numpy(kernel),
      torch.from_numpy(np.array(layer["bias"])),
    )
    if name != "conv1_1":
      x = x.relu()
  expected = x.permute(0, 2, 3, 1).numpy()
  assert np.abs(expected).max() > 0.1
  assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
