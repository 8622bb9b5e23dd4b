"""Exposures and poses that are known are found again."""

import json
import shutil
import types

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import tiny_run

from stylized_nerf_jax import defaults, model
from stylized_nerf_jax.phases import corrected_views, pipeline, radiance_field
from stylized_nerf_jax.pixels import pixel_bank
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import samples, view_corrections
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import normalization

_SPACE = normalization.RaySpace(
  "contracted", 0.1, 10.0, 1.0, 1.0, (-1.0,) * 3, (1.0,) * 3
)
_STEPS = 150


class _Sky(nn.Module):
  """A field that is known: a pattern of directions, behind everything."""

  def sample(self, rays, key=None, *, noise=0.0):
    del key, noise
    points = rays.origins + rays.far * rays.directions
    found = samples.Samples(
      points=points[..., None, :],
      t=rays.far,
      weights=jnp.ones_like(rays.far),
      features=jnp.zeros((*rays.far.shape, 1)),
    )
    return found, ()

  def color(self, samples, viewdirs):
    waves = jnp.sin(7.0 * viewdirs + 2.0 * jnp.roll(viewdirs, 1, axis=-1))
    # Nearer to 0 than to 1, so that no exposure is cut off.
    return (0.35 + 0.25 * waves)[..., None, :]

  def losses(self, rays, found, target, background, *, every=1):
    del rays, found, background, every
    # What is left to a field's own losses has the exposure of the field.
    return {"seen": jnp.mean(target)}


def _cameras(count=4):
  poses = np.zeros((count, 3, 4), np.float32)
  poses[:, :, :3] = np.eye(3)
  poses[:, :, 3] = np.random.default_rng(0).normal(size=(count, 3))
  intrinsics = np.tile(np.float32([12, 12, 6, 6]), (count, 1))
  return rays_lib.CameraArrays(
    jnp.asarray(poses), jnp.asarray(intrinsics), jnp.zeros((count, 4))
  )


@jax.jit
def _photographs(cameras, stops, twists):
  """Returns [V, 12, 12, 3]: the sky as each camera truly shows it."""
  moved = view_corrections.move(cameras, twists)
  xy = rays_lib.pixel_grid(12, 12).reshape(-1, 2)
  one = jax.tree.map(lambda values: values[:, None], moved)
  rays = rays_lib.cast_rays(one, xy, _SPACE)
  colors = _Sky().color(None, rays.viewdirs)[..., 0, :]
  shown = view_corrections.expose(colors, stops[:, None])
  return shown.reshape(-1, 12, 12, 3)


def _learn(corrected, cameras, photographs):
  """Returns the phase's parameters after some steps on pixels of a sky."""
  bank = pixel_bank.make_pixel_bank(photographs, cameras)
  options = defaults.get_config().radiance_field
  field = _Sky()

  def loss(params, key):
    return radiance_field.loss_fn(
      params,
      bank,
      jnp.arange(128),
      key,
      field=field,
      setting=rays_lib.RaySetting(_SPACE, 1.0, (0.0, 0.0, 0.0)),
      options=options,
      corrected=corrected,
    )[0]

  params = corrected.with_views({})
  optimizer = corrected.optimizer(optax.sgd(0.0))

  def step(carry, key):
    params, state = carry
    updates, state = optimizer.update(jax.grad(loss)(params, key), state)
    return (optax.apply_updates(params, updates), state), None

  keys = jax.random.split(jax.random.key(0), _STEPS)
  carry = params, jax.jit(optimizer.init)(params)
  (params, _), _ = jax.jit(lambda *a: jax.lax.scan(step, *a))(carry, keys)
  return params


