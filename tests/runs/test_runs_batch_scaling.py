"""The linear scaling rule, as an option of its own."""

import ml_collections
import pytest

from stylized_nerf_jax import defaults
from stylized_nerf_jax.runs import batch_scaling


def _config(scale: int) -> ml_collections.FrozenConfigDict:
  config = defaults.get_config()
  config.batch_scale = scale
  # A last rate of 0 stays what it is.
  config.radiance_field.learning_rate_final = 1e-3
  return ml_collections.FrozenConfigDict(config)


def test_nothing_is_scaled_unless_asked_for():
  config = _config(1)
  assert batch_scaling.resolve(config) is config


@pytest.mark.parametrize("section", ["radiance_field", "mutual_learning"])
def test_rays_and_rates_grow_together(section):
  before, after = _config(1), batch_scaling.resolve(_config(4))
  changed = {
    name
    for name, value in after[section].items()
    if value != before[section][name]
  }
  rates = {"learning_rate", "learning_rate_final"}
  if section == "mutual_learning":
    rates.add("latent_learning_rate")
  else:
    rates.add("ndc_learning_rate")
  assert changed == {"rays_per_step", *rates}
  for name in changed:
    assert after[section][name] == 4 * before[section][name]


def test_what_is_saved_is_not_scaled_again():
  once = batch_scaling.resolve(_config(4))
  assert once.batch_scale == 1
  assert batch_scaling.resolve(once) == once


@pytest.mark.parametrize("scale", [0, -2])
def test_a_scale_below_one_is_an_error(scale):
  with pytest.raises(ValueError, match=f"batch_scale is {scale}; expected 1"):
    batch_scaling.resolve(_config(scale))
