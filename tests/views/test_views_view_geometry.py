"""The geometry cache of a run: what it holds, and when there is none."""

import json
import types

import jax
import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.phases import mutual_steps
from stylized_nerf_jax.rendering import geometry_cache
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.views import rendered_views, style_batches, view_geometry


@pytest.fixture(scope="module")
def model(finished_run):
  return model_lib.StylizedNerf.load(finished_run)


@pytest.fixture(scope="module")
def geometry(finished_run, model):
  run = run_folder.RunFolder(finished_run)
  return rendered_views.load_or_render(run.config(), run, None).geometry


def _packed(model, view: int, xy, count: int):
  """Packs the samples of pixels by itself."""
  record = model.scene
  space = model.scene.normalization.space
  camera = rays_lib.camera_arrays(
    record.split("train")[view], record.normalization
  )
  field = modules.radiance_field(model.config.field, space)
  params = model.params["field"]

  @jax.jit
  def pack(params, camera, xy):
    rays = rays_lib.cast_rays(camera, xy, space)
    samples, _ = field.apply({"params": params}, rays, method="sample")
    return geometry_cache.pack(samples, rays, space, count)[0]

  return np.asarray(pack(params, camera, np.float32(xy)))


def test_rows_and_windows_are_those_of_the_pixels(model, geometry):
  cameras = model.scene.split("train")
  width, height = int(cameras.width[0]), int(cameras.height[0])
  xy = np.array([[3, 2], [4, 2], [3, 3], [4, 3]])
  wanted = _packed(model, 5, xy + 0.5, 3)
  rows = geometry.rows(5 * width * height + xy[:, 1] * width + xy[:, 0])
  window = geometry.window(5, 3, 2, 2)
  np.testing.assert_array_equal(window.reshape(4, 2, 3), rows)
  # Equal samples to a step of 16 bits; ties may change places.
  assert (np.abs(rows.astype(int) - wanted.astype(int)) <= 2).mean() > 0.9


def test_a_step_from_all_packed_samples_is_the_step(model):
  facts = types.SimpleNamespace(
    latent_mean=model.latent_mean, latent_variance=model.latent_variance
  )
  anew, packed = (
    mutual_steps.MutualSteps(
      model.config, model.scene, facts, model.params["field"], packed=packed
    )
    for packed in (False, True)
  )
  # What the devices need not hold, they do not.
  assert set(anew.field_constants) - set(packed.field_constants) == {"field"}
  params = {k: model.params[k] for k in ("style_field", "latents")}
  random = np.random.default_rng(0)
  xy = random.uniform(2, 20, (8, 2)).astype(np.float32)
  colors = random.integers(0, 255, (8, 3)).astype(np.uint8)
  batch = style_batches.RayBatch(np.zeros(8, int), np.full(8, 4), xy, colors)
  every = model.config.field.hash_grid.num_fine

  def gradient(steps, batch):
    grad = jax.jit(jax.grad(steps.field_loss, has_aux=True))
    return grad(params, steps.field_constants, batch, None)[0]

  for wanted, found in zip(
    jax.tree.leaves(gradient(anew, batch)),
    jax.tree.leaves(
      gradient(packed, batch.replace(packed=_packed(model, 4, xy, every)))
    ),
  ):
    scale = np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, atol=1e-2 * scale)


def test_the_finished_run_has_learned_from_it(finished_run):
  folder = finished_run / "radiance_field"
  if not folder.exists():
    folder = run_folder.RunFolder(finished_run).phase_path("radiance_field")
  loss = json.loads((folder / "thinned_3" / "loss.json").read_text())
  assert set(loss) == {"color", "depth", "weight"}
  assert 0 <= loss["color"]["mean"] <= loss["color"]["largest"] <= 1


def test_a_budget_keeps_fewer_samples_or_none(small_weights, model, capsys):
  cameras = model.scene.split("train")
  pixels = int((cameras.width * cameras.height).sum())
  for samples, fits, wanted in (
    (8, 100, 4),  # num_fine of the tiny field
    (4, 4, 4),
    (4, 3, 0),
    (2, 2, 2),
    (0, 100, 0),
  ):
    config = tiny_run.make_config(
      small_weights, geometry_cache__samples=samples
    )
    options = types.SimpleNamespace(
      samples=samples, mib=(pixels * 4 * fits + 1) / 2**20
    )
    config = types.SimpleNamespace(
      field=config.field,
      mutual_learning=config.mutual_learning,
      geometry_cache=options,
    )
    assert view_geometry.samples_kept(config, cameras) == wanted
    told = "geometry_cache.mib" in capsys.readouterr().err
    assert told == (fits < min(samples, 4))


def test_the_coarse_loss_needs_all_samples(small_weights, model):
  config = tiny_run.make_config(
    small_weights, mutual_learning__mimic_coarse=True
  )
  assert view_geometry.samples_kept(config, model.scene.split("train")) == 0


def test_one_that_is_too_coarse_is_not_used(tmp_path, model, capsys):
  cameras = model.scene.split("train")
  writer = view_geometry.Writer(tmp_path, cameras, 2)
  assert not view_geometry.is_complete(tmp_path)
  for camera in cameras:
    shape = (camera.height, camera.width)
    loss = geometry_cache.Loss(
      color=np.full(shape, 0.02), depth=np.zeros(shape), weight=np.zeros(shape)
    )
    writer.add(np.zeros((*shape, 2, 2), np.uint16), loss)
  writer.finish()
  assert view_geometry.is_complete(tmp_path)
  assert view_geometry.load(tmp_path, cameras, 0.03) is not None
  assert view_geometry.load(tmp_path, cameras, 0.01) is None
  assert "geometry_cache.tolerance" in capsys.readouterr().err
