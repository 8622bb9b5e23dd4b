"""A tiny run through all phases: what it keeps, resumes, skips and re-does."""

import json
import pathlib
import shutil

import jax
import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import (
  adaptation,
  finish,
  mutual_learning,
  pipeline,
  run_styles,
)
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.training import checkpoints as checkpoints_lib

# Of the finish: a step on rays and one on a window, for each of two styles.
_LAST_STEPS = dict.fromkeys(run_folder.PHASES, 2) | {"finish": 4}


class Killed(BaseException):
  """Stands for the signal that ends a process."""


def _config(run: pathlib.Path, **changes):
  config = config_lib.load(run / "config.json")
  fields = {k.replace("__", "."): value for k, value in changes.items()}
  config.update_from_flattened_dict(fields)
  return config_lib.ml_collections.FrozenConfigDict(config)


def _files(folder: pathlib.Path) -> dict[str, bytes]:
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in sorted(folder.rglob("*"))
    if path.is_file()
  }


def _final(run: pathlib.Path, phase: str, name: str = "params"):
  """The trees of the newest checkpoint of a phase, whatever their shapes."""
  found = checkpoints_lib.Checkpoints(run / phase / "checkpoints")
  step = found.latest_step()
  tree = found._manager.restore(
    step,
    args=checkpoints_lib.ocp.args.Composite(
      **{name: checkpoints_lib.ocp.args.StandardRestore()}
    ),
  )[name]
  found.close()
  return step, jax.tree.map(np.asarray, tree)


def _assert_equal(one, other):
  jax.tree.map(np.testing.assert_array_equal, one, other)


def _largest_change(one, other) -> float:
  changes = jax.tree.map(lambda a, b: np.abs(a - b).max(), one, other)
  return max(jax.tree.leaves(changes))


def test_every_phase_is_finished_and_logged(finished_run):
  manifest = json.loads((finished_run / "manifest.json").read_text())
  for phase in run_folder.PHASES:
    assert manifest["phases"][phase]["finished"]
    assert _final(finished_run, phase)[0] == _LAST_STEPS[phase]
  styles = sorted(path.stem for path in (finished_run / "styles").iterdir())
  assert styles == sorted(tiny_run.STYLES)
  rows = run_folder.RunFolder(finished_run).metrics.read()
  assert {"test_psnr", "test_ssim"} <= set(rows[-1])
  assert not list(finished_run.glob("replaced/*"))


def test_the_geometry_stays_as_phase_1_left_it(finished_run):
  # Phases 2 and 3 write nothing there, and what they train has no field.
  folder = finished_run / "radiance_field" / "checkpoints"
  done = (finished_run / "radiance_field" / "views" / "complete").stat()
  newest = max(p.stat().st_mtime_ns for p in folder.rglob("*"))
  assert newest <= done.st_mtime_ns
  assert set(_final(finished_run, "stylizer")[1]) == {
    "conv4_1",
    "conv3_1",
    "conv2_1",
    "conv1_1",
  }
  trained = _final(finished_run, "mutual_learning")[1]
  assert set(trained) == {"style_field", "latents"}
  state = model_lib.StylizedNerf.load(finished_run).params["field"]
  _assert_equal(state, _final(finished_run, "radiance_field")[1])


def test_phases_2_and_3_train_what_they_should(finished_run, small_weights):
  with pytest.MonkeyPatch.context() as patch:
    tiny_run.small_networks(patch)
    nets = stylizer_nets.load_nets(_config(finished_run).weights)
  adapted = _final(finished_run, "stylizer")[1]
  assert 0 < _largest_change(nets.decoder, adapted) < 0.01
  mutual = _final(finished_run, "mutual_learning", "decoder")[1]
  assert _largest_change(adapted, mutual) > 0.001
  # One code for each style and training view, around the VAE's mean.
  model = model_lib.StylizedNerf.load(finished_run)
  latents = model.params["latents"]
  assert latents.shape == (2, 24, 32)
  spread = (latents - model.latent_mean[:, None]) ** 2
  spread /= model.latent_variance[:, None]
  assert 0.8 < spread.mean() < 1.2


def test_a_finished_run_is_left_alone(run_copy, monkeypatch):
  before = _files(run_copy)
  monkeypatch.setattr(
    mutual_learning, "_Lesson", lambda *_: pytest.fail("trained again")
  )
  pipeline.train(_config(run_copy), run_copy)
  assert _files(run_copy) == before


