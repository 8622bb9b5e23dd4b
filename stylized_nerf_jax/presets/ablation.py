"""One change to the fast preset, to see what it is worth.

stylized-nerf train --config ablation:one_way
  --config.scene.path=SCENE --config.styles.path=PAINTINGS --workdir RUN

`one_way`: the decoder learns nothing from the style field.
`no_consistency`: the decoder's views need not agree, in phases 2 and 3.
`no_latents`: every view has its style's mean code.
`no_patches`: the style field learns colours of single rays only.
`no_spread`: patches may differ in colour along their rays.
`no_finish`: strokes are what mutual learning leaves.
`statistics`: the finish draws to a painting's statistics, not to its places.
"""

import ml_collections

from stylized_nerf_jax import user_error
from stylized_nerf_jax.presets import fast

CHANGES = {
  "one_way": {"mutual_learning.decoder_every": 0},
  "no_consistency": {
    "stylizer.consistency_weight": 0.0,
    "mutual_learning.consistency_weight": 0.0,
  },
  "no_latents": {"mutual_learning.learn_latents": False},
  "no_patches": {"mutual_learning.patch_steps": 0},
  "no_spread": {"mutual_learning.patch_spread_weight": 0.0},
  "no_finish": {"mutual_learning.finish.steps": 0},
  "statistics": {"mutual_learning.finish.strokes": "statistics"},
}


def get_config(name: str) -> ml_collections.ConfigDict:
  """Returns the fast preset with the change of this name.

  Raises:
    ValueError: an unknown name.
  """
  if name not in CHANGES:
    raise user_error.UserError(
      f"preset ablation:{name} is unknown; use {', '.join(CHANGES)}"
    )
  config = fast.get_config()
  config.update_from_flattened_dict(CHANGES[name])
  return config
