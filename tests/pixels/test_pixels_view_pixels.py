"""Places of pixels among those of all views, against counting them."""

import numpy as np

from stylized_nerf_jax.pixels import view_pixels


def test_every_pixel_is_found():
  sizes = [(4, 3), (1, 5), (2, 2)]
  counted = [
    (view, x + 0.5, y + 0.5)
    for view, (width, height) in enumerate(sizes)
    for y in range(height)
    for x in range(width)
  ]
  views = view_pixels.ViewPixels(*zip(*sizes))
  assert views.total == len(counted)
  view, xy = views.locate(np.arange(views.total))
  found = np.concatenate([view[:, None], xy], axis=-1)
  np.testing.assert_array_equal(found, counted)
  one_view, one_xy = views.locate(np.array([[13]]))
  assert one_view.shape == (1, 1) and one_xy.shape == (1, 1, 2)
  for number, (width, height) in enumerate(sizes):
    image = views.image(xy, number)
    assert image.shape == (height, width, 2) == (*views.size(number), 2)
    np.testing.assert_array_equal(image[-1, -1], [width - 0.5, height - 0.5])


def test_windows_lie_anywhere_inside_in_steps_of_the_stride():
  rows = np.arange(40 * 24).reshape(40, 24)
  size = view_pixels.window_size(20, 24, 8)
  assert size == 16  # A multiple of 8; nothing is as large as 20.
  assert view_pixels.window_size(64, 24, 8) == 24
  assert view_pixels.window_size(3, 24, 8) == 8
  assert view_pixels.window_size(3, 24, 8, fewest=2) == 16
  random = np.random.default_rng(0)
  seen = set()
  for _ in range(200):
    x, y = view_pixels.random_corner(random, 40, 24, size, 8)
    cut = view_pixels.window(rows, x, y, size)
    assert cut.shape == (16, 16) and cut[0, 0] == rows[y, x]
    seen.add((int(x), int(y)))
  assert seen == {(x, y) for x in (0, 8) for y in (0, 8, 16, 24)}
