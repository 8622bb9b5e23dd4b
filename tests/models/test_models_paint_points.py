"""Points painted as pictures are."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.models import surface_rays
from stylized_nerf_jax.stylizer import color_tables


@pytest.fixture(scope="module")
def model(finished_run):
  return model_lib.StylizedNerf.load(finished_run)


def _points(count=50):
  random = np.random.default_rng(0)
  return random.uniform((-1, -1, 0.1), (1, 1, 1), size=(count, 3))


def test_points_have_the_colours_of_the_style_field(model):
  points, style = _points(), "mosaic"
  found = model.paint_points(points, style, transfer="none")
  inside = np.float32(points)  # A box in the file's own frame.
  finished = model.params["finished"]
  place = model.styles.index(style)
  expected = jax.jit(model.style_field.apply)(
    {"params": {k: _one(v, place) for k, v in finished.items()}},
    inside[:, None],
    np.asarray(model.latent(style)),
  )
  expected = np.asarray(expected)[:, 0]
  np.testing.assert_allclose(found, expected, atol=2e-3)
  assert found.shape == points.shape and np.ptp(found) > 0.0
  # The palette is put on as on pictures.
  maps = model.palette_maps
  table = maps.of(place, maps.transfer)
  mapped = np.clip(jax.jit(color_tables.apply)(expected, table), 0, 1)
  shown = model.paint_points(points, style)
  np.testing.assert_allclose(shown, mapped, atol=5e-3)


def _one(tree, place):
  if isinstance(tree, dict):
    return {name: _one(values, place) for name, values in tree.items()}
  return np.asarray(tree[place], np.float32)


def test_dials_are_those_of_pictures(model):
  points = _points()
  own = model.paint_points(points)
  styled = model.paint_points(points, "ink-wash")
  half = model.paint_points(points, "ink-wash", intensity=0.5)
  np.testing.assert_allclose(half, 0.5 * (own + styled), atol=1e-5)
  none = model.paint_points(points, "ink-wash", intensity=0.0)
  np.testing.assert_allclose(none, own, atol=1e-6)
  grey = model.paint_points(points, "ink-wash", palette=0.0)
  luma = np.array([0.299, 0.587, 0.114])
  assert np.abs(grey - styled).max() > 1e-4
  assert np.corrcoef(grey @ luma, styled @ luma)[0, 1] > 0.9


def test_places_of_field_and_file(model):
  points = _points()
  inside = surface_rays.field_points(model.scene, points)
  back = surface_rays.file_points(model.scene, inside)
  np.testing.assert_allclose(back, points, atol=1e-5)


def test_rays_come_from_the_nearest_camera(model):
  points = _points()
  rays = surface_rays.towards(model.scene, points)
  centers = model.scene.split("train").centers
  middle = rays.origins + 0.5 * rays.far * rays.directions
  np.testing.assert_allclose(middle, points, atol=1e-5)
  for point, direction in zip(points, rays.viewdirs):
    nearest = centers[np.linalg.norm(centers - point, axis=-1).argmin()]
    away = (point - nearest) / np.linalg.norm(point - nearest)
    np.testing.assert_allclose(direction, away, atol=1e-5)


def test_rays_across_are_as_long_as_a_step(model):
  inside = surface_rays.field_points(model.scene, _points())
  rays = surface_rays.across(model.scene, inside, 0.125)
  np.testing.assert_allclose(rays.far, 0.125, rtol=1e-4)
