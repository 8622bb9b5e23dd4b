"""`StylizedNerf` of a finished run: dials, determinism, files."""

import dataclasses
import json
import warnings

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest
from PIL import Image

import stylized_nerf_jax as snj
from stylized_nerf_jax.models import renderers
from stylized_nerf_jax.rows import devices

# Two renderers are to agree to the last bit.
pytestmark = pytest.mark.usefixtures("fusion_emitters")


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
  many = dataclasses.replace(model, styles=tuple("abcdefgh"))
  assert repr(many).endswith("styles: a, b, c, d, e, f and 2 more)")


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


def test_dials_of_colours_paint_a_traced_view_once(model, camera, monkeypatch):
  traced, other = model.trace(camera), model.trace(0)
  painted = []
  artist = model._artist
  paint = artist._paint
  monkeypatch.setattr(
    artist, "_paint", lambda *given: painted.append(given[0]) or paint(*given)
  )
  plain = {"transfer": "none"}
  first = model.paint(traced, "mosaic", **plain)
  wanted = first.rgb.copy()
  first.rgb[:] = 0.0  # The caller's own.
  half = model.paint(traced, "mosaic", intensity=0.5, **plain)
  own = traced.photographed.rgb
  np.testing.assert_allclose(half.rgb, (own + wanted) / 2, atol=1e-6)
  again = model.paint(traced, "mosaic", **plain)
  np.testing.assert_array_equal(again.rgb, wanted)
  assert painted == [traced]
  model.paint(traced, "ink-wash", palette=0.5)
  model.paint(other, "ink-wash", palette=0.5)
  assert painted == [traced, traced, other]


def test_a_view_traced_with_fewer_samples_looks_alike(model, camera):
  traced = model.trace(camera, samples=2)
  assert traced.packed.shape[-1] == 2
  found = model.paint(traced, "mosaic").rgb
  error = np.abs(found - model.render(camera, "mosaic").rgb)
  assert 0.0 < error.mean() < 0.02
  lost = traced.lost
  assert 0.0 < lost.color < 0.02 and 0.0 < lost.weight < 1.0
  assert model.trace(camera, samples=99).packed.shape[-1] == 4
  with pytest.raises(ValueError, match="samples is 0; expected 1 to 4"):
    model.trace(camera, samples=0)


@pytest.mark.parametrize(
  ("kept", "mib", "wanted"), [(3, 4096, 3), (0, 4096, 4), (10, 4096, 4)]
)
def test_a_traced_view_keeps_what_its_run_keeps(
  model, camera, kept, mib, wanted
):
  config = ml_collections.ConfigDict(model.config.to_dict())
  config.geometry_cache.update(samples=kept, mib=mib)
  found = renderers.Renderers(
    ml_collections.FrozenConfigDict(config), model.scene
  )
  assert found.samples_to_keep(camera.width * camera.height, None) == wanted
  # Of a picture that the budget holds a sample of, one is kept.
  assert found.samples_to_keep(mib * 2**20 // 4, None) == 1


def test_a_model_is_a_tree_of_its_parameters(model, camera, stylized):
  leaves, structure = jax.tree.flatten(model)
  assert all(isinstance(leaf, jax.Array | np.ndarray) for leaf in leaves)
  again = jax.tree.unflatten(structure, leaves)
  np.testing.assert_array_equal(
    again.render(camera, "mosaic").rgb, stylized.rgb
  )
  # Beside them means and variances of codes, and three arrays of palettes.
  assert len(leaves) == len(jax.tree.leaves(model.params)) + 5

  @jax.jit
  def total(model):
    return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(model.params))

  slope = jax.grad(total)(model)
  assert isinstance(slope, snj.StylizedNerf) and slope.styles == model.styles
  for leaf in jax.tree.leaves(slope.params):
    assert (np.asarray(leaf) == 1).all()


def test_a_frame_sends_a_camera_and_a_code(model, camera, monkeypatch):
  """Parameters are where they are rendered; only small arrays follow."""
  model.render(camera, "mosaic")
  sent, replicate = [], devices.replicate

  def counted(tree):
    sent.append(
      sum(
        leaf.nbytes
        for leaf in jax.tree.leaves(tree)
        if not (
          isinstance(leaf, jax.Array)
          and len(leaf.sharding.device_set) == jax.local_device_count()
        )
      )
    )
    return replicate(tree)

  monkeypatch.setattr(devices, "replicate", counted)
  model.render(camera, "mosaic")
  assert len(sent) == 1 and 0 < sent[0] < 512
  whole = sum(leaf.nbytes for leaf in jax.tree.leaves(model.params))
  assert whole > 10 * sent[0]


def test_views_are_rendered_by_their_numbers(model, camera, stylized):
  for number in (3, np.int64(3)):
    found = model.render(number, "mosaic")
    np.testing.assert_array_equal(found.rgb, stylized.rgb)
  for wrong in (28, -1, "3", None):
    with pytest.raises(ValueError, match="view's number from 0 to 27"):
      model.render(wrong)


@pytest.mark.usefixtures("small_networks")
def test_mixes_of_names_pictures_and_codes(model, tmp_path):
  pixels = np.random.default_rng(0).integers(0, 255, (70, 80, 3))
  picture = tmp_path / "new.png"
  Image.fromarray(pixels.astype(np.uint8)).save(picture)
  guessed = model.latent(picture)
  np.testing.assert_array_equal(guessed, model.latent(str(picture)))
  mosaic, ink = model.latent("mosaic"), model.latent("ink-wash")
  code = np.linspace(-1, 1, 32, dtype=np.float32)
  mixed = model.latent(
    [("mos", 0.1), (picture, 0.2), (code, 0.3), ("ink-wash", 0.4)]
  )
  wanted = 0.1 * mosaic + 0.2 * guessed + 0.3 * code + 0.4 * ink
  np.testing.assert_allclose(mixed, wanted, atol=1e-6)
  np.testing.assert_array_equal(model.latent(code), code)
  named = model.latent({"mosaic": 0.5, picture: 0.5})
  np.testing.assert_allclose(named, (mosaic + guessed) / 2, atol=1e-6)
  # What was never trained on is the same in all views.
  np.testing.assert_array_equal(
    model.view_latent(picture, view=5, spread=1.0), guessed
  )
  with pytest.raises(ValueError, match="absent.png cannot be read"):
    model.latent(tmp_path / "absent.png")
  with pytest.raises(ValueError, match=r"code has shape \(3,\); expected"):
    model.latent(np.zeros(3))
  with pytest.raises(ValueError, match="expected a name, a picture's file"):
    model.latent(["mosaic", "ink-wash"])


def test_weights_are_said_to_be_divided_once_at_each_place(model):
  with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("default")
    for _ in range(3):
      model.latent({"mosaic": 2.0, "ink-wash": 1.0})
    model.render(3, {"mosaic": 2.0, "ink-wash": 1.0})
    model.latent({"mosaic": 0.3, "ink-wash": 0.7})
  assert [warning.filename for warning in said] == [__file__] * 2
  assert "sum to 3 and are divided by it" in str(said[0].message)


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
  with pytest.warns(UserWarning, match="sum to 3 "):
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
  assert np.abs(full.rgb - stylized.rgb).max() > 0
  # A code by itself is painted by the field that mutual learning left.
  params = {k: v for k, v in model.params.items() if k != "finished"}
  model = dataclasses.replace(model, params=params, palette_maps=None)
  full = model.render(camera, "mosaic", spread=1.0, view=5)
  given = model.render(camera, latent=code)
  np.testing.assert_allclose(full.rgb, given.rgb, atol=1e-6)


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
