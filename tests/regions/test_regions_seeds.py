"""What a mask tells of nodes, against exact visibility."""

import numpy as np

from stylized_nerf_jax.regions import seeds
from stylized_nerf_jax.scenes.synthetic import plaza


def test_a_mask_tells_of_what_its_view_sees_and_of_nothing_else(
  plaza_views, plaza_nodes, belongs
):
  given = plaza_views[6]
  mask = plaza.object_mask(given.camera, "tower")
  whole = plaza.object_mask(given.camera, "tower", alone=True)
  assert mask.sum() < 0.9 * whole.sum()  # The ball stands before it.
  found = seeds.of_masks(plaza_nodes, plaza_views, [(given, mask)])
  known = found.known > 0
  assert 0.1 < known.mean() < 0.9
  right = (found.inside > 0.5) == belongs("tower")
  assert right[known].mean() > 0.995
  seen = plaza.visible(plaza_nodes.file_points, given.camera, tolerance=0.06)
  assert np.mean(seen[known]) > 0.99
  # Of what the ball hides, nothing is known.
  assert np.any(belongs("tower") & ~seen)


def test_two_masks_tell_more_than_one(plaza_views, plaza_nodes):
  one, two = plaza_views[2], plaza_views[9]
  masks = [
    (view, plaza.object_mask(view.camera, "crate")) for view in (one, two)
  ]
  alone = seeds.of_masks(plaza_nodes, plaza_views, masks[:1])
  both = seeds.of_masks(plaza_nodes, plaza_views, masks)
  assert np.sum(both.known > 0) > 1.2 * np.sum(alone.known > 0)
  assert both.known.max() <= 1.0


def test_a_box_holds_what_lies_in_it(plaza_nodes):
  found = seeds.of_box(plaza_nodes, (-0.3, -0.6, 0.02), (0.6, 0.3, 0.8))
  inside = found.inside > 0.5
  places = plaza_nodes.file_points[inside]
  assert inside.sum() > 100
  assert np.all((places > (-0.3, -0.6, 0.02)) & (places < (0.6, 0.3, 0.8)))
  assert np.all(found.known == 1.0)


def test_clicks_find_the_nodes_nearest_to_them(plaza_nodes):
  chosen = plaza_nodes.file_points[[5, 70]] + 1e-6
  found = seeds.of_points(plaza_nodes, chosen[:1], chosen[1:])
  np.testing.assert_array_equal(np.flatnonzero(found.known), [5, 70])
  assert found.inside[5] == 1.0 and found.inside[70] == 0.0
