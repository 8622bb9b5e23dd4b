"""One test for each defect of the public release (method, section 9).

Where a module's own tests say more, the docstring names them.
"""

import dataclasses
import functools

import jax
import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax import defaults
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.fields import positional
from stylized_nerf_jax.losses import mutual
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.outputs import video
from stylized_nerf_jax.phases import mutual_steps
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.scenes.readers import formats
from stylized_nerf_jax.stylizer import (
  pretrained,
  statistics_vae,
  stylize,
  vgg,
)
from stylized_nerf_jax.tasks import film_plan
from stylized_nerf_jax.views import (
  rendered_views,
  stylized_views,
  view_features,
)


@pytest.fixture(scope="module")
def model(finished_run):
  return model_lib.StylizedNerf.load(finished_run)


@pytest.fixture
def networks(small_networks):
  """Encoder, decoder and VAE, small and random."""
  encoder = pretrained.load_encoder()
  return stylizer_nets.Nets(
    encoder=encoder,
    decoder=tiny_run.draw(pretrained.decoder_shapes()),
    vae=tiny_run.draw(pretrained.vae_shapes()),
  )


def _style(name: str, seed: int) -> style_set.StyleImage:
  random = np.random.default_rng(seed)
  pixels = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
  return style_set.StyleImage(name, pixels)


def test_1_the_decoder_learns_from_the_style_field():
  """Also tests/phases/test_phases_decoder_objective.py, on gradients."""
  stylized = np.float32([[0.2, 0.4, 0.9]])
  rendered = np.zeros((1, 3), np.float32)
  gradient = jax.jit(jax.grad(mutual.mimic_3d_to_2d))(stylized, rendered)
  np.testing.assert_allclose(gradient, 2 * stylized / 3, rtol=1e-6)
  # It is on by default, and decoder steps are taken.
  options = defaults.get_config().mutual_learning
  assert options.mimic_decoder_weight > 0 and options.decoder_every > 0


def test_2_the_decay_reaches_the_style_field():
  """Also tests/phases/test_phases_mutual_steps.py, on every step."""
  options = defaults.get_config().mutual_learning
  options.steps = 2
  optimizer = mutual_steps.field_optimizer(options)
  params = {
    "style_field": {"w": np.zeros(1, np.float32)},
    "latents": np.zeros((1, 1), np.float32),
  }
  ones = jax.tree.map(np.ones_like, params)
  state = jax.jit(optimizer.init)(params)
  update = jax.jit(optimizer.update)
  moved = []
  for _ in range(2):
    updates, state = update(ones, state, params)
    moved.append(jax.tree.map(np.asarray, updates))
  first, last = (float(u["style_field"]["w"][0]) for u in moved)
  decay = options.learning_rate_final / options.learning_rate
  assert last / first == pytest.approx(decay**0.5, rel=1e-3)
  first, last = (float(u["latents"][0, 0]) for u in moved)
  assert last / first == pytest.approx(1, rel=1e-3)


def test_3_the_vae_is_fed_what_it_was_trained_on(networks):
  style = _style("one", 0)
  facts = stylizer_nets.style_facts(networks, style_set.StyleSet([style]))
  features = jax.jit(vgg.VggEncoder("vgg16").apply)(
    {"params": networks.encoder.params}, style.image[None]
  )["relu4_1"]
  rows = np.asarray(features, np.float64).reshape(-1, 512)
  deviation = np.sqrt(rows.var(axis=0, ddof=1) + 1e-5)
  vector = np.concatenate([rows.mean(axis=0), deviation]).astype(np.float32)
  encode = functools.partial(
    statistics_vae.StatisticsVae().apply, method="encode"
  )
  mean, log_variance = jax.jit(encode)({"params": networks.vae}, vector[None])
  np.testing.assert_allclose(facts.latent_mean, mean, rtol=1e-3, atol=1e-5)
  np.testing.assert_allclose(
    facts.latent_variance, np.exp(log_variance), rtol=1e-3
  )


