"""The fast preset: hash grid, proposal sampling, hash-grid style field.

stylized-nerf train --config fast --config.scene.path=SCENE
  --config.styles.path=PAINTINGS --workdir RUN

Measured on `fern` (`images_8`, three paintings, two slow cores, no GPU):
25.9 dB after phase 1, whose command took 8.6 minutes; all phases in 1.7 GiB.
On `fox` (a phone's photographs all around, 135x240): 31.4 dB.
"""

import ml_collections

from stylized_nerf_jax import defaults


def get_config() -> ml_collections.ConfigDict:
  """Returns the config for real captures on a small machine."""
  config = defaults.get_config()
  config.scene.path = ""
  config.styles.path = ""
  config.radiance_field.steps = 4000
  # Whole test views: on two cores each look takes as long as 100 steps.
  config.radiance_field.evaluate_every = 2000
  # Four times as many of these come to the same once the finish has painted.
  config.stylizer.steps = 30
  config.mutual_learning.steps = 500
  config.mutual_learning.patch_steps = 100
  config.mutual_learning.finish.steps = 90
  config.previews.every_seconds = 60.0
  return config
