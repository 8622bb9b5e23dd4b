"""Where to stand at first."""

import numpy as np

from stylized_nerf_jax.scenes import normalization, vantage
from stylized_nerf_jax.scenes.synthetic import embedded


def _found(layout: str, points):
  scene = embedded.make_scene(
    num_train=9, num_test=0, width=16, height=12, layout=layout
  )
  frame = normalization.normalize_scene(scene)
  return scene, vantage.vantage(scene.cameras, frame, points)


def test_around_a_scene_the_axes_meet_in_the_focus():
  scene, found = _found("orbit", np.zeros((0, 3)))
  np.testing.assert_allclose(found.focus, [0, 0, 0.42], atol=1e-6)
  np.testing.assert_allclose(found.up, [0, 0, 1], atol=1e-9)
  # Of nine along an arc the one in its middle.
  assert found.home.name == "004.png"
  assert 0.5 < found.reach < 2.0
  del scene


def test_before_a_scene_the_focus_is_what_the_middle_shows():
  """Points on a plane; one beside the picture and one behind do not count."""
  _, first = _found("forward", np.array([[0.0, 1.0, 0.6]]))
  pose = first.home.camera_to_world
  ahead, right = -pose[:3, 2], pose[:3, 0]
  near = pose[:3, 3] + 3.5 * ahead
  points = [near + 0.1 * right, near - 0.1 * right, near]
  points += [pose[:3, 3] + 0.4 * ahead + 4 * right, pose[:3, 3] - ahead]
  _, found = _found("forward", np.array(points))
  np.testing.assert_allclose(found.focus, near, atol=1e-9)
  assert found.up @ pose[:3, 1] > 0.9
