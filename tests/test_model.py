"""`StylizedNerf` of a finished run: dials, determinism, files."""

import dataclasses
import json

import numpy as np
import pytest

import stylized_nerf_jax as snj
from stylized_nerf_jax import model as model_lib


@pytest.fixture(scope="module")
def model(finished_run):
  return snj.StylizedNerf.load(finished_run)


@pytest.fixture(scope="module")
def camera(model):
  return model.scene.cameras[3]


@pytest.fixture(scope="module")
def photographed(model, camera):
  return model.render(camera)


@pytest.fixture(scope="module")
def stylized(model, camera):
  return model.render(camera, "mosaic")


def test_it_says_in_a_line_what_it_is(model):
  assert repr(model) == (
    "StylizedNerf(synthetic, 28 views; styles: mosaic, ink-wash)"
  )


def test_renders_have_the_cameras_size(model, camera, photographed, stylized):
  assert model.styles == ("mosaic", "ink-wash")
  size = (camera.height, camera.width)
  for out in (photographed, stylized):
    assert out.rgb.shape == (*size, 3)
    assert out.depth.shape == out.opacity.shape == size
    for values in (out.rgb, out.depth, out.opacity):
      assert values.dtype == np.float32 and np.isfinite(values).all()
    assert out.rgb.min() >= 0 and out.rgb.max() <= 1
    assert out.opacity.min() >= 0 and out.opacity.max() <= 1 + 1e-6
  # Style changes colours, never geometry.
  np.testing.assert_array_equal(photographed.depth, stylized.depth)
  assert np.abs(photographed.rgb - stylized.rgb).max() > 0.01


def test_depth_is_zero_exactly_where_little_is_hit(photographed):
  np.testing.assert_array_equal(
    photographed.depth == 0, photographed.opacity < 0.5
  )


def test_the_same_call_gives_the_same_pixels(model, camera, stylized):
  again = model.render(camera, {"mosaic": 1.0})
  np.testing.assert_array_equal(again.rgb, stylized.rgb)


def test_several_styles_at_once_are_those_one_by_one(model, camera):
  styles = ["ink-wash", {"mosaic": 0.3, "ink-wash": 0.7}, "mosaic"]
  together = model.render_styles(camera, styles)
  assert len(together) == 3
  for style, found in zip(styles, together):
    single = model.render(camera, style)
    np.testing.assert_allclose(found.rgb, single.rgb, atol=1e-6)
    np.testing.assert_allclose(found.depth, single.depth, rtol=1e-5)
    np.testing.assert_allclose(found.opacity, single.opacity, rtol=1e-5)
  with pytest.raises(ValueError, match="known styles"):
    model.render_styles(camera, ["mosiac"])
  with pytest.raises(ValueError, match="no style given"):
    model.render_styles(camera, ["mosaic", None])


_DIALS = {"intensity": 0.4, "spread": 0.7, "view": 5}


def test_dials_are_those_of_single_styles(model, camera):
  (found,) = model.render_styles(camera, ["mosaic"], **_DIALS)
  single = model.render(camera, "mosaic", **_DIALS)
  np.testing.assert_allclose(found.rgb, single.rgb, atol=1e-6)


def test_a_traced_view_is_painted_as_it_renders(model, camera):
  """The tiny field has fewer samples than are kept: only rounding differs."""
  traced = model.trace(camera)
  for style, dials in (
    ("mosaic", {}),
    ("ink-wash", _DIALS),
    ({"mosaic": 0.3, "ink-wash": 0.7}, {}),
    ("mosaic", {"intensity": 0.0}),
    (None, {}),
  ):
    wanted = model.render(camera, style, **dials)
    found = model.paint(traced, style, **dials)
    np.testing.assert_allclose(found.rgb, wanted.rgb, atol=2e-3)
    np.testing.assert_allclose(found.depth, wanted.depth, rtol=1e-5)
    np.testing.assert_allclose(found.opacity, wanted.opacity, rtol=1e-5)
  with pytest.raises(ValueError, match="intensity is 2"):
    model.paint(traced, "mosaic", intensity=2.0)


