"""The field step of mutual learning: what it trains, and what not."""

import types

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.phases import mutual_steps, radiance_field
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.views import style_batches

_RAYS = 6


@pytest.fixture(scope="module")
def model(finished_run):
  return model_lib.StylizedNerf.load(finished_run)


@pytest.fixture(scope="module")
def gradients(model):
  """Function: weights of the losses -> (metrics, gradient) of one batch."""
  facts = types.SimpleNamespace(
    latent_mean=model.latent_mean, latent_variance=model.latent_variance
  )
  params = {k: model.params[k] for k in ("style_field", "latents")}
  random = np.random.default_rng(0)
  batch = style_batches.RayBatch(
    style=np.array([0, 1, 0, 1, 1, 0]),
    view=np.array([3, 3, 4, 5, 6, 7]),
    xy=random.uniform(4, 20, (_RAYS, 2)).astype(np.float32),
    colors=random.integers(0, 255, (_RAYS, 3)).astype(np.uint8),
  )

  def make(learn_latents):
    @jax.jit
    def run(mimic, nll):
      options = model.config.mutual_learning.to_dict() | {
        "mimic_field_weight": mimic,
        "latent_weight": nll,
        "learn_latents": learn_latents,
      }
      config = types.SimpleNamespace(
        field=model.config.field,
        style_field=model.config.style_field,
        rendering=model.config.rendering,
        views=model.config.views,
        mutual_learning=types.SimpleNamespace(**options),
      )
      steps = mutual_steps.MutualSteps(
        config, model.scene, facts, model.params["field"]
      )
      constants = steps.field_constants
      return jax.grad(steps.field_loss, has_aux=True)(
        params, constants, batch, None
      )

    return run

  made = {learn: make(learn) for learn in (True, False)}
  return lambda mimic, nll, learn=True: made[learn](mimic, nll)


def _largest(tree) -> float:
  return max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(tree))


def test_only_style_field_and_codes_have_gradients(gradients):
  gradient, metrics = gradients(1.0, 0.1)
  assert set(gradient) == {"style_field", "latents"}
  assert all(_largest(part) > 0 for part in gradient.values())
  # Codes of rays that were not drawn stay.
  drawn = np.zeros((2, 24), bool)
  drawn[[0, 1, 0, 1, 1, 0], [3, 3, 4, 5, 6, 7]] = True
  moved = np.abs(gradient["latents"]).max(-1) > 0
  np.testing.assert_array_equal(moved, drawn)
  assert metrics["mimic"] > 0 and metrics["latent_nll"] > 0


def test_each_loss_can_be_switched_off(gradients):
  nothing, _ = gradients(0.0, 0.0)
  assert _largest(nothing) == 0
  only_nll, _ = gradients(0.0, 0.1)
  assert _largest(only_nll["style_field"]) == 0
  assert _largest(only_nll["latents"]) > 0


def test_the_likelihood_pulls_to_the_mean_over_the_variance(gradients, model):
  gradient, _ = gradients(0.0, 0.1)
  offset = model.params["latents"][1, 5] - model.latent_mean[1]
  wanted = 0.1 / _RAYS * offset / model.latent_variance[1]
  np.testing.assert_allclose(gradient["latents"][1, 5], wanted, rtol=1e-4)


def test_without_latents_no_code_moves(gradients):
  gradient, metrics = gradients(1.0, 0.1, learn=False)
  assert _largest(gradient["latents"]) == 0
  assert _largest(gradient["style_field"]) > 0
  assert "latent_nll" not in metrics


def test_rates_are_those_of_the_config():
  options = config_lib.defaults.get_config().mutual_learning
  options.steps, options.patch_steps, options.patch_warmup = 10, 9, 3
  options.patch_learning_rate = 3 * options.learning_rate
  optimizer = mutual_steps.field_optimizer(options)
  network = {"w": jnp.zeros(3), "grid": {"level_0": jnp.zeros((2, 2))}}
  params = {"style_field": network, "latents": jnp.zeros((2, 2))}
  ones = jax.tree.map(jnp.ones_like, params)

  def step(state, _):
    updates, state = optimizer.update(ones, state, params)
    return state, updates

  # Adam moves by its rate where the gradient never changes.
  init = optimizer.init(params)
  _, updates = jax.lax.scan(step, init, length=20)
  decay = options.learning_rate_final / options.learning_rate
  rays = options.learning_rate * decay ** (np.arange(10) / 10)
  updated = updates["style_field"]
  for name, moved in (
    ("patch_learning_rate", updated["w"][:, 0]),
    ("patch_table_learning_rate", updated["grid"]["level_0"][:, 0, 0]),
  ):
    first, largest = options.learning_rate_final, options[name]
    decay = options[f"{name}_final"] / largest
    rising = first + (largest - first) * np.arange(3) / 3
    patches = largest * decay ** (np.arange(7) / 6)
    np.testing.assert_allclose(-moved, [*rays, *rising, *patches], rtol=1e-3)
  codes = -np.asarray(updates["latents"][:, 0, 0])
  np.testing.assert_allclose(codes, options.latent_learning_rate, rtol=1e-3)