def test_exposures_and_turns_are_found_again():
  cameras = _cameras()
  centers = np.asarray(cameras.camera_to_model[:, :, 3])
  rng = np.random.default_rng(1)
  stops = np.float32(rng.uniform(-0.5, 0.5, (4, 3)))
  stops = jax.jit(view_corrections.centred)(stops)
  twists = np.float32(rng.normal(size=(4, 6)) * 0.03)
  twists = jax.jit(view_corrections.without_shared)(
    twists, view_corrections.shared_motions(centers)
  )
  photographs = np.asarray(_photographs(cameras, stops, twists))
  corrected = corrected_views.CorrectedViews(centers, 0.02, 0.006, _STEPS)
  params = _learn(corrected, cameras, photographs)
  found = corrected.found(params)
  np.testing.assert_allclose(found["stops"], stops, atol=0.02)
  # How the cameras are shifted, a sky does not say.
  turns, true_turns = (np.asarray(v)[:, :3] for v in (found["twists"], twists))
  np.testing.assert_allclose(turns, true_turns, atol=0.004)
  assert "stops; cameras turned by" in corrected.in_words(params)


def test_what_has_no_rate_is_not_learned():
  for rates, name in (((0.01, 0.0), "stops"), ((0.0, 0.01), "twists")):
    corrected = corrected_views.CorrectedViews(np.eye(3), *rates, _STEPS)
    params = corrected.with_views({})
    assert set(params["views"]) == {name}
    assert set(corrected.found(params)) == {name}
  options = types.SimpleNamespace(
    exposure_learning_rate=0.0, pose_learning_rate=0.0
  )
  assert corrected_views.CorrectedViews.of(options, None) is None


def test_a_fields_own_losses_see_the_mean_exposure():
  """And no exposure can be learned from them."""
  found = {"stops": jnp.asarray([[1.0] * 3, [-1.0] * 3])}
  colors = view_corrections.expose(jnp.full((2, 3), 0.3), found["stops"])
  view = jnp.arange(2)
  target = corrected_views.undo_exposure(found, colors, view)
  np.testing.assert_allclose(target, 0.3, atol=1e-5)
  gradient = jax.jit(
    jax.grad(
      lambda stops: corrected_views.undo_exposure(
        {"stops": stops}, colors, view
      ).sum()
    )
  )(found["stops"])
  np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_short_phases_have_schedules_too(steps):
  corrected = corrected_views.CorrectedViews(np.zeros((2, 3)), 0.1, 0.1, steps)
  params = corrected.with_views({"a": jnp.ones(2)})
  optimizer = corrected.optimizer(optax.sgd(1.0))
  state = optimizer.init(params)
  for _ in range(steps):
    updates, state = optimizer.update(params, state, params)
  assert all(np.isfinite(u).all() for u in jax.tree.leaves(updates))
  np.testing.assert_allclose(updates["field"]["a"], -1.0)


def test_a_run_with_corrections_goes_on_and_is_a_model(
  tmp_path, small_weights, small_networks
):
  """Killed after a step it ends as it would; its model is a field alone."""
  config = tiny_run.make_config(
    small_weights,
    radiance_field__exposure_learning_rate=0.01,
    radiance_field__pose_learning_rate=0.01,
  )
  run = tmp_path / "run"
  pipeline.train(config, run, phase="radiance_field")
  whole = radiance_field.load_params(config, run_folder.RunFolder(run))
  manifest = json.loads((run / "manifest.json").read_text())
  inputs = manifest["phases"]["radiance_field"]["inputs"]
  assert inputs["radiance_field"]["pose_learning_rate"] == 0.01
  shutil.rmtree(run / "radiance_field" / "checkpoints" / "2")
  manifest["phases"]["radiance_field"]["finished"] = False
  (run / "manifest.json").write_text(json.dumps(manifest))
  pipeline.train(config, run, phase="radiance_field")
  again = radiance_field.load_params(config, run_folder.RunFolder(run))
  jax.tree.map(np.testing.assert_array_equal, whole, again)
  loaded = model.StylizedNerf.load(run)
  assert set(loaded.params) == {"field"}
  camera = loaded.scene.cameras[0].resized(8, 6)
  assert np.isfinite(loaded.render(camera).rgb).all()