def test_4_novel_frames_never_index_training_codes(model):
  views_of_training = len(model.scene.split("train"))
  cameras = film_plan.path_cameras(model, "orbit", views_of_training + 20)
  assert all(
    0 <= model.nearest_view(camera) < views_of_training for camera in cameras
  )
  # Without spread, no view's code matters at all.
  other = {**model.params, "latents": np.full((2, 24, 32), 100.0)}
  changed = dataclasses.replace(model, params=other)
  np.testing.assert_array_equal(
    changed.latent("mosaic"), model.latent("mosaic")
  )


def test_5_rendering_has_no_jitter(model):
  """Also tests/rendering/test_renderer.py."""
  camera = model.scene.cameras[2]
  first = model.render(camera, "mosaic")
  # Another style between the two, as a path in many styles renders.
  model.render(camera, "ink-wash")
  again = model.render(camera, "mosaic")
  for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(again)):
    np.testing.assert_array_equal(one, other)


def test_6_videos_show_the_fine_frames(tmp_path):
  """Also tests/cli/test_cli_render.py, on a whole path."""
  field = positional.PositionalField(
    num_coarse=4, num_fine=4, depth=2, width=8, position_octaves=2
  )
  zeros = np.zeros((6, 3), np.float32)
  along = np.eye(3, dtype=np.float32)[np.arange(6) % 3]
  rays = rays_lib.Rays(
    origins=zeros,
    directions=along,
    viewdirs=along,
    centers=zeros,
    near=np.full((6, 1), 0.5, np.float32),
    far=np.full((6, 1), 2.0, np.float32),
  )
  space = normalization.RaySpace(
    "box", 0.5, 2.0, 1.0, 1.0, (-2.0,) * 3, (2.0,) * 3
  )
  setting = rays_lib.RaySetting(space=space, scale=1.0)
  params = jax.jit(field.init)(jax.random.key(0), rays)["params"]

  @jax.jit
  def render(params):
    return renderer.render_rays(field, None, {"field": params}, rays, setting)

  def recoloured(network):
    head = params[network]["color_head"]
    head = {**head, "bias": np.asarray(head["bias"]) + 5.0}
    return {**params, network: {**params[network], "color_head": head}}

  shown = render(params).rgb
  np.testing.assert_array_equal(render(recoloured("coarse")).rgb, shown)
  assert (render(recoloured("fine")).rgb > shown).any()
  # And a grey video is grey, not black.
  pytest.importorskip("imageio_ffmpeg", reason="extra `video` is missing")
  grey = np.full((24, 32, 3), 0.5, np.float32)
  video.write_video(tmp_path / "grey.mp4", [grey, grey])
  for frame in video.read_video(tmp_path / "grey.mp4"):
    np.testing.assert_allclose(frame / 255, 0.5, atol=0.02)


def test_7_small_pictures_are_stylized(networks):
  """Also tests/stylizer/test_stylizer_stylize.py."""
  whole = stylize.Stylizer("vgg16", networks.encoder.params, networks.decoder)
  picture = np.random.default_rng(0).uniform(size=(1, 9, 5, 3))
  ones = np.ones(512, np.float32)
  found = jax.jit(whole.stylize)(picture.astype(np.float32), ones, ones)
  assert found.shape == (1, 9, 5, 3) and np.isfinite(found).all()


@pytest.fixture
def two_views(model, tmp_path):
  """The folder of two rendered training views."""
  cameras = model.scene.split("train")[:2]
  random = np.random.default_rng(0)
  for i in range(2):
    pixels = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    np.save(tmp_path / f"rgb_{i:05d}.npy", pixels)
  return rendered_views.Views(tmp_path, cameras)


def _make_targets(folder, rendered, networks, *styles):
  facts = stylizer_nets.style_facts(networks, style_set.StyleSet(styles))
  features = view_features.load_or_encode(
    folder.parent / folder.name[::-1], rendered, networks
  )
  made = stylized_views.Targets(folder, rendered.cameras, features, facts)
  made.remake(networks.decoder)
  random = np.random.default_rng(0)
  return facts, made, made.draw(random, (500,))


