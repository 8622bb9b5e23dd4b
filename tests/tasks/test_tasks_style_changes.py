"""Paintings added to a finished run, and removed, against the same trained."""

import shutil
from unittest import mock

import jax
import numpy as np
import pytest
import tiny_run
from PIL import Image

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.cli import main as main_lib
from stylized_nerf_jax.host import interruption
from stylized_nerf_jax.phases import finish, pipeline, run_styles
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.tasks import information, style_changes


def _load(run):
  return model_lib.StylizedNerf.load(run)


def _assert_same(one, other):
  jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.fixture(scope="module")
def painting(tmp_path_factory):
  """A picture that no run knows."""
  path = tmp_path_factory.mktemp("painting") / "dunes.png"
  pixels = np.random.default_rng(5).integers(0, 256, (64, 80, 3), np.uint8)
  Image.fromarray(pixels).save(path)
  return path


@pytest.fixture(scope="module")
def enlarged_run(finished_run, painting, tmp_path_factory):
  """The finished run with the picture added; not to be written to."""
  run = tmp_path_factory.mktemp("enlarged") / "run"
  shutil.copytree(finished_run, run)
  with pytest.MonkeyPatch.context() as patch:
    tiny_run.small_networks(patch)
    style_changes.add(run, [painting])
  return run


@pytest.fixture
def enlarged_copy(enlarged_run, small_networks, tmp_path):
  """A copy of that run, with the small networks in place."""
  return shutil.copytree(enlarged_run, tmp_path / "enlarged")


def _styles_of(model, count):
  return jax.tree.map(lambda leaf: leaf[:count], model.params["finished"])


@pytest.mark.usefixtures("small_networks")
def test_an_added_style_leaves_all_others(finished_run, enlarged_run):
  before, after = _load(finished_run), _load(enlarged_run)
  assert after.styles == (*before.styles, "dunes")
  told = information.of_run(enlarged_run)["styles"]
  assert told == ", ".join(after.styles)
  _assert_same(before.params["finished"], _styles_of(after, 2))
  _assert_same(
    before.params["latents"], np.asarray(after.params["latents"])[:2]
  )
  stamps = [
    (run / "mutual_learning").stat().st_mtime_ns
    for run in (finished_run, enlarged_run)
  ]
  assert stamps[0] == stamps[1]
  for style in before.styles:
    shown = [model.render(0, style).rgb for model in (before, after)]
    np.testing.assert_array_equal(*shown)


@pytest.mark.usefixtures("small_networks")
def test_its_code_is_that_of_a_picture_never_trained_on(
  finished_run, enlarged_run, painting
):
  guessed = _load(finished_run).latent(painting)
  model = _load(enlarged_run)
  np.testing.assert_allclose(guessed, model.latent("dunes"), atol=1e-6)
  for view in (0, 2):
    code = model.view_latent("dunes", view=view, spread=1.0)
    np.testing.assert_array_equal(code, model.latent("dunes"))
  # And is painted by a style field of its own.
  by_guess = model.render(0, painting, transfer="none").rgb
  trained = model.render(0, "dunes", transfer="none").rgb
  assert np.abs(by_guess - trained).max() > 1e-3


def test_a_style_comes_out_as_if_it_were_alone(
  run_copy, enlarged_run, painting, tmp_path
):
  """Whichever way, and beside whomever it is added."""
  second = tmp_path / "reeds.png"
  Image.open(painting).rotate(90, expand=True).save(second)
  assert style_changes.add(run_copy, [second]) == ("reeds",)
  assert style_changes.add(run_copy, [painting]) == ("dunes",)
  alone, beside = _load(enlarged_run), _load(run_copy)
  assert beside.styles[2:] == ("reeds", "dunes")
  _assert_same(
    jax.tree.map(lambda leaf: leaf[2], alone.params["finished"]),
    jax.tree.map(lambda leaf: leaf[3], beside.params["finished"]),
  )


@pytest.mark.usefixtures("small_networks")
def test_mixes_know_an_added_style(enlarged_run):
  model = _load(enlarged_run)
  mix = model.latent({"dunes": 0.5, model.styles[0]: 0.5})
  expected = 0.5 * (model.latent("dunes") + model.latent(model.styles[0]))
  np.testing.assert_allclose(mix, expected, atol=1e-6)
  assert model.render(0, {"dunes": 0.5, model.styles[0]: 0.5}).rgb.std() > 0


