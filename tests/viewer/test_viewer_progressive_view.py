"""Pictures that grow: the same as whole ones, each ray once, interruptible."""

import dataclasses

import jax
import numpy as np
import pytest

from stylized_nerf_jax import region_file
from stylized_nerf_jax.fields import region_field
from stylized_nerf_jax.viewer import lattice, shown
from stylized_nerf_jax.viewer.progressive_view import ProgressiveView, Work


def refine_all(view: ProgressiveView) -> None:
  for stride in lattice.STRIDES:
    for _ in view.refine(stride):
      pass


@pytest.mark.parametrize(
  ("style", "dials"),
  [
    ("mosaic", {}),
    ({"mosaic": 0.3, "ink-wash": 0.7}, {"intensity": 0.6}),
    ("ink-wash", {"palette": 0.5, "spread": 0.5}),
    (None, {}),
  ],
)
def test_all_passes_give_the_picture_of_render(model, blocks, style, dials):
  camera = model.scene.cameras[3]
  view = ProgressiveView(blocks, camera)
  view.show(blocks.paint_of(camera, style, **dials))
  refine_all(view)
  expected = model.render(camera, style, **dials)
  made = view.image(1)
  assert np.abs(made.rgb - expected.rgb).max() < 1 / 255
  np.testing.assert_allclose(made.depth, expected.depth, rtol=1e-5)
  np.testing.assert_allclose(made.opacity, expected.opacity, atol=1e-5)
  assert view.traced == camera.width * camera.height


def test_kept_samples_give_the_picture_of_paint(model):
  """Where fewer are kept it is what tracing and painting gives as a whole."""
  blocks = model.blocks(192)
  camera = model.scene.cameras[3]
  view = ProgressiveView(blocks, camera)
  view.show(blocks.paint_of(camera, "mosaic"))
  refine_all(view)
  expected = model.paint(model.trace(camera, blocks.samples), "mosaic")
  np.testing.assert_allclose(view.image(1).rgb, expected.rgb, atol=1e-5)


def test_every_ray_is_traced_once_whatever_is_turned(fake, make_camera):
  view = ProgressiveView(fake, make_camera())
  view.show(fake.paint_of(None, {"one": 1.0}))
  for _ in view.refine(8):
    pass
  assert view.work(2) is Work.TRACE
  view.show(fake.paint_of(None, {"two": 1.0}))
  assert view.work(8) is Work.READ
  refine_all(view)
  view.show(fake.paint_of(None, {"three": 1.0}))
  refine_all(view)
  count = 24 * 32
  assert sorted(fake.traced) == list(range(count)) and view.traced == count
  assert len(fake.painted) == 2 * count + fake.block == view.painted


def test_a_dial_of_colours_paints_nothing(fake, make_camera):
  view = ProgressiveView(fake, make_camera())
  view.show(fake.paint_of(None, {"one": 1.0}))
  refine_all(view)
  view.show(None)
  refine_all(view)
  view.show(fake.paint_of(None, {"one": 1.0}, palette=0.5))
  assert not view.is_done(1) and view.work(1) is Work.SHOW
  refine_all(view)
  assert len(fake.painted) == 24 * 32 and view.is_done(1)
  np.testing.assert_allclose(view.image(1).rgb[..., 1], 0.5)
  view.show(fake.paint_of(None, {"two": 1.0}, palette=0.5))
  assert view.work(1) is Work.READ


def test_tables_are_read_once_for_every_part_of_a_mix(fake, make_camera):
  view = ProgressiveView(fake, make_camera())
  for share in (0.25, 0.5, 0.75):
    view.show(fake.paint_of(None, {"one": share, "two": 1 - share}))
    refine_all(view)
  everywhere = [(place, i) for place in (0, 1) for i in range(24 * 32)]
  assert sorted(fake.encoded) == everywhere
  view.show(fake.paint_of(None, {"two": 1.0}))
  refine_all(view)
  assert len(fake.encoded) == 2 * 24 * 32
  assert view.painted == len(fake.painted) == 4 * 24 * 32


def test_what_is_to_be_there_at_once_keeps_nothing(fake, make_camera):
  view = ProgressiveView(fake, make_camera())
  mix = {"one": 0.5, "two": 0.5}
  view.show(fake.paint_of(None, mix))
  for _ in view.refine(8, keep=False):
    pass
  # A block, though twelve pixels were asked for.
  assert not fake.encoded and view.is_done(8) and len(fake.painted) == 50
  refine_all(view)
  # What was painted without it is not read again.
  assert len(fake.encoded) == 2 * (24 * 32 - 50)
  view.show(fake.paint_of(None, {"one": 0.25, "two": 0.75}))
  assert view.work(8) is Work.READ and view.read == 0
  refine_all(view)
  assert len(fake.encoded) == 2 * 24 * 32 and view.read == 50
  view.show(fake.paint_of(None, {"one": 0.75, "two": 0.25}))
  assert view.work(8) is Work.PAINT
  for _ in view.refine(8, keep=False):
    pass
  assert len(fake.encoded) == 2 * 24 * 32 and view.read == 50