def test_8_another_style_set_never_reads_old_targets(
  networks, two_views, tmp_path
):
  folder = tmp_path / "targets"
  one, other = _style("same-name", 0), _style("same-name", 1)
  facts, _, before = _make_targets(folder, two_views, networks, one)
  kept = {path.name for path in folder.iterdir()}
  assert kept == {f"{facts.hashes[0][:16]}.npy"}
  _, _, after = _make_targets(folder, two_views, networks, other)
  assert len(list(folder.iterdir())) == 2
  assert (before.colors != after.colors).mean() > 0.05


def test_9_stylized_views_lie_on_disk(networks, two_views, tmp_path):
  """Also tests/pixels/test_pixels_pixel_bank.py, for phase 1."""
  _, made, drawn = _make_targets(
    tmp_path / "targets", two_views, networks, _style("a", 0), _style("b", 1)
  )
  # Styles x views x H x W x 3, one byte each, and none of them in memory.
  assert made.num_bytes == 2 * 2 * 24 * 32 * 3
  assert all(isinstance(p, np.memmap) for p in made._pixels)
  assert drawn.colors.dtype == np.uint8
  # What is drawn is the stylized pixel at that place.
  whole = stylize.Stylizer("vgg16", networks.encoder.params, networks.decoder)
  statistics = jax.jit(whole.style_statistics)(_style("b", 1).image)
  image = jax.jit(whole.stylize)(two_views.rgb(1)[None], *statistics)[0]
  chosen = (drawn.style == 1) & (drawn.view == 1)
  columns, rows = drawn.xy[chosen].astype(int).T
  assert chosen.sum() > 50
  np.testing.assert_allclose(
    drawn.colors[chosen] / 255, np.asarray(image)[rows, columns], atol=0.01
  )


def test_10_more_than_llff(tmp_path, model):
  """Readers, metrics and mixes have tests of their own."""
  capture = formats.load_scene(tiny_run.write_transforms(tmp_path / "capture"))
  assert capture.format == "transforms" and len(capture) == 8
  between = model.latent({"mosaic": 0.5, "ink-wash": 0.5})
  ends = model.latent("mosaic"), model.latent("ink-wash")
  np.testing.assert_allclose(between, np.mean(ends, axis=0), atol=1e-6)


def test_11_view_directions_are_not_in_ndc():
  """Also tests/rendering/test_rendering_rays.py."""
  space = normalization.RaySpace(
    "ndc", 0.0, 1.0, 0.8, 0.6, (-1.0,) * 3, (1.0,) * 3
  )
  pose = np.eye(4)
  pose[:3, 3] = 0.2, -0.1, 0.3
  view = cameras_lib.Camera(pose, 20.0, 20.0, 16.0, 12.0, 32, 24)
  cast = jax.jit(rays_lib.cast_rays, static_argnames="space")
  rays = cast(
    rays_lib.camera_arrays(view, None), np.float32([[31.5, 0.5]]), space=space
  )
  wanted = np.array([15.5 / 20, 11.5 / 20, -1.0])
  wanted /= np.linalg.norm(wanted)
  np.testing.assert_allclose(np.asarray(rays.viewdirs)[0], wanted, atol=1e-6)
  # The rays themselves are in NDC.
  direction = np.asarray(rays.directions)[0]
  assert np.abs(direction / np.linalg.norm(direction) - wanted).max() > 0.1


def test_11_the_output_is_aligned_not_resized(networks):
  """Also tests/stylizer/test_stylizer_stylize.py, on an edge."""
  whole = stylize.Stylizer("vgg16", networks.encoder.params, networks.decoder)
  picture = np.random.default_rng(0).uniform(size=(1, 29, 37, 3))
  picture = picture.astype(np.float32)
  ones = np.ones(512, np.float32)
  run = jax.jit(whole.stylize)
  found = run(picture, ones, ones)
  # Reflected by hand to multiples of 8, stylized, and cut at the top left.
  padded = np.pad(picture, ((0, 0), (0, 3), (0, 3), (0, 0)), mode="reflect")
  larger = run(padded, ones, ones)
  assert larger.shape == (1, 32, 40, 3)
  np.testing.assert_allclose(found, larger[:, :29, :37], atol=1e-5)
