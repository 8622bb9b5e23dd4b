"""Runs and model files that an earlier version wrote are read as they were.

`earlier_version/README.md` says what they are.
"""

import json
import pathlib
import shutil
import zipfile

import jax
import ml_collections
import numpy as np
import pytest

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.phases import adaptation, mutual_learning, pipeline
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.training import checkpoints

_FIXTURE = pathlib.Path(__file__).parent / "earlier_version"
_MIX = {"mosaic": 0.3, "ink-wash": 0.7}
_SHOWN = {
  "photographed": (None, {}),
  "mosaic": ("mosaic", {}),
  "mix": (_MIX, {"intensity": 0.6, "spread": 0.5}),
}


@pytest.fixture
def earlier(tmp_path, small_networks) -> pathlib.Path:
  """Folder with `run`, `scene` and `paintings`."""
  with zipfile.ZipFile(_FIXTURE / "run.zip") as archive:
    archive.extractall(tmp_path)
  return tmp_path


@pytest.fixture
def config(earlier, small_weights) -> ml_collections.FrozenConfigDict:
  """The config of the run, with the places where its files are now."""
  found = config_lib.completed(config_lib.load(earlier / "run" / "config.json"))
  found = ml_collections.ConfigDict(found.to_dict())
  found.scene.path = str(earlier / "scene")
  found.styles.path = str(earlier / "paintings")
  found.weights.decoder = str(small_weights / "decoder.npz")
  found.weights.vae = str(small_weights / "vae.npz")
  return ml_collections.FrozenConfigDict(found)


def _assert_renders_as_before(model: model_lib.StylizedNerf, name: str) -> None:
  expected = np.load(_FIXTURE / "renders.npz")
  camera = model.scene.cameras[3]
  for shown, (style, dials) in _SHOWN.items():
    rendered = model.render(camera, style, **dials)
    np.testing.assert_allclose(
      rendered.rgb, expected[f"{name}/{shown}/rgb"], atol=1e-4
    )
  np.testing.assert_allclose(
    rendered.depth, expected[f"{name}/depth"], rtol=1e-3
  )


def test_run_loads_and_renders(earlier):
  model = model_lib.StylizedNerf.load(earlier / "run")
  assert model.styles == ("ink-wash", "mosaic")
  _assert_renders_as_before(model, "run")


@pytest.mark.usefixtures("fusion_emitters")
@pytest.mark.parametrize(
  ("file", "name"),
  [("model.npz", "run"), ("model_positional.npz", "run_positional")],
)
def test_model_file_loads_and_renders(file, name):
  model = model_lib.StylizedNerf.load(_FIXTURE / file)
  _assert_renders_as_before(model, name)


def test_finished_run_has_nothing_to_do(earlier, config, capsys):
  pipeline.train(config, earlier / "run")
  said = capsys.readouterr().err
  assert said.count("finished before, nothing to do") == 3


def _assert_equal_but_for_rounding(before, after):
  """Adam makes a step of a gradient that is rounding and nothing else.

  Which entries of a table have one depends on the processor.
  """
  same = np.isclose(after, before, rtol=1e-3, atol=1e-5)
  assert np.mean(same) > 0.95
  np.testing.assert_allclose(after, before, atol=5e-3)


def test_run_stopped_in_phase_3_goes_on_to_the_same_parameters(
  earlier, config, capsys
):
  phase = earlier / "run" / "mutual_learning"
  finished = _parameters(earlier / "run")
  shutil.rmtree(phase / "checkpoints" / "2")
  _change_manifest(earlier / "run", finished=False)
  pipeline.train(config, earlier / "run")
  assert "resuming at step 1" in capsys.readouterr().err
  assert not (earlier / "run" / "replaced").exists()
  jax.tree.map(
    _assert_equal_but_for_rounding, finished, _parameters(earlier / "run")
  )
  model = model_lib.StylizedNerf.load(earlier / "run")
  _assert_renders_as_before(model, "run")


def test_another_style_set_goes_on_from_its_codes(
  earlier, config, capsys, monkeypatch
):
  finished, begun = _parameters(earlier / "run"), []
  monkeypatch.setattr(adaptation, "_train", lambda *a: a[-1])
  monkeypatch.setattr(
    mutual_learning._Lesson,
    "teach",
    lambda self, state, checkpoints: begun.append(state.field.params),
  )
  changed = ml_collections.ConfigDict(config.to_dict())
  changed.styles.names = "mosaic"
  pipeline.train(ml_collections.FrozenConfigDict(changed), earlier / "run")
  assert "1 of 1 styles keep their codes" in capsys.readouterr().err
  # "mosaic" was the second of its styles.
  np.testing.assert_array_equal(begun[0]["latents"][0], finished["latents"][1])
  jax.tree.map(
    np.testing.assert_array_equal,
    begun[0]["style_field"],
    finished["style_field"],
  )


def _parameters(run: pathlib.Path):
  """What phase 3 of a run has learned at its end."""
  store = checkpoints.Checkpoints(
    run_folder.RunFolder(run).phase_path("mutual_learning") / "checkpoints"
  )
  assert store.latest_step() == 2
  model = model_lib.StylizedNerf.load(run)
  like = {name: model.params[name] for name in ("style_field", "latents")}
  items, _ = store.restore({"params": like})
  store.close()
  return items["params"]


def _change_manifest(run: pathlib.Path, **facts) -> None:
  path = run / "manifest.json"
  manifest = json.loads(path.read_text())
  manifest["phases"]["mutual_learning"].update(facts)
  path.write_text(json.dumps(manifest))