def _cut_off(run: pathlib.Path, phase: str) -> None:
  """Leaves a run as a kill after the first step of a phase leaves it."""
  shutil.rmtree(run / phase / "checkpoints" / str(_LAST_STEPS[phase]))
  if phase == "finish":
    # Of the style that its last steps were of.
    written = (run / phase / "styles").iterdir()
    max(written, key=lambda path: path.stat().st_mtime_ns).unlink()
  manifest = json.loads((run / "manifest.json").read_text())
  manifest["phases"][phase]["finished"] = False
  (run / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
  "phase",
  [
    pytest.param("radiance_field", marks=pytest.mark.slow),
    pytest.param("stylizer", marks=pytest.mark.slow),
    "mutual_learning",
    "finish",
  ],
)
def test_a_resumed_phase_ends_as_an_uninterrupted_one(
  finished_run, run_copy, phase, capsys
):
  _cut_off(run_copy, phase)
  pipeline.train(_config(run_copy), run_copy, phase=phase)
  last = _LAST_STEPS[phase]
  assert f"{phase}: resuming at step {last - 1}" in capsys.readouterr().err
  names = ["params", "optimizer"]
  if phase == "mutual_learning":
    names += ["decoder", "decoder_optimizer", "target_decoder"]
  if phase == "finish":
    names += ["prices"]
  for name in names:
    step, found = _final(run_copy, phase, name)
    assert step == last
    _assert_equal(found, _final(finished_run, phase, name)[1])
  assert run_folder.RunFolder(run_copy).facts(phase)["finished"]


@pytest.fixture
def no_steps(monkeypatch):
  """Lets phases 2 and 3 finish without a step, and the finish, too.

  Returns what phase 3 began with: the list holds the parameters of the style
  field and codes of each run.
  """
  begun = []
  monkeypatch.setattr(adaptation, "_train", lambda *a: a[-1])
  monkeypatch.setattr(
    mutual_learning._Lesson,
    "teach",
    lambda self, state, checkpoints: begun.append(state.field.params),
  )
  # Of the finish, whose styles are begun and kept as ever.
  monkeypatch.setattr(
    finish.field_trainer.FieldTrainer,
    "take",
    lambda self, state, local: (state, local + 1, {}),
  )
  return begun


def test_another_style_set_goes_on_from_the_old_codes(
  finished_run, run_copy, no_steps, capsys
):
  old = _final(finished_run, "mutual_learning")[1]
  before = _files(run_copy / "radiance_field")
  changed = _config(run_copy, styles__names="woodcut,mosaic")
  pipeline.train(changed, run_copy)
  told = capsys.readouterr().err
  assert "stylizer: styles.ink-wash, styles.woodcut changed" in told
  assert "1 of 2 styles keep their codes" in told
  (new,) = no_steps
  _assert_equal(old["style_field"], new["style_field"])
  # "mosaic" was the first style and is now the second.
  np.testing.assert_array_equal(old["latents"][0], new["latents"][1])
  assert np.abs(new["latents"][0] - old["latents"][1]).min() > 0
  model = model_lib.StylizedNerf.load(run_copy)
  assert model.styles == ("woodcut", "mosaic")
  # What was there before lies aside, and phase 1 is untouched.
  for phase in ("stylizer", "mutual_learning"):
    aside = run_copy / "replaced" / f"{phase}-0"
    one = _files(aside / "checkpoints")
    assert one == _files(finished_run / phase / "checkpoints")
  assert _files(run_copy / "radiance_field") == before
  styles = sorted(path.name for path in (run_copy / "styles").iterdir())
  assert styles == ["mosaic.png", "woodcut.png"]


def _train_until_killed(config, run: pathlib.Path) -> None:
  """Trains until phase 3 has begun, and has saved nothing."""

  def kill(*_):
    raise Killed

  with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
    patch.setattr(mutual_learning.adaptation, "load_decoder", kill)
    pipeline.train(config, run)


