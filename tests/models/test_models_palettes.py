"""A model in the palette of a picture that it was never trained on."""

import dataclasses
from unittest import mock

import jax
import numpy as np
import pytest
import tiny_run
from PIL import Image

import stylized_nerf_jax as snj
from stylized_nerf_jax.models import palettes
from stylized_nerf_jax.models.dials import Dials
from stylized_nerf_jax.phases import run_styles, style_palettes
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes.selection import small_views
from stylized_nerf_jax.stylizer import color_tables, style_maps

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(scope="module")
def model(finished_run):
  """Whose styles have no finish, and so no maps yet."""
  model = snj.StylizedNerf.load(finished_run)
  params = {k: v for k, v in model.params.items() if k != "finished"}
  return dataclasses.replace(model, params=params, palette_maps=None)


@pytest.fixture(scope="module")
def paintings(finished_run):
  return run_styles.stored(run_folder.RunFolder(finished_run))


@pytest.fixture(scope="module")
def mapped(model, paintings):
  """The model with maps of its styles; not the ones that it would choose."""
  return model.fit_style_maps(paintings, transfer="affine")


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
  cameras = small_views.small_cameras(model.scene)
  train = model.scene.split("train")
  assert len(cameras) == 8 and len(train) == 24
  assert [cameras[0].name, cameras[-1].name] == [train[0].name, train[-1].name]
  assert {(camera.width, camera.height) for camera in cameras} == {(32, 24)}


def test_a_code_is_measured_and_mapped_once():
  opacity = np.where(np.arange(7) < 4, 0.5, 0.0) * np.ones((6, 1))
  own = np.random.default_rng(1).random((6, 7, 3))
  shown = opacity[..., None] * own + (1 - opacity[..., None]) * 0.25
  view = mock.Mock()
  view.photographed.opacity, view.photographed.rgb = opacity, shown
  paint = mock.Mock(return_value=shown**2)
  measured = palettes.Palettes([view], paint, (0.25, 0.25, 0.25))
  target = palettes.Target(("a", 1), np.random.default_rng(2).random((50, 3)))
  code = np.zeros(32, np.float32)
  tables = [
    measured.table(*one)
    for one in (
      (code, target, "affine"),
      (code, target, "affine"),
      (None, target, "affine"),
    )
  ]
  assert tables[0] is tables[1] and paint.call_count == 1
  wanted = style_maps.table_of(
    style_maps.own_colors(shown, opacity, (0.25,) * 3), target.colors, "affine"
  )
  np.testing.assert_array_equal(tables[2], wanted)
  assert np.abs(tables[0] - wanted).max() > 0.1


def _mean(model, **dials):
  """Mean colour of the scene's own pixels."""
  shown = [
    model.render(camera, **dials)
    for camera in small_views.small_cameras(model.scene)
  ]
  colors = np.sum([out.rgb.sum(axis=(0, 1)) for out in shown], axis=0)
  return colors / np.sum([out.opacity.sum() for out in shown])


def test_a_picture_gives_the_scene_its_palette(model, picture):
  pixels = np.asarray(Image.open(picture)).reshape(-1, 3) / 255
  wanted = pixels.mean(axis=0)
  for style, dials in (
    (picture, {}),
    (picture, {"transfer": "affine"}),
    (None, {"recolor": picture}),
    ("mosaic", {"recolor": picture, "transfer": "affine"}),
  ):
    found, without = (
      np.abs(_mean(model, style=style, **told) - wanted).max()
      for told in (dials, {"transfer": "none"})
    )
    assert found < min(0.03, without), dials


def test_recolouring_is_of_the_photographs_without_a_style(model, picture):
  bare = dataclasses.replace(
    model,
    params={"field": model.params["field"]},
    styles=(),
    style_hashes=(),
    latent_mean=None,
    latent_variance=None,
  )
  whole = bare.render(3, recolor=picture)
  np.testing.assert_array_equal(whole.rgb, model.render(3, recolor=picture).rgb)
  np.testing.assert_array_equal(whole.depth, bare.render(3).depth)
  own = bare.render(3).rgb
  half = bare.render(3, recolor=picture, palette=0.5).rgb
  np.testing.assert_allclose(half, (own + whole.rgb) / 2, atol=1e-6)
  none = bare.render(3, recolor=picture, palette=0.0).rgb
  np.testing.assert_allclose(none, own, atol=1e-6)
  painted = model.paint(model.trace(3), recolor=picture).rgb
  np.testing.assert_allclose(painted, whole.rgb, atol=1e-6)
  # A function of colour: equal colours stay equal in every view.
  table = model._artist._palettes.table(
    None, palettes.Pictures().target(picture), "table"
  )
  mapped = np.clip(jax.jit(color_tables.apply)(own, table), 0, 1)
  solid = whole.opacity > 0.999
  np.testing.assert_allclose(whole.rgb[solid], mapped[solid], atol=2e-3)
  with pytest.raises(ValueError, match="absent.png cannot be read"):
    bare.render(3, recolor="absent.png")
  with pytest.raises(ValueError, match="transfer is none; expected affine or"):
    bare.render(3, recolor=picture, transfer="none")


