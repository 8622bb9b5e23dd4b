"""The finish: what it changes, what it leaves, and what it draws from."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import (
  finish,
  finish_steps,
  mutual_state,
  pipeline,
  radiance_field,
)
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.stylizer import pretrained
from stylized_nerf_jax.views import rendered_views


def _load(run):
  return model_lib.StylizedNerf.load(run)


def _assert_same(one, other):
  jax.tree.map(np.testing.assert_array_equal, one, other)


def test_strokes_change_the_style_field_and_not_the_codes(run_copy):
  config, run = config_lib.load(run_copy / "config.json"), None
  run = run_folder.RunFolder(run_copy)
  before = mutual_state.restore_styles(config, run)
  after = _load(run_copy)
  _assert_same(before["params"]["latents"], after.params["latents"])
  np.testing.assert_array_equal(before["latent_mean"], after.latent_mean)
  changes = jax.tree.map(
    lambda a, b: float(np.abs(a - b).max()),
    before["params"]["style_field"],
    after.params["style_field"],
  )
  # A step of 1e-2 for tables and of 1e-3 for layers, four times.
  assert 0.005 < changes["grid"]["level_0"] < 0.05
  assert 0.0005 < changes["color_head"]["kernel"] < 0.005


def test_a_run_is_shown_without_a_finish_that_it_does_not_have(run_copy):
  config = config_lib.load(run_copy / "config.json")
  run = run_folder.RunFolder(run_copy)
  before = mutual_state.restore_styles(config, run)["params"]["style_field"]
  path = run_copy / "manifest.json"
  manifest = json.loads(path.read_text())
  # That of another phase 3 than the present one.
  manifest["phases"]["finish"]["inputs"]["mutual_learning"] = "0" * 16
  path.write_text(json.dumps(manifest))
  _assert_same(before, _load(run_copy).params["style_field"])
  del manifest["phases"]["finish"]
  path.write_text(json.dumps(manifest))
  _assert_same(before, _load(run_copy).params["style_field"])


def test_other_dials_of_the_finish_leave_phase_3(run_copy, capsys):
  config = config_lib.load(run_copy / "config.json")
  config.mutual_learning.finish.stroke_scale = 2.0
  before = (run_copy / "mutual_learning").stat().st_mtime_ns
  pipeline.train(config, run_copy)
  told = capsys.readouterr().err
  assert "finish: finish.stroke_scale (1 -> 2) changed" in told
  assert "mutual_learning: finished before" in told
  assert (run_copy / "mutual_learning").stat().st_mtime_ns == before
  assert (run_copy / "replaced" / "finish-0").is_dir()


def test_without_steps_there_is_no_finish(small_weights):
  config = tiny_run.make_config(small_weights)
  assert pipeline.phases_of(config) == run_folder.PHASES
  config = tiny_run.make_config(small_weights, mutual_learning__finish__steps=0)
  assert pipeline.phases_of(config) == run_folder.PHASES[:-1]


def test_a_finish_without_steps_is_refused(run_copy):
  config = config_lib.load(run_copy / "config.json")
  config.mutual_learning.finish.steps = 0
  with pytest.raises(ValueError, match="finish.steps is 0"):
    pipeline.train(config, run_copy, phase="finish")


@pytest.fixture
def work(run_copy):
  """A finish before its first step, and its config."""
  config = config_lib.load(run_copy / "config.json")
  run = run_folder.RunFolder(run_copy)
  nets = stylizer_nets.load_nets(config.weights)
  styles = pipeline.stored_styles(run)
  return config, finish._Finish(
    config,
    run,
    styles,
    stylizer_nets.style_facts(nets, styles),
    pretrained.load_stroke_encoder("vgg16"),
    None,
  )


def test_windows_are_cut_from_recoloured_views(work, run_copy):
  config, finishing = work
  views = finishing._views
  size = views.window_size(24)
  assert size == 24 and views.window_size(1000) % 8 == 0
  batch = views.draw_windows(np.random.default_rng(0), 1, 3, size, of_views=0.5)
  run = run_folder.RunFolder(run_copy)
  params = radiance_field.load_params(config, run)
  rendered = rendered_views.load_or_render(config, run, params)
  matrix, offset = views._maps[1]
  for n in range(3):
    (x, y), v = batch.corner[n], batch.view[n]
    for dx, dy in ((0, 0), (5, 11), (23, 23)):
      color = matrix @ rendered.rgb(v)[y + dy, x + dx] + offset
      expected = np.clip(color, 0, 1) * 255
      assert np.abs(batch.colors[n, dy, dx] - expected).max() < 0.51
      row = rendered.geometry.window(v, x + dx, y + dy, 1)[0, 0]
      np.testing.assert_array_equal(batch.packed[n, dy, dx], row)
  assert ((batch.spread >= 0) & (batch.spread < 1)).all()


def test_rays_have_the_palettes_of_their_styles(work):
  _, finishing = work
  batch = finishing._views.draw_rays(np.random.default_rng(0), 4000)
  for number, style in enumerate(finishing._styles.values()):
    drawn = batch.rgb[batch.style == number]
    # Clipping at 0 and 1 moves the mean a little.
    painted = style.image.reshape(-1, 3).mean(0)
    np.testing.assert_allclose(drawn.mean(0), painted, atol=0.06)


def test_steps_on_a_window_bring_it_nearer_to_the_painting(work):
  config, finishing = work
  steps, views = finishing._steps, finishing._views
  optimizer = finish_steps.make_optimizer(
    config.mutual_learning.finish, refit_steps=0, steps=30
  )
  params = finishing._state.params
  state = optimizer.init(params)
  batch = views.draw_windows(np.random.default_rng(1), 0, 1, 24, of_views=0.0)
  constants = {
    **steps.constants,
    "painting": finishing._paintings[0],
    "prices": jnp.zeros((2, 32)),
  }

  @jax.jit
  def step(params, state):
    grad, metrics = jax.grad(steps.window_loss, has_aux=True)(
      params, constants, batch, None
    )
    updates, state = optimizer.update(grad, state)
    return jax.tree.map(jnp.add, params, updates), state, metrics

  found = []
  for _ in range(30):
    params, state, metrics = step(params, state)
    found.append(metrics)
  assert found[-1]["match"] < 0.95 * found[0]["match"]
  assert found[-1]["loss"] < found[0]["loss"]
  # Every place took one: in each size the shares are all of them.
  np.testing.assert_allclose(found[0]["share"].sum(-1), 1.0, rtol=1e-5)
