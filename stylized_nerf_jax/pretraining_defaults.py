"""The config of `train-stylizer` with every field at its default.

`presets/stylizer.py` starts from `get_config()`; what the fields are is in
`options/pretraining_table.py`.
"""

import ml_collections

from stylized_nerf_jax import defaults
from stylized_nerf_jax.options import pretraining_table

FIELDS = pretraining_table.PRETRAINING


def get_config() -> ml_collections.ConfigDict:
  """Returns the recipe, see docs/architecture.md for its reasons."""
  return defaults.make(FIELDS)
