"""The consistency loss is the masked mean over the other views."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.losses import consistency

_loss = jax.jit(consistency.consistency_loss)
_slope = jax.jit(jax.value_and_grad(consistency.consistency_loss))


def _case(seed, views=3, height=4, width=5):
  generator = np.random.default_rng(seed)
  images = generator.uniform(size=(views, height, width, 3))
  warped = generator.uniform(size=(views - 1, height, width, 3))
  masks = generator.uniform(size=(views - 1, height, width)) < 0.6
  return images.astype(np.float32), warped.astype(np.float32), masks


def test_equals_the_loop():
  images, warped, masks = _case(0)
  total, count = 0.0, 0
  for view in range(1, 3):
    for row, column in np.ndindex(4, 5):
      if masks[view - 1, row, column]:
        difference = images[view, row, column] - warped[view - 1, row, column]
        total += float((difference**2).sum())
        count += 1
  expected = total / (3 * count)
  loss = consistency.consistency_loss(images, warped, masks)
  assert float(loss) == pytest.approx(expected, rel=1e-5)
  jitted = _loss(images, warped, masks)
  assert float(jitted) == pytest.approx(expected, rel=1e-5)


def test_the_size_of_the_mask_does_not_dilute_it():
  images = np.ones((2, 4, 4, 3), np.float32)
  warped = np.full((1, 4, 4, 3), 0.5, np.float32)
  for valid in (1, 7, 16):
    masks = (np.arange(16) < valid).reshape(1, 4, 4)
    loss = _loss(images, warped, masks)
    assert float(loss) == pytest.approx(0.25)


def test_view_0_counts_only_through_its_warp():
  images, warped, masks = _case(1)
  gradient = np.asarray(_slope(images, warped, masks)[1])
  np.testing.assert_array_equal(gradient[0], 0.0)
  assert np.abs(gradient[1:]).max() > 0
  outside = ~masks
  np.testing.assert_array_equal(gradient[1:][outside], 0.0)


def test_an_empty_mask_gives_zero_and_finite_gradients():
  images, warped, masks = _case(2)
  loss, gradient = _slope(images, warped, np.zeros_like(masks))
  assert float(loss) == 0.0
  np.testing.assert_array_equal(gradient, 0.0)


def test_what_is_masked_out_may_be_anything():
  images, warped, masks = _case(3)
  expected = _loss(images, warped, masks)
  warped = np.where(masks[..., None], warped, np.float32(np.inf))
  loss, gradient = _slope(images, warped, masks)
  assert float(loss) == pytest.approx(float(expected))
  assert np.isfinite(gradient).all()


def test_a_warp_of_view_0_into_itself_is_refused():
  images, warped, masks = _case(4)
  with pytest.raises(ValueError, match="not compared with itself"):
    consistency.consistency_loss(images[1:], warped, masks)