def test_a_removed_style_is_gone_and_can_come_back(run_copy):
  before = _load(run_copy)
  first, second = before.styles
  stored = run_copy / "styles" / f"{first}.png"
  assert style_changes.remove(run_copy, [first[:5]]) == [first]
  left = _load(run_copy)
  assert left.styles == (second,)
  shown = [model.render(0, second).rgb for model in (before, left)]
  np.testing.assert_array_equal(*shown)
  assert len(list((run_copy / "finish" / "styles").iterdir())) == 1
  with pytest.raises(ValueError, match="these are all of its styles"):
    style_changes.remove(run_copy, [second])
  # Training with the same config leaves it away.
  config = config_lib.load(run_copy / "config.json")
  pipeline.train(config, run_copy)
  assert _load(run_copy).styles == (second,)
  style_changes.add(run_copy, [stored])
  back = _load(run_copy)
  assert back.styles == before.styles
  _assert_same(before.params["finished"], back.params["finished"])


def test_an_added_style_that_is_removed_leaves_nothing(
  finished_run, enlarged_copy
):
  before, added = _arrays(finished_run), _arrays(enlarged_copy)
  assert set(before) < set(added)
  style_changes.remove(enlarged_copy, ["dunes"])
  assert len(_load(enlarged_copy).styles) == 2
  assert not list((enlarged_copy / "added_styles").iterdir())
  assert _arrays(enlarged_copy) == before


def _arrays(run):
  return sorted(path.relative_to(run) for path in run.rglob("*.np*"))


def test_a_stopped_addition_is_hidden_and_goes_on(
  run_copy, enlarged_run, painting
):
  with (
    mock.patch.object(finish._Finish, "paint", side_effect=RuntimeError),
    pytest.raises(RuntimeError),
  ):
    style_changes.add(run_copy, [painting])
  assert len(_load(run_copy).styles) == 2

  def stop(*_):
    raise interruption.Interrupted("asked")

  with (
    mock.patch.object(finish._Finish, "_keep", side_effect=stop),
    pytest.raises(interruption.Interrupted),
  ):
    style_changes.add(run_copy, [painting])
  style_changes.add(run_copy, [painting])
  _assert_same(
    _load(enlarged_run).params["finished"], _load(run_copy).params["finished"]
  )


def test_other_dials_of_the_finish_take_added_styles_along(enlarged_copy):
  before = _load(enlarged_copy).params["finished"]
  config = config_lib.load(enlarged_copy / "config.json")
  config.mutual_learning.finish.content_weight = 0.5
  pipeline.train(config, enlarged_copy, phase="finish")
  after = _load(enlarged_copy)
  assert after.styles[2] == "dunes"
  changed = jax.tree.map(
    lambda a, b: np.abs(a - b).max(), before, after.params["finished"]
  )
  assert max(map(float, jax.tree.leaves(changed))) > 0
  # Without a finish there is no style field for it.
  config.mutual_learning.finish.steps = 0
  pipeline.train(config, enlarged_copy)
  manifest = run_folder.RunFolder(enlarged_copy)
  assert [row["name"] for row in run_styles.read(manifest).added] == ["dunes"]


def test_what_cannot_be_added(enlarged_copy, painting, tmp_path, capsys):
  style_changes.add(enlarged_copy, [painting])
  assert "dunes: this run has it as dunes" in capsys.readouterr().err
  folder = tmp_path / "another"
  folder.mkdir()
  Image.open(painting).rotate(180).save(folder / "dunes.png")
  with pytest.raises(ValueError, match="another painting of that name"):
    style_changes.add(enlarged_copy, [folder / "dunes.png"])
  config = config_lib.load(enlarged_copy / "config.json")
  config.mutual_learning.finish.steps = 0
  config_lib.save(config, enlarged_copy / "config.json")
  with pytest.raises(ValueError, match="without a finish"):
    style_changes.add(enlarged_copy, [painting])


def test_the_commands_say_what_they_need(run_copy, painting, capsys):
  run = str(run_copy)
  assert main_lib.main(["add-style", run]) == 2
  assert (
    "which picture? `stylized-nerf add-style RUN" in capsys.readouterr().err
  )
  assert main_lib.main(["remove-style", f"--workdir={run}"]) == 2
  assert "which style?" in capsys.readouterr().err
  assert main_lib.main(["add-style", f"--workdir={run}", "absent.png"]) == 2
  assert "absent.png" in capsys.readouterr().err
  assert main_lib.main(["add-style", run, str(painting)]) == 0
  assert f"render {run} --style dunes" in capsys.readouterr().err
  assert main_lib.main(["remove-style", run, "dun"]) == 0
  assert "dunes removed" in capsys.readouterr().err
