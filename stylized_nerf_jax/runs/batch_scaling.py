"""The linear scaling rule: a larger batch, and learning rates to match.

Goyal et al. (2017): with k times the batch, k times the learning rate. Nothing
else follows the number of devices: batches and rates are those of the config.
"""

import ml_collections

from stylized_nerf_jax import user_error

_SCALED = {
  "radiance_field": (
    "learning_rate",
    "ndc_learning_rate",
    "learning_rate_final",
    "exposure_learning_rate",
    "pose_learning_rate",
  ),
  "mutual_learning": (
    "learning_rate",
    "learning_rate_final",
    "latent_learning_rate",
  ),
}


def resolve(config) -> ml_collections.FrozenConfigDict:
  """Applies `config.batch_scale` to all steps on rays.

  Args:
    config: of a run.

  Returns:
    The config with batches and learning rates as they are used, and a scale
    of 1: resolved again, it stays the same.

  Raises:
    ValueError: the scale is below 1.
  """
  scale = config.batch_scale
  if scale < 1:
    raise user_error.UserError(
      f"config field batch_scale is {scale}; expected 1 or more, such as the "
      "number of devices"
    )
  if scale == 1:
    return config
  resolved = ml_collections.ConfigDict(config.to_dict())
  for section, rates in _SCALED.items():
    resolved[section].rays_per_step *= scale
    for rate in rates:
      resolved[section][rate] *= scale
  resolved.batch_scale = 1
  return ml_collections.FrozenConfigDict(resolved)
