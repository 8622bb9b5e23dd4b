"""Clicks: the pixels that directions of the page are, and whose they are."""

import numpy as np
import pytest

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.viewer.clicks import Clicks
from stylized_nerf_jax.viewer.world import World

_VIEW = 3


@pytest.fixture
def clicks(model):
  return Clicks(model.scene, World(model.scene), _VIEW)


def direction(model, view, pixel):
  """Where a pixel of a photograph lies, seen from it: the page only moves and
  scales the file's coordinates.
  """
  arrays = rays_lib.camera_arrays(
    model.scene.cameras[view], model.scene.normalization
  )
  found = rays_lib.pixel_directions(arrays, np.asarray(pixel, np.float32))
  return np.asarray(found) @ model.scene.normalization.rotation


@pytest.mark.parametrize("pixel", [(0.5, 0.5), (17.25, 9.0), (30.0, 22.5)])
def test_directions_are_pixels(model, clicks, pixel):
  found = clicks.pixel(3.0 * direction(model, _VIEW, pixel))
  np.testing.assert_allclose(found, pixel, atol=1e-3)


def test_what_is_not_in_the_photograph(model, clicks):
  camera = model.scene.cameras[_VIEW]
  beside = direction(model, _VIEW, (camera.width + 3.0, 5.0))
  assert not clicks.add(beside, inside=True)
  behind = -direction(model, _VIEW, (10.0, 10.0))
  assert not clicks.add(behind, inside=True)
  assert clicks.inside == []


def test_only_its_own_place_is_the_photographs(model, clicks):
  world = World(model.scene)
  for view, expected in ((_VIEW, True), (_VIEW + 1, False)):
    center = model.scene.cameras[view].camera_to_world[:3, 3]
    assert clicks.stands_at(world.point(center)) == expected


def test_both_kinds_and_the_command_that_repeats_them(model, clicks):
  clicks.add(direction(model, _VIEW, (10.0, 12.0)), inside=True)
  clicks.add(direction(model, _VIEW, (20.0, 6.0)), inside=False)
  name = model.scene.cameras.names[_VIEW]
  assert clicks.in_words() == f"1 inside, 1 outside, of {name}"
  assert clicks.options() == [
    *("--view", name, "--points", "10.0,12.0", "--not-points", "20.0,6.0")
  ]
  clicks.clear()
  assert clicks.options() == ["--view", name]
