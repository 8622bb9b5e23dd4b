"""Pixels of views of differing sizes, against a loop over all of them."""

import functools

import jax
import numpy as np
import pytest

from stylized_nerf_jax.pixels import pixel_bank
from stylized_nerf_jax.rendering import rays as rays_lib

KEY = jax.random.PRNGKey(3)
SIZES = ((3, 5), (1, 1), (4, 2), (2, 7))


@functools.partial(jax.jit, static_argnames="num")
def draw_pixels(bank, key, num):
  return bank.draw_pixels(key, num)


def make_bank(dtype=np.uint8, masks=None):
  rng = np.random.default_rng(0)
  images = [rng.integers(0, 256, (*s, 3)).astype(np.uint8) for s in SIZES]
  cameras = rays_lib.CameraArrays(
    camera_to_model=rng.random((4, 3, 4), np.float32),
    intrinsics=rng.random((4, 4), np.float32),
    lens_terms=np.zeros((4, 4), np.float32),
  )
  given = images
  if dtype == np.float32:
    given = [image.astype(np.float32) / 255 for image in images]
  return (
    images,
    cameras,
    pixel_bank.make_pixel_bank(iter(given), cameras, masks),
  )


def test_locate_equals_a_loop_over_views():
  images, _, bank = make_bank()
  expected = [
    (v, x + 0.5, y + 0.5, *images[v][y, x])
    for v, (height, width) in enumerate(SIZES)
    for y in range(height)
    for x in range(width)
  ]
  view, xy = jax.jit(lambda index: bank.locate(index))(
    np.arange(len(expected), dtype=np.int32)
  )
  found = np.concatenate([np.asarray(view)[:, None], xy, bank.colors], axis=1)
  np.testing.assert_array_equal(found, expected)


def test_drawn_colours_are_those_of_their_pixels():
  images, cameras, bank = make_bank()
  drawn = draw_pixels(bank, KEY, 400)
  rgbs = np.asarray(drawn.rgb)
  view, xy = np.asarray(drawn.view), np.asarray(drawn.xy)
  for v, (x, y), color, rgb in zip(view, xy, np.asarray(drawn.colors), rgbs):
    pixel = images[v][int(y - 0.5), int(x - 0.5)]
    np.testing.assert_array_equal(color, pixel)
    np.testing.assert_allclose(rgb, pixel / np.float32(255), rtol=1e-6)
  assert {tuple(p) for p in np.c_[view, xy]} == {
    (v, x + 0.5, y + 0.5)
    for v, (height, width) in enumerate(SIZES)
    for y in range(height)
    for x in range(width)
  }
  chosen = bank.view_cameras(view)
  for name in ("camera_to_model", "intrinsics", "lens_terms"):
    values = np.asarray(getattr(cameras, name))[view]
    np.testing.assert_array_equal(getattr(chosen, name), values)


def test_every_pixel_is_as_likely_as_any_other():
  _, _, bank = make_bank()
  drawn = draw_pixels(bank, KEY, 20_000)
  shares = np.bincount(np.asarray(drawn.view), minlength=4) / 20_000
  pixels = np.array([height * width for height, width in SIZES])
  np.testing.assert_allclose(shares, pixels / pixels.sum(), atol=0.015)


def test_float_images_are_stored_as_the_same_bytes():
  _, _, bank = make_bank()
  _, _, from_floats = make_bank(np.float32)
  assert from_floats.colors.dtype == np.uint8
  np.testing.assert_array_equal(from_floats.colors, bank.colors)


def test_masked_pixels_are_never_drawn():
  rng = np.random.default_rng(1)
  masks = [rng.random(size) < 0.4 for size in SIZES]
  masks[2][:] = False
  images, _, bank = make_bank(masks=iter(masks))
  found = draw_pixels(bank, KEY, 600)
  view, xy = np.asarray(found.view), np.asarray(found.xy)
  drawn = {(v, int(x), int(y)) for v, (x, y) in zip(view, xy)}
  assert drawn == {
    (v, x, y)
    for v, mask in enumerate(masks)
    for y, x in np.argwhere(mask).tolist()
  }
  for v, (x, y), color in zip(view, xy, np.asarray(found.colors)):
    np.testing.assert_array_equal(color, images[v][int(y), int(x)])


def test_masks_that_leave_everything_change_nothing():
  _, _, whole = make_bank()
  _, _, masked = make_bank(masks=[np.ones(size, bool) for size in SIZES])
  assert masked.usable is None
  jax.tree.map(
    np.testing.assert_array_equal,
    draw_pixels(whole, KEY, 50),
    draw_pixels(masked, KEY, 50),
  )


def test_a_step_takes_a_pixel_for_each_row_of_its_batch():
  _, cameras, bank = make_bank()
  drawn = jax.jit(pixel_bank.PixelBank.take)(bank, KEY, np.arange(7, 57))
  jax.tree.map(np.testing.assert_array_equal, drawn, draw_pixels(bank, KEY, 50))
  assert pixel_bank.ViewCameras(cameras).take(KEY, drawn) is drawn


def test_masks_that_leave_nothing_are_refused():
  with pytest.raises(ValueError, match="leave no pixel.*invert the masks"):
    make_bank(masks=[np.zeros(size, bool) for size in SIZES])
