"""The finish: what it changes, what it leaves, and what it draws from."""

import json
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.fields import style_mixing
from stylized_nerf_jax.painting import finish_stages, finish_steps
from stylized_nerf_jax.phases import (
  finish,
  mutual_state,
  pipeline,
  radiance_field,
  run_styles,
)
from stylized_nerf_jax.runs import run_folder
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
  start = before["params"]["style_field"]
  _assert_same(start, after.params["style_field"])
  changes = jax.tree.map(
    lambda a, b: np.abs(a[None] - b).reshape(2, -1).max(1),
    start,
    after.params["finished"],
  )
  # A step of 3e-2 for tables and of 2e-3 for layers, twice, for each style.
  grid, head = changes["grid"]["level_0"], changes["color_head"]["kernel"]
  assert (grid > 0.01).all() and (grid < 0.1).all()
  assert (head > 0.001).all() and (head < 0.01).all()
  assert after.palette_maps.transfer == "table"


def test_a_run_is_shown_without_a_finish_that_it_does_not_have(run_copy):
  config = config_lib.load(run_copy / "config.json")
  run = run_folder.RunFolder(run_copy)
  before = mutual_state.restore_styles(config, run)["params"]["style_field"]
  path = run_copy / "manifest.json"
  manifest = json.loads(path.read_text())
  # That of another phase 3 than the present one.
  manifest["phases"]["finish"]["inputs"]["mutual_learning"] = "0" * 16
  path.write_text(json.dumps(manifest))
  assert "finished" not in _load(run_copy).params
  del manifest["phases"]["finish"]
  path.write_text(json.dumps(manifest))
  model = _load(run_copy)
  assert "finished" not in model.params and model.palette_maps is None
  _assert_same(before, model.params["style_field"])


def test_other_dials_of_the_finish_leave_phase_3(run_copy, capsys):
  config = config_lib.load(run_copy / "config.json")
  config.mutual_learning.finish.stroke_scale = 2.0
  config.mutual_learning.finish.steps = 5
  before = (run_copy / "mutual_learning").stat().st_mtime_ns
  pipeline.train(config, run_copy)
  told = capsys.readouterr().err
  assert "finish.stroke_scale (1 -> 2)" in told
  assert "mutual_learning: finished before" in told
  assert (run_copy / "mutual_learning").stat().st_mtime_ns == before
  assert (run_copy / "replaced" / "finish-0").is_dir()
  rows = run_folder.RunFolder(run_copy).metrics.read()
  assert {"match", "content", "spread"} <= set(rows[-1])
  assert "share" not in rows[-1]


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
  return config, finish._Finish(config, run, run_styles.stored(run), None)


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
  for number, style in enumerate(finishing._styles):
    random = np.random.default_rng(0)
    drawn = finishing._views.draw_rays(random, number, 4000).rgb
    # Clipping at 0 and 1 moves the mean a little.
    painted = style.image.reshape(-1, 3).mean(0)
    np.testing.assert_allclose(drawn.mean(0), painted, atol=0.06)


def test_steps_on_a_window_bring_it_nearer_to_the_painting(work):
  config, finishing = work
  steps, views = finishing._steps, finishing._views
  config.mutual_learning.finish.update(refit_steps=0, steps=30)
  optimizer = finish_steps.make_optimizer(config.mutual_learning.finish)
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
  assert found[-1]["match"] < found[0]["match"]
  assert found[-1]["loss"] < found[0]["loss"]
  # Every place took one: in each size the shares are all of them.
  np.testing.assert_allclose(found[0]["share"].sum(-1), 1.0, rtol=1e-5)


def test_a_mix_of_parameters_is_their_mean_and_one_style_stays_itself(run_copy):
  model = _load(run_copy)
  names = ("style_field", "finished")
  base, finished = jax.tree.map(np.asarray, [model.params[n] for n in names])
  mix = jax.jit(style_mixing.mix)
  one = mix(base, finished, np.float32([0.0, 1.0]))
  _assert_same(one, jax.tree.map(lambda v: np.float32(v[1]), finished))
  none = mix(base, finished, np.zeros(2, np.float32))
  _assert_same(none, base)
  mixed = mix(base, finished, np.float32([0.3, 0.5]))
  expected = jax.tree.map(
    lambda b, f: 0.2 * b + 0.3 * np.float32(f[0]) + 0.5 * np.float32(f[1]),
    base,
    finished,
  )
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), mixed, expected
  )


def test_styles_side_by_side_are_those_rendered_alone(run_copy):
  model = _load(run_copy)
  mix = dict.fromkeys(model.styles, 0.5)
  together = model.render_styles(0, [*model.styles, mix], transfer="none")
  for style, shown in zip([*model.styles, mix], together):
    alone = model.render(0, style, transfer="none")
    np.testing.assert_allclose(shown.rgb, alone.rgb, atol=1e-5)
  assert np.abs(together[0].rgb - together[1].rgb).max() > 1e-3


def test_a_model_file_keeps_finished_styles(run_copy, tmp_path):
  model = _load(run_copy)
  model.save(tmp_path / "model.npz")
  other = _load(tmp_path / "model.npz")
  _assert_same(model.params["finished"], other.params["finished"])
  shown = [m.render(0, m.styles[1]).rgb for m in (model, other)]
  np.testing.assert_array_equal(*shown)


def test_a_style_is_the_same_whoever_stands_beside_it(work, run_copy):
  """What is drawn for a style depends on its picture, not on its number."""
  _, finishing = work
  stage = finish_stages.RefitStage(
    finishing._config,
    finishing._steps,
    finishing._optimizer,
    finishing._views,
    mock.Mock(),
  )
  stage.begin(0, "ab" * 32)
  first = stage._random(0, 3).integers(1000, size=5)
  stage.begin(1, "ab" * 32)
  np.testing.assert_array_equal(
    first, stage._random(0, 3).integers(1000, size=5)
  )
  stage.begin(1, "cd" * 32)
  assert (first != stage._random(0, 3).integers(1000, size=5)).any()


def test_what_was_resumed_is_of_its_own_style_only(work):
  """Where an earlier style has to be made again, a later one begins, too."""
  _, finishing = work
  finishing._resumed = "b" * 64, 1
  assert finishing._begin("b" * 64) == 1
  finishing._resumed = "b" * 64, 1
  assert finishing._begin("a" * 64) == 0 and finishing._begin("b" * 64) == 0
  _assert_same(finishing._state.params, finishing._start)


def test_a_lost_style_is_made_again_and_a_damaged_one_is_told(run_copy, capsys):
  config = config_lib.load(run_copy / "config.json")
  before = _load(run_copy)
  kept, lost = sorted((run_copy / "finish" / "styles").iterdir())
  stamp = kept.stat().st_mtime_ns
  lost.unlink()
  pipeline.train(config, run_copy, phase="finish")
  assert kept.stat().st_mtime_ns == stamp
  _assert_same(before.params["finished"], _load(run_copy).params["finished"])
  content = bytearray(kept.read_bytes())
  content[len(content) // 2] ^= 1
  kept.write_bytes(content)
  with pytest.raises(ValueError, match=f"{kept.name} is missing or damaged"):
    _load(run_copy)