def test_encodings_without_use_make_room(fake, make_camera):
  each = 24 * 32 * fake.encoded_bytes
  view = ProgressiveView(fake, make_camera(), most_bytes=2 * each)
  read = []
  for name in ("one", "two", "one", "three", "one", "two"):
    before = len(fake.encoded)
    view.show(fake.paint_of(None, {name: 1.0}))
    refine_all(view)
    read.append((len(fake.encoded) - before) // (24 * 32))
  assert read == [1, 1, 0, 1, 0, 1]
  view.show(fake.paint_of(None, {"one": 0.2, "two": 0.3, "three": 0.5}))
  before = len(fake.encoded)
  refine_all(view)
  assert len(fake.encoded) == before and view.is_done(1)


def test_kept_encodings_paint_what_tables_do(model, blocks):
  """16 bits of each feature are what is lost."""
  camera = model.scene.cameras[2]
  pictures = []
  for most_bytes in (0, 2**30):
    view = ProgressiveView(blocks, camera, most_bytes)
    for share in (1.0, 0.3):
      mix = {"mosaic": share, "ink-wash": 1 - share}
      view.show(blocks.paint_of(camera, mix))
      refine_all(view)
      pictures.append(view.image(1).rgb)
  straight, kept = pictures[:2], pictures[2:]
  np.testing.assert_allclose(kept, straight, atol=1e-4)
  assert np.abs(straight[0] - straight[1]).max() > 0.01


def test_what_was_left_is_gone_on_with(fake, make_camera):
  view = ProgressiveView(fake, make_camera())
  steps = view.refine(1)
  assert [next(steps) for _ in range(3)] == [50, 100, 150]
  steps.close()
  assert not view.is_done(1)
  assert next(view.refine(1)) == 200
  refine_all(view)
  assert view.is_done(1) and len(fake.traced) == 24 * 32


def test_what_is_photographed_is_not_painted(fake, make_camera):
  view = ProgressiveView(fake, make_camera(x=0.25))
  view.show(None)
  refine_all(view)
  assert not fake.painted and view.is_done(1)
  own = view.photographed(1)
  assert own.rgb.shape == (24, 32, 3)
  index = np.arange(24 * 32).reshape(24, 32)
  np.testing.assert_allclose(own.rgb[..., 0], index / 1e4, atol=1e-6)
  np.testing.assert_allclose(own.rgb[..., 2], 0.25)
  np.testing.assert_array_equal(own.depth, index + 1)


def test_holes_are_filled_from_the_lattice_before(fake, make_camera):
  view = ProgressiveView(fake, make_camera())
  dials = shown.Dials(weights={"a": 1.0})
  view.show(fake.paint_of(None, {"a": 1.0}))
  for _ in view.refine(4):
    pass
  next(view.refine(1))
  made = shown.grown(view, dials, 4)
  assert made.shape == (24, 32, 3)
  holes = view.holes()
  assert 0 < holes.sum() < holes.size
  assert (made[..., 1] == 255).all()  # Of painted pixels, near and far.
  exact = shown.picture(view, dials, 1)
  np.testing.assert_array_equal(made[~holes], exact[~holes])


def with_region(model):
  """The model with a region that is drawn at random."""
  options = {"log2_table_size": 8, "finest_resolution": 32}
  module = region_field.RegionField(**options)
  params = dict(
    module.init(jax.random.key(0), np.zeros((1, 3), np.float32))["params"]
  )
  random = np.random.default_rng(0)
  params = jax.tree.map(
    lambda v: random.normal(size=v.shape).astype(np.float32), params
  )
  params["lower"] = np.full(3, -2.0, np.float32)
  params["upper"] = np.full(3, 2.0, np.float32)
  region = region_file.Region("part", params, options, "f", {})
  return dataclasses.replace(model, regions={"part": region})


def test_regions_are_painted_as_render_paints_them(model):
  model = with_region(model)
  blocks = model.blocks(192, samples=model.field.num_samples)
  camera = model.scene.cameras[3]
  view = ProgressiveView(blocks, camera)
  options = {"regions": {"part": "mosaic"}, "feather": 0.3, "intensity": 0.8}
  view.show(blocks.paint_of(camera, None, **options))
  refine_all(view)
  expected = model.render(camera, None, **options)
  np.testing.assert_allclose(view.image(1).rgb, expected.rgb, atol=1e-4)
  plain = model.render(camera, None)
  assert np.abs(expected.rgb - plain.rgb).max() > 0.02
  painted = view.painted
  options = {**options, "intensity": 0.3, "palette": 0.6}
  view.show(blocks.paint_of(camera, None, **options))
  refine_all(view)
  assert view.painted == painted
  expected = model.render(camera, None, **options)
  np.testing.assert_allclose(view.image(1).rgb, expected.rgb, atol=1e-4)


def test_dials_of_colours_show_what_render_makes_of_them(model, blocks):
  """One painting of a view serves all of them."""
  camera = model.scene.cameras[1]
  view = ProgressiveView(blocks, camera)
  mix = {"mosaic": 0.5, "ink-wash": 0.5}
  for dials in ({}, {"intensity": 0.4}, {"palette": 0.3}, {"transfer": "none"}):
    view.show(blocks.paint_of(camera, mix, **dials))
    refine_all(view)
    expected = model.render(camera, mix, **dials)
    assert np.abs(view.image(1).rgb - expected.rgb).max() < 1 / 255
  assert view.painted == camera.width * camera.height