def test_codes_survive_a_kill_before_they_are_saved(
  finished_run, run_copy, no_steps
):
  old = _final(finished_run, "mutual_learning")[1]
  changed = _config(run_copy, styles__names="mosaic")
  _train_until_killed(changed, run_copy)
  # Killed once more, with yet another set of styles.
  changed = _config(run_copy, styles__names="ink-wash,woodcut")
  _train_until_killed(changed, run_copy)
  pipeline.train(changed, run_copy)
  (new,) = no_steps
  _assert_equal(old["style_field"], new["style_field"])
  np.testing.assert_array_equal(old["latents"][1], new["latents"][0])


def test_another_configs_codes_are_not_taken_up(run_copy, no_steps, capsys):
  """Killed before it saved: what lies before it is of another config."""
  weight = {"mutual_learning__latent_weight": 0.2}
  _train_until_killed(_config(run_copy, **weight), run_copy)
  capsys.readouterr()
  changed = _config(run_copy, styles__names="mosaic", **weight)
  pipeline.train(changed, run_copy)
  assert len(no_steps) == 1
  assert "keep their codes" not in capsys.readouterr().err


def test_codes_survive_a_kill_while_the_result_is_moved(
  finished_run, run_copy, no_steps, monkeypatch
):
  """Between the move of the old result and the manifest's next state."""
  old = _final(finished_run, "mutual_learning")[1]
  changed = _config(run_copy, styles__names="mosaic")
  move = run_folder.RunFolder._move_aside

  def kill(self, phase):
    move(self, phase)
    if phase == "mutual_learning":
      raise Killed

  monkeypatch.setattr(run_folder.RunFolder, "_move_aside", kill)
  with pytest.raises(Killed):
    pipeline.train(changed, run_copy)
  monkeypatch.setattr(run_folder.RunFolder, "_move_aside", move)
  pipeline.train(changed, run_copy)
  (new,) = no_steps
  _assert_equal(old["style_field"], new["style_field"])
  np.testing.assert_array_equal(old["latents"][0], new["latents"][0])


def test_another_config_begins_anew(run_copy, no_steps, capsys):
  changed = _config(run_copy, mutual_learning__latent_weight=0.2)
  pipeline.train(changed, run_copy)
  told = capsys.readouterr().err
  assert "mutual_learning.latent_weight (0.1 -> 0.2) changed" in told
  assert "stylizer: finished before" in told and "keep their codes" not in told


def test_a_style_size_is_another_style(run_copy, no_steps, finished_run):
  changed = _config(run_copy, styles__style_size=48)
  pipeline.train(changed, run_copy)
  old = _final(finished_run, "mutual_learning")[1]
  (new,) = no_steps
  assert np.abs(new["latents"] - old["latents"]).max() > 0
  stored = run_styles.stored(run_folder.RunFolder(run_copy))
  model = model_lib.StylizedNerf.load(run_copy)
  assert model.style_hashes == stored.subset(model.styles).content_hashes


def test_without_a_size_paintings_follow_the_views(run_copy, no_steps, capsys):
  unsized = _config(run_copy, styles__style_size=0)
  pipeline.train(unsized, run_copy)
  run = run_folder.RunFolder(run_copy)
  assert run.config().styles.style_size == 128  # As the views are small.
  for style in run_styles.stored(run).values():
    assert min(style.pixels.shape[:2]) == 128
  capsys.readouterr()
  pipeline.train(unsized, run_copy)
  told = capsys.readouterr().err
  assert "mutual_learning: finished before" in told and len(no_steps) == 1


def test_a_capture_that_is_too_large_is_painted_in_part(
  run_copy, small_weights, capsys
):
  """Another limit is another run of phases 2 and 3, and not of phase 1."""
  config = tiny_run.make_config(small_weights, views__rays=6_000)
  pipeline.train(config, run_copy)
  told = capsys.readouterr().err
  assert "radiance_field: finished before" in told and "views.rays" in told
  run = run_folder.RunFolder(run_copy)
  train = run.scene().split("train")
  area = int(train.width[0] * train.height[0])
  count = 6_000 // area
  assert 2 < count < len(train)
  assert f"phases 2 and 3 see {count} of {len(train)} training views" in told
  model = model_lib.StylizedNerf.load(run_copy)
  assert model.params["latents"].shape[1] == count
  views = run.facts("mutual_learning")["keys"]["views"]
  for place in (0, count - 1):
    camera = train[train.names.index(views[place])]
    assert model.nearest_view(camera) == place
  shown = model.render(train[0], model.styles[0], spread=1.0)
  assert np.isfinite(shown.rgb).all()