def test_the_palette_of_a_trained_style_is_a_dial(model):
  own, full = model.render(3).rgb, model.render(3, "mosaic").rgb
  np.testing.assert_array_equal(
    model.render(3, "mosaic", palette=1.0).rgb, full
  )
  kept = np.asarray(jax.jit(color_tables.in_chroma_of)(full, own))
  for palette in (0.0, 0.4):
    found = model.render(3, "mosaic", palette=palette).rgb
    wanted = kept + palette * (full - kept)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_maps_bring_trained_styles_nearer_and_are_stored(
  model, mapped, paintings, tmp_path
):
  for place, name in enumerate(model.styles):
    wanted = paintings[name].image.reshape(-1, 3).mean(axis=0)
    before, affine, table = (
      np.abs(_mean(mapped, style=name, transfer=transfer) - wanted).max()
      for transfer in ("none", "affine", "table")
    )
    assert affine < before and table < before
    np.testing.assert_array_equal(
      mapped.render(3, name, transfer="none").rgb, model.render(3, name).rgb
    )
    np.testing.assert_array_equal(
      mapped.render(3, name).rgb, mapped.render(3, name, transfer="affine").rgb
    )
    assert mapped.palette_maps.of(place, "table").shape == (17, 17, 17, 3)
  mixed = mapped._artist.look(
    model.camera(3), {"mosaic": 0.3, "ink-wash": 0.7}, Dials()
  )
  maps = [mapped.palette_maps.of(place, "affine") for place in (0, 1)]
  np.testing.assert_allclose(
    mixed.table, 0.3 * maps[0] + 0.7 * maps[1], atol=1e-6
  )
  mapped.save(tmp_path / "mapped.npz")
  again = snj.StylizedNerf.load(tmp_path / "mapped.npz")
  assert again.palette_maps.transfer == "affine"
  np.testing.assert_array_equal(
    again.render(3, "mosaic").rgb, mapped.render(3, "mosaic").rgb
  )
  with pytest.raises(ValueError, match="this model has no maps"):
    model.render(3, "mosaic", transfer="table")
  with pytest.raises(ValueError, match="transfer is 'linear'; expected one of"):
    mapped.render(3, "mosaic", transfer="linear")


def test_a_run_keeps_its_maps(model, mapped, run_copy):
  run = run_folder.RunFolder(tiny_run.drop_finish(run_copy))
  assert style_palettes.read(run, model.style_hashes) is None
  maps = mapped.palette_maps
  style_palettes.write(run, maps, model.style_hashes)
  found = snj.StylizedNerf.load(run_copy)
  assert found.palette_maps.transfer == "affine"
  jax.tree.map(np.testing.assert_array_equal, found.palette_maps, maps)
  with pytest.raises(ValueError, match="of other styles than the run's"):
    style_palettes.read(run, ["other"])
  path = run_copy / "mutual_learning" / "palettes.npz"
  path.write_bytes(path.read_bytes()[:-100])
  with pytest.raises(ValueError, match="palettes.npz is damaged"):
    snj.StylizedNerf.load(run_copy)


def test_maps_of_finished_styles_are_of_what_they_paint(
  finished_run, paintings
):
  finished = snj.StylizedNerf.load(finished_run)
  again = finished.fit_style_maps(paintings)
  assert again.palette_maps.transfer == "table"
  for name in finished.styles:
    wanted = paintings[name].image.reshape(-1, 3).mean(axis=0)
    before, stored, fitted = (
      np.abs(_mean(one, style=name, transfer=transfer) - wanted).max()
      for one, transfer in (
        (finished, "none"),
        (finished, "table"),
        (again, "table"),
      )
    )
    assert fitted < before and stored < before


def test_all_ways_to_render_agree(model, picture):
  mix = {"mosaic": 0.4, picture: 0.6}
  traced = model.trace(3)
  # What packing rounds off, 2e-3 of trained styles, tables multiply.
  rounding = 4 * 2e-3
  for given in (
    {},
    {"intensity": 0.6, "palette": 0.7},
    {"recolor": picture, "intensity": 0.6, "palette": 0.7},
  ):
    rendered = [model.render(3, s, **given).rgb for s in (picture, mix)]
    together = model.render_styles(3, ["mosaic", picture, mix], **given)
    trained = model.render(3, "mosaic", **given).rgb
    for found, one in zip(together, [trained, *rendered]):
      np.testing.assert_allclose(found.rgb, one, atol=2e-5)
    for style, one in zip((picture, mix), rendered):
      painted = model.paint(traced, style, **given).rgb
      np.testing.assert_allclose(painted, one, atol=rounding)


def test_what_is_trained_or_not_to_be_mapped_stays_as_it_was(model, picture):
  for style in ("mosaic", {"mosaic": 0.5, "ink-wash": 0.5}):
    code = model.latent(style)
    np.testing.assert_array_equal(
      model.render(3, style).rgb, model.render(3, latent=code).rgb
    )
  np.testing.assert_array_equal(
    model.render(3, picture, transfer="none").rgb,
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
  compiled = len(model._artist.renderers._compiled)
  other = tmp_path / "other.png"
  Image.open(picture).rotate(180).point(lambda v: 255 - v).save(other)
  assert np.abs(model.render(3, other).rgb - model.render(3, picture).rgb).max()
  assert len(model._artist.renderers._compiled) == compiled