def test_a_view_traced_with_fewer_samples_looks_alike(
  model, camera, monkeypatch
):
  monkeypatch.setattr(model_lib, "_TRACED_SAMPLES", 2)
  thinned = dataclasses.replace(model)
  traced = thinned.trace(camera)
  assert traced.packed.shape[-1] == 2
  found = thinned.paint(traced, "mosaic").rgb
  error = np.abs(found - model.render(camera, "mosaic").rgb)
  assert 0.0 < error.mean() < 0.02


def test_intensity_runs_from_photograph_to_style(
  model, camera, photographed, stylized
):
  none = model.render(camera, "mosaic", intensity=0.0)
  np.testing.assert_array_equal(none.rgb, photographed.rgb)
  half = model.render(camera, "mosaic", intensity=0.5)
  middle = (photographed.rgb + stylized.rgb) / 2
  np.testing.assert_allclose(half.rgb, middle, atol=1e-5)


def test_mix_is_normalised(model):
  mosaic, ink = model.latent("mosaic"), model.latent("ink-wash")
  assert mosaic.shape == (32,) and np.abs(mosaic - ink).max() > 0
  np.testing.assert_array_equal(mosaic, model.latent_mean[0])
  mixed = model.latent({"mosaic": 2.1, "ink-wash": 0.9})
  np.testing.assert_allclose(mixed, 0.7 * mosaic + 0.3 * ink, atol=1e-6)


def test_spread_moves_from_the_mean_to_one_view(model, camera, stylized):
  code = model.params["latents"][0, 5]
  mean = model.latent("mosaic")
  for spread, wanted in ((0.0, mean), (1.0, code), (0.5, (mean + code) / 2)):
    found = model.view_latent("mosaic", view=5, spread=spread)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
  # Whatever the view, no spread is the mean.
  none = model.render(camera, "mosaic", spread=0.0, view=5)
  np.testing.assert_array_equal(none.rgb, stylized.rgb)
  full = model.render(camera, "mosaic", spread=1.0, view=5)
  given = model.render(camera, latent=code)
  np.testing.assert_allclose(full.rgb, given.rgb, atol=1e-6)
  assert np.abs(full.rgb - stylized.rgb).max() > 0


def test_nearest_view_counts_training_views(model):
  train = model.scene.splits["train"]
  test = model.scene.splits["test"]
  found = [model.nearest_view(model.scene.cameras[i]) for i in train]
  assert found == list(range(len(train)))
  for i in test:
    assert train[model.nearest_view(model.scene.cameras[i])] in (i - 1, i + 1)


def test_a_saved_file_holds_everything(model, camera, stylized, tmp_path):
  model.save(tmp_path / "model.npz")
  loaded = snj.StylizedNerf.load(tmp_path / "model.npz")
  assert loaded.styles == model.styles
  assert loaded.style_hashes == model.style_hashes
  assert loaded.config == model.config
  again = loaded.render(camera, "mosaic")
  np.testing.assert_array_equal(again.rgb, stylized.rgb)
  np.testing.assert_array_equal(again.depth, stylized.depth)
  assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


@pytest.mark.parametrize(
  "style, dials, message",
  [
    ("mosiac", {}, "did you mean 'mosaic'.*known styles: mosaic, ink-wash"),
    ({"mosaic": -1.0}, {}, "none negative"),
    ({"mosaic": 0.0}, {}, "all zero"),
    ({"mosaic": float("nan")}, {}, "finite"),
    ({}, {}, "no style given"),
    ("mosaic", {"intensity": 1.5}, r"intensity is 1.5; .* \[0, 1\]"),
    ("mosaic", {"spread": -0.1}, "spread is -0.1"),
    ("mosaic", {"view": 24}, "view is 24; expected 0 to 23"),
  ],
)
def test_wrong_dials_are_named(model, camera, style, dials, message):
  with pytest.raises(ValueError, match=message):
    model.render(camera, style, **dials)


def test_a_run_of_an_earlier_version_renders_as_it_did(
  model, camera, stylized, run_copy
):
  path = run_copy / "config.json"
  config = json.loads(path.read_text())
  del config["rendering"]["rays_at_once"]
  del config["training"]
  path.write_text(json.dumps(config))
  older = snj.StylizedNerf.load(run_copy)
  assert older.config.rendering == model.config.rendering
  out = older.render(camera, style=older.styles[0])
  np.testing.assert_array_equal(out.rgb, stylized.rgb)
