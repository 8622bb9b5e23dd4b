"""PSNR and SSIM equal scikit-image's."""

import jax
import numpy as np
import pytest
import scipy.ndimage
import skimage.metrics

from stylized_nerf_jax.evaluation import image_metrics

_ssim = jax.jit(image_metrics.ssim)
_psnr = jax.jit(image_metrics.psnr)
_edge_agreement = jax.jit(image_metrics.edge_agreement)


def _pictures(seed, height, width, *, noise):
  generator = np.random.default_rng(seed)
  y, x = np.mgrid[:height, :width]
  waves = np.sin(x / 3.0) * np.cos(y / 4.0)
  reference = np.stack([waves, -waves, x / width], axis=-1) * 0.4 + 0.5
  picture = reference + noise * generator.normal(size=reference.shape)
  clipped = np.clip([picture, reference], 0, 1)
  return clipped.astype(np.float32)


def _oracle(picture, reference):
  return skimage.metrics.structural_similarity(
    picture.astype(np.float64),
    reference.astype(np.float64),
    channel_axis=-1,
    data_range=1.0,
    gaussian_weights=True,
    sigma=1.5,
    use_sample_covariance=False,
  )


@pytest.mark.parametrize("size", [(11, 11), (24, 37)])
@pytest.mark.parametrize("noise", [0.01, 0.3])
def test_metrics_equal_scikit_image(size, noise):
  picture, reference = _pictures(0, *size, noise=noise)
  assert float(_ssim(picture, reference)) == pytest.approx(
    _oracle(picture, reference), abs=1e-4
  )
  expected = skimage.metrics.peak_signal_noise_ratio(
    reference, picture, data_range=1.0
  )
  assert float(_psnr(picture, reference)) == pytest.approx(expected, abs=1e-3)


def test_bright_and_flat_regions_keep_their_precision():
  # E[x^2] - E[x]^2 of nearly white pictures is where float32 cancels most.
  generator = np.random.default_rng(1)
  reference = np.full((32, 32, 3), 0.99, np.float32)
  picture = reference + generator.normal(size=reference.shape) * 0.003
  picture = picture.astype(np.float32)
  assert float(_ssim(picture, reference)) == pytest.approx(
    _oracle(picture, reference), abs=1e-4
  )


def test_equal_pictures_are_perfect():
  picture, _ = _pictures(2, 20, 20, noise=0.1)
  assert float(_ssim(picture, picture)) == pytest.approx(1.0)
  assert float(_psnr(picture, picture)) == np.inf


def test_leading_axes_and_jit_change_nothing():
  pairs = [_pictures(seed, 12, 12, noise=0.1) for seed in range(4)]
  pictures = np.stack([pair[0] for pair in pairs]).reshape(2, 2, 12, 12, 3)
  references = np.stack([pair[1] for pair in pairs]).reshape(2, 2, 12, 12, 3)
  for metric in (image_metrics.psnr, image_metrics.ssim):
    single = np.array([metric(*pair) for pair in pairs]).reshape(2, 2)
    batch = jax.jit(metric)(pictures, references)
    np.testing.assert_allclose(batch, single, rtol=1e-5)


def test_filter_is_the_loop():
  generator = np.random.default_rng(3)
  picture = generator.normal(size=(9, 8, 2)).astype(np.float32)
  kernel = image_metrics.gaussian_kernel(1.0, 2)
  expected = np.zeros((5, 4, 2))
  for row in range(5):
    for column in range(4):
      window = picture[row : row + 5, column : column + 5]
      weights = kernel[:, None, None] * kernel[None, :, None]
      expected[row, column] = (weights * window).sum(axis=(0, 1))
  # The kernel is static.
  filtered = jax.jit(lambda x: image_metrics.filter_valid(x, kernel))(picture)
  np.testing.assert_allclose(filtered, expected, atol=1e-6)
  assert kernel.sum() == pytest.approx(1.0)


def test_wrong_shapes_are_named():
  with pytest.raises(ValueError, match=r"\(12, 12, 3\).*\(12, 13, 3\)"):
    image_metrics.psnr(np.zeros((12, 12, 3)), np.zeros((12, 13, 3)))
  with pytest.raises(ValueError, match="10 x 12 pixels.*at least 11"):
    image_metrics.ssim(np.zeros((10, 12, 3)), np.zeros((10, 12, 3)))


def test_edges_equal_scipy_and_pearson():
  picture, reference = _pictures(0, 40, 56, noise=0.2)
  luma = np.array([0.299, 0.587, 0.114])
  maps = []
  for image in (picture, reference):
    blurred = scipy.ndimage.gaussian_filter(
      image.astype(np.float64) @ luma, 2.0, truncate=3.0
    )
    down, across = np.gradient(blurred)
    maps.append(np.hypot(down, across)[7:-7, 7:-7].ravel())
  expected = np.corrcoef(*maps)[0, 1]
  found = _edge_agreement(picture, reference)
  assert found == pytest.approx(expected, abs=1e-4)


def test_edges_know_no_contrast_and_no_sides():
  picture, _ = _pictures(0, 40, 56, noise=0.2)
  for other in (picture, 0.5 + 0.2 * (picture - 0.5), 1 - picture):
    found = _edge_agreement(picture, other.astype(np.float32))
    assert found == pytest.approx(1.0, abs=1e-4)
  plain = np.full_like(picture, 0.5)
  assert _edge_agreement(picture, plain) == 0
  assert _edge_agreement(plain, plain) == 0
  with pytest.raises(ValueError, match="expected at least 15 on each side"):
    _edge_agreement(picture[:14], picture[:14])
