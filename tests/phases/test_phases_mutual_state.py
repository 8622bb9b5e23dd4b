"""What phase 3 saves is what a model and a resumed run are made of."""

import json

import ml_collections
import numpy as np
import pytest

from stylized_nerf_jax import defaults
from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import mutual_learning, pipeline, run_styles
from stylized_nerf_jax.runs import run_folder


def test_the_distribution_of_codes_is_in_the_checkpoint(run_copy):
  run = run_folder.RunFolder(run_copy)
  nets = stylizer_nets.load_nets(run.config().weights)
  styles = run_styles.stored(run)
  model = model_lib.StylizedNerf.load(run_copy)
  facts = stylizer_nets.style_facts(nets, styles.subset(model.styles))
  np.testing.assert_array_equal(model.latent_mean, facts.latent_mean)
  np.testing.assert_array_equal(model.latent_variance, facts.latent_variance)
  manifest = json.loads((run_copy / "manifest.json").read_text())
  noted = manifest["phases"]["mutual_learning"]["styles"]
  assert noted == {"names": list(model.styles)}


@pytest.mark.parametrize(
  ("kind", "fits"), [("positional", True), ("hash_grid", False)]
)
def test_coarse_samples_are_asked_of_fields_that_have_some(kind, fits):
  config = defaults.get_config()
  config.field.kind = kind
  config.mutual_learning.mimic_coarse = True
  if fits:
    mutual_learning.check_options(config)
  else:
    with pytest.raises(ValueError, match="mimic_coarse is True.*hash_grid"):
      mutual_learning.check_options(config)


def test_options_are_checked_before_anything_is_written(tmp_path):
  config = defaults.get_config()
  config.mutual_learning.mimic_coarse = True
  with pytest.raises(ValueError, match="mutual_learning.mimic_coarse"):
    pipeline.train(
      ml_collections.FrozenConfigDict(config),
      tmp_path / "run",
      phase="radiance_field",
    )
  assert not (tmp_path / "run" / "config.json").exists()
