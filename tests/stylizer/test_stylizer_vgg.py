"""The encoder: sizes, pooling, weights, and PyTorch as oracle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.stylizer import pretrained, vgg

_SIZES = {"relu1_1": (1, 64), "relu2_1": (2, 128), "relu3_1": (4, 256)}
_SIZES["relu4_1"] = (8, 512)


@pytest.fixture(scope="module")
def random_vgg19():
  init = jax.jit(vgg.VggEncoder("vgg19").init)
  params = init(jax.random.key(0), jnp.zeros((1, 16, 16, 3)))["params"]
  return jax.tree.map(lambda x: x + 0.01, params)


def _images(height, width, count=1):
  return jax.random.uniform(jax.random.key(1), (count, height, width, 3))


@pytest.mark.parametrize("height, width", [(40, 33), (17, 16), (9, 23)])
def test_sizes_are_rounded_up(random_vgg19, height, width):
  apply = vgg.VggEncoder("vgg19").apply
  images = jnp.zeros((2, height, width, 3))
  features = jax.eval_shape(apply, {"params": random_vgg19}, images)
  assert tuple(features) == vgg.LAYERS
  for name, (stride, channels) in _SIZES.items():
    expected = (2, -(-height // stride), -(-width // stride), channels)
    assert features[name].shape == expected


def test_pooling_equals_loop():
  images = np.asarray(jax.random.normal(jax.random.key(0), (2, 5, 6, 3)))
  expected = np.empty((2, 3, 3, 3), np.float32)
  for i in range(3):
    for j in range(3):
      block = images[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
      expected[:, i, j] = block.max((1, 2))
  np.testing.assert_array_equal(vgg.ceil_max_pool(images), expected)


def test_unknown_layout_is_named():
  with pytest.raises(ValueError, match="'vgg11'.*vgg16"):
    vgg.convolution_names("vgg11")


def test_channel_scales_change_units_only():
  plain = pretrained.load_plain_vgg16()
  scales = pretrained.load_channel_scales()
  assert set(scales) == set(vgg.convolution_names("vgg16"))
  assert min(value.min() for value in scales.values()) > 0
  scaled = pretrained.rescale_channels(plain, scales)
  apply = jax.jit(vgg.VggEncoder().apply)
  images = _images(24, 17)
  before = apply({"params": plain}, images)
  after = apply({"params": scaled}, images)
  for layer, conv in zip(
    vgg.LAYERS, ("conv1_1", "conv2_1", "conv3_1", "conv4_1")
  ):
    np.testing.assert_allclose(
      after[layer] * scales[conv], before[layer], rtol=1e-3, atol=1e-3
    )


@pytest.mark.real_data
def test_mean_activations_are_about_one(real_data):
  from stylized_nerf_jax.scenes.pictures import picture_files

  folder = real_data / "content" / "bsds500" / "train"
  files = sorted(folder.glob("*.jpg"))[::50]
  encoder = pretrained.load_encoder()
  apply = jax.jit(vgg.VggEncoder().apply)
  means = []
  for path in files:
    picture = picture_files.read_picture(path)[:160, :160] / np.float32(255)
    features = apply({"params": encoder.params}, picture[None])
    means.append([float(value.mean()) for value in features.values()])
  np.testing.assert_allclose(np.mean(means, 0), 1.0, atol=0.35)


@pytest.mark.oracle
@pytest.mark.parametrize("layout", ["vgg16", "vgg19"])
def test_equals_torch(layout, random_vgg19):
  torch = pytest.importorskip("torch")
  from torch import nn

  if layout == "vgg16":
    params = pretrained.load_encoder().params
  else:
    params = random_vgg19
  images = _images(21, 26, count=2)
  found = jax.jit(vgg.VggEncoder(layout).apply)({"params": params}, images)
  x = torch.from_numpy(np.array(images).transpose(0, 3, 1, 2))
  if layout == "vgg19":
    kernel = torch.from_numpy(np.array(params["conv0"]["kernel"]).T.copy())
    bias = torch.from_numpy(np.array(params["conv0"]["bias"]))
    x = nn.functional.conv2d(x, kernel[..., None, None], bias)
  pad, pool = nn.ReflectionPad2d(1), nn.MaxPool2d(2, 2, ceil_mode=True)
  for name in vgg.convolution_names(layout):
    if name.endswith("_1") and name != "conv1_1":
      x = pool(x)
    kernel = np.array(params[name]["kernel"]).transpose(3, 2, 0, 1).copy()
    bias = torch.from_numpy(np.array(params[name]["bias"]))
    x = nn.functional.conv2d(pad(x), torch.from_numpy(kernel), bias).relu()
    layer = name.replace("conv", "relu")
    if layer in found:
      expected = x.permute(0, 2, 3, 1).numpy()
      error = np.abs(found[layer] - expected).max()
      assert error <= 1e-4 * np.abs(expected).max()


def test_parameters_of_a_layout():
  shapes = jax.eval_shape(
    vgg.VggEncoder("vgg19").init, jax.random.key(0), jnp.zeros((1, 16, 16, 3))
  )["params"]
  sizes = jax.tree.map(lambda leaf: leaf.size, shapes)
  assert sum(jax.tree.leaves(sizes)) == 3_505_740


def test_layers_are_the_same_alone_and_nothing_behind_the_last_is_computed():
  params = pretrained.load_stroke_encoder("vgg16").params
  images = jnp.asarray(np.random.default_rng(0).uniform(size=(1, 17, 24, 3)))
  every = tuple(f"relu{name[4:]}" for name in vgg.convolution_names("vgg16"))
  whole = vgg.VggEncoder("vgg16", every).apply({"params": params}, images)
  assert tuple(whole) == every
  of_strokes = vgg.stroke_features(params, images, "vgg16")
  assert of_strokes.shape == (1, 5, 6, 768)
  beside = jnp.concatenate([whole[n] for n in vgg.STROKE_LAYERS], axis=-1)
  np.testing.assert_array_equal(of_strokes, beside)
  without = {n: v for n, v in params.items() if n != "conv4_1"}
  np.testing.assert_array_equal(
    of_strokes, vgg.stroke_features(without, images, "vgg16")
  )
