"""The paper's numbers, both directions of mutual learning.

stylized-nerf train --config paper:fern
  --config.scene.path=SCENE --config.styles.path=PAINTINGS --workdir RUN

The argument names the scene's kind: `fern` (forward-facing, images downsampled
by 4, consistency weight 50) or `lego` (all-round, weight 100). Not run to its
end: a GPU's work (200,000 steps of 2,048 rays x 192 samples for phase 1 alone).
"""

import ml_collections

from stylized_nerf_jax import defaults, user_error

_KINDS = {"fern": 50.0, "lego": 100.0}


def get_config(kind: str = "fern") -> ml_collections.ConfigDict:
  """Returns the paper's config for a kind of scene.

  Raises:
    ValueError: an unknown kind.
  """
  if kind not in _KINDS:
    raise user_error.UserError(
      f"preset paper:{kind} is unknown; use {' or '.join(_KINDS)}"
    )
  config = defaults.get_config()
  config.scene.path = ""
  config.styles.path = ""
  config.field.kind = "positional"
  config.geometry_cache.samples = 0
  _radiance_field(config)
  _style_field(config)
  for section in (config.radiance_field, config.mutual_learning):
    section.adam_b2 = 0.999
    section.adam_eps = 1e-8
  for section in (config.stylizer, config.mutual_learning):
    section.consistency_weight = _KINDS[kind]
  if kind == "fern":
    config.scene.downsample = 4
  return config


def _radiance_field(config) -> None:
  config.radiance_field.steps = 200_000
  config.radiance_field.rays_per_step = 2048
  config.radiance_field.learning_rate = 5e-4
  config.radiance_field.ndc_learning_rate = 0.0
  # By 0.1 every 100,000 steps.
  config.radiance_field.schedule = "exponential"
  config.radiance_field.learning_rate_final = 5e-6
  config.radiance_field.density_noise = 1.0
  config.radiance_field.evaluate_every = 10_000
  config.radiance_field.checkpoint_every = 10_000


def _style_field(config) -> None:
  config.style_field.encoding = "frequency"
  config.style_field.depth = 8
  config.style_field.width = 256
  config.stylizer.steps = 5000
  config.stylizer.muon_learning_rate = 0.0
  config.stylizer.learning_rate_final = config.stylizer.learning_rate
  config.stylizer.clip = 0.0
  config.stylizer.crop = 256
  config.stylizer.views_per_step = 4
  config.mutual_learning.steps = 100_000
  config.mutual_learning.rays_per_step = 1024
  config.mutual_learning.learning_rate = 5e-4
  config.mutual_learning.learning_rate_final = 5e-5
  config.mutual_learning.clip = 0.0
  config.mutual_learning.mimic_coarse = True
  config.mutual_learning.patch_steps = 0
  config.mutual_learning.decoder_every = 20
  config.mutual_learning.decoder_muon_learning_rate = 0.0
  config.mutual_learning.decoder_clip = 0.0
  config.mutual_learning.decoder_crop = 256
  config.mutual_learning.mimic_decoder_weight = 10.0
  config.mutual_learning.refresh_every = 250
