"""Places of pixels among those of all views, against counting them."""

import numpy as np

from stylized_nerf_jax.scenes import view_pixels


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
