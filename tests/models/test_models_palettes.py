"""A model in the palette of a picture that it was never trained on."""

from unittest import mock

import numpy as np
import pytest
from PIL import Image

import stylized_nerf_jax as snj
from stylized_nerf_jax.models import palettes
from stylized_nerf_jax.stylizer import palette

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(scope="module")
def model(finished_run):
  return snj.StylizedNerf.load(finished_run)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
  """Muted blues and ochres, far from the ends of [0, 1]."""
  rng = np.random.default_rng(0)
  blues, ochres = [100, 110, 140], [150, 140, 110]
  pixels = np.where(rng.random((70, 80, 1)) < 0.6, blues, ochres)
  pixels = pixels + rng.integers(-12, 13, (70, 80, 3))
  path = tmp_path_factory.mktemp("pictures") / "new.png"
  Image.fromarray(pixels.astype(np.uint8)).save(path)
  return path


def test_the_views_that_are_measured_are_few_and_small(model):
  cameras = palettes.cameras_to_measure(model.scene)
  train = model.scene.split("train")
  assert len(cameras) == 8 and len(train) == 24
  assert [cameras[0].name, cameras[-1].name] == [train[0].name, train[-1].name]
  assert {(camera.width, camera.height) for camera in cameras} == {(32, 24)}


def test_only_what_is_not_background_is_measured():
  """Pixels of a half opaque colour over orange, and of nothing."""
  behind, code = np.array([1.0, 0.5, 0.0]), np.zeros(32, np.float32)
  own = np.random.default_rng(1).random((6, 7, 3))
  opacity = np.where(np.arange(7) < 4, 0.5, 0.0) * np.ones((6, 1))
  shown = opacity[..., None] * own + (1 - opacity[..., None]) * behind

  view = mock.Mock()
  view.photographed.opacity = opacity
  measured = palettes.Palettes([view], lambda view, code: shown, behind)
  style = palette.Statistics(np.full(3, 0.4), 0.01 * np.eye(3))
  found = measured.color_map(code, [(style, 1.0)], 1.0)
  colors = own[:, :4].reshape(-1, 3)
  mapped = palette.statistics(colors @ found.matrix.T + found.offset)
  np.testing.assert_allclose(mapped.mean, style.mean, atol=1e-4)
  np.testing.assert_allclose(mapped.covariance, style.covariance, atol=1e-4)


def test_a_picture_gives_the_scene_its_palette(model, picture):
  pixels = np.asarray(Image.open(picture)).reshape(-1, 3) / 255
  wanted = pixels.mean(axis=0)
  error = {}
  for amount in (0.0, 0.5, 1.0):
    shown = [
      model.render(camera, picture, palette=amount)
      for camera in palettes.cameras_to_measure(model.scene)
    ]
    colors = np.sum([out.rgb.sum(axis=(0, 1)) for out in shown], axis=0)
    mean = colors / np.sum([out.opacity.sum() for out in shown])
    error[amount] = np.abs(mean - wanted).max()
  assert error[1.0] < 0.02 < error[0.5] < error[0.0]


def test_all_ways_to_render_agree(model, picture):
  mix = {"mosaic": 0.4, picture: 0.6}
  traced = model.trace(3)
  # What packing rounds off, 2e-3 of trained styles, the map multiplies.
  targets = model._codes.palettes(picture)
  matrix, _ = model._palettes.color_map(model.latent(picture), targets, 1.0)
  rounding = 2e-3 * np.abs(matrix).sum(axis=1).max()
  for dials in ({}, {"intensity": 0.6, "palette": 0.7}):
    rendered = [model.render(3, s, **dials).rgb for s in (picture, mix)]
    together = model.render_styles(3, ["mosaic", picture, mix], **dials)
    trained = model.render(3, "mosaic", **dials).rgb
    for found, one in zip(together, [trained, *rendered]):
      np.testing.assert_allclose(found.rgb, one, atol=2e-5)
    for style, one in zip((picture, mix), rendered):
      painted = model.paint(traced, style, **dials).rgb
      np.testing.assert_allclose(painted, one, atol=rounding)


def test_what_is_trained_and_the_dial_at_0_stay_as_they_were(model, picture):
  for style in ("mosaic", {"mosaic": 0.5, "ink-wash": 0.5}):
    code = model.latent(style)
    np.testing.assert_array_equal(
      model.render(3, style).rgb, model.render(3, latent=code).rgb
    )
  np.testing.assert_array_equal(
    model.render(3, picture, palette=0.0).rgb,
    model.render(3, latent=model.latent(picture)).rgb,
  )
  # A share of nothing has no palette, and weights are divided by their sum.
  with pytest.warns(UserWarning, match="sum to 2"):
    doubled = model.render(3, {"mosaic": 1.0, picture: 1.0}).rgb
  halves = model.render(3, {"mosaic": 0.5, picture: 0.5}).rgb
  np.testing.assert_array_equal(doubled, halves)
  with pytest.raises(ValueError, match="palette is 1.5; expected a number"):
    model.render(3, picture, palette=1.5)


def test_pictures_share_compiled_renderers(model, picture, tmp_path):
  model.render(3, picture)
  compiled = len(model._renderers._compiled)
  other = tmp_path / "other.png"
  Image.open(picture).rotate(180).point(lambda v: 255 - v).save(other)
  assert np.abs(model.render(3, other).rgb - model.render(3, picture).rgb).max()
  assert len(model._renderers._compiled) == compiled