def test_long_gradients_are_clipped():
  """Adam forgets how long gradients are, but for those before and after."""
  options = config_lib.defaults.get_config().mutual_learning
  options.steps, options.clip = 10, 1.0
  params = {"style_field": {"w": jnp.zeros(4)}, "latents": jnp.zeros(1)}

  def moved(long: float, clip: float):
    options.clip = clip
    optimizer = mutual_steps.field_optimizer(options)
    state = optimizer.init(params)
    for size in (long, 0.5):
      gradient = jax.tree.map(lambda p: jnp.full_like(p, size), params)  # noqa: B023
      updates, state = optimizer.update(gradient, state, params)
    return float(updates["style_field"]["w"][0])

  # [0.5] * 4 is one long, and so is what [50] * 4 is clipped to.
  assert moved(50.0, 1.0) == pytest.approx(moved(0.5, 1.0), rel=1e-5)
  assert moved(50.0, 0.0) != pytest.approx(moved(0.5, 0.0), rel=0.1)


def test_colours_of_pixels_are_those_of_the_rendering(model):
  facts = types.SimpleNamespace(
    latent_mean=model.latent_mean, latent_variance=model.latent_variance
  )
  steps = mutual_steps.MutualSteps(
    model.config, model.scene, facts, model.params["field"]
  )
  view = 5
  found = steps.render_pixels(
    model.params, 1, view, np.float32([[0.5, 0.5], [20.5, 10.5]])
  )
  camera = model.scene.split("train")[view]
  whole = model.render(camera, latent=model.params["latents"][1, view]).rgb
  np.testing.assert_allclose(found, whole[[0, 10], [0, 20]], atol=1e-6)


def test_the_coarse_pass_may_be_mimicked_too(model):
  """Of the paper: the error of its samples beside that of the final ones."""
  config = ml_collections.ConfigDict(model.config.to_dict())
  config.field.kind = "positional"
  facts = types.SimpleNamespace(
    latent_mean=model.latent_mean, latent_variance=model.latent_variance
  )
  space = model.scene.normalization.space
  field = modules.radiance_field(config.field, space)
  field_params = radiance_field.init_params(field, model.scene, seed=3)
  params = {k: model.params[k] for k in ("style_field", "latents")}
  xy = np.float32([[5.5, 6.5], [10.5, 3.5], [7.5, 8.5], [2.5, 9.5]])
  colors = np.random.default_rng(1).integers(0, 255, (4, 3), np.uint8)
  batch = style_batches.RayBatch(
    np.zeros(4, np.int32), np.full(4, 2, np.int32), xy, colors
  )
  found = {}
  for coarse in (False, True):
    config.mutual_learning.mimic_coarse = coarse
    steps = mutual_steps.MutualSteps(config, model.scene, facts, field_params)
    _, metrics = jax.jit(steps.field_loss)(
      params, steps.field_constants, batch, None
    )
    found[coarse] = float(metrics["mimic"])
  cameras = rays_lib.camera_arrays(
    model.scene.split("train"), model.scene.normalization
  )
  camera = jax.tree.map(lambda values: values[2], cameras)
  rays = rays_lib.cast_rays(camera, xy, space)
  _, sampled = field.apply({"params": field_params}, rays, method="sample")
  coarse = sampled["coarse"]
  painted = modules.style_field_of(config.style_field, space).apply(
    {"params": params["style_field"]},
    coarse.points,
    np.broadcast_to(params["latents"][0, 2], (4, 32)),
  )
  rgb = renderer.composite_colors(
    coarse.weights, painted, modules.ray_setting(model.scene).background
  )
  error = np.mean((np.asarray(rgb) - colors / 255.0) ** 2)
  np.testing.assert_allclose(found[True] - found[False], error, rtol=1e-3)
