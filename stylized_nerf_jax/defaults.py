"""The config of a run with every field at its default.

It trains the embedded synthetic scene, small. `presets/*.py` start from
`get_config()` and change what they are about. A field that is not in
`options/table.py` does not exist: overrides of unknown fields are refused.
"""

import ml_collections

from stylized_nerf_jax.options import table


def get_config() -> ml_collections.ConfigDict:
  """Returns the configuration of the demo, on which all others build."""
  config = ml_collections.ConfigDict()
  for name, option in table.OPTIONS.items():
    section, (*folders, leaf) = config, name.split(".")
    for folder in folders:
      if folder not in section:
        section[folder] = ml_collections.ConfigDict()
      section = section[folder]
    section[leaf] = option.default
  return config


def training() -> ml_collections.ConfigDict:
  """Returns how any training is kept: nothing here changes what comes out."""
  kept = get_config().training
  del kept.pixels_in_memory_mib
  return kept
