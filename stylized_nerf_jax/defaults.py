"""The config of a run with every field at its default.

It trains the embedded synthetic scene, small. `presets/*.py` start from
`get_config()` and change what they are about. A field that is not in
`options/table.py` does not exist: overrides of unknown fields are refused.
"""

import ml_collections

from stylized_nerf_jax.options import checks, schema


def get_config() -> ml_collections.ConfigDict:
  """Returns the configuration of the demo, on which all others build."""
  return make(checks.RUN)


def make(fields: schema.Schema) -> ml_collections.ConfigDict:
  """Returns a config with every field of a schema at its default."""
  config = ml_collections.ConfigDict()
  for name, option in fields.options.items():
    section, (*folders, leaf) = config, name.split(".")
    for folder in folders:
      if folder not in section:
        section[folder] = ml_collections.ConfigDict()
      section = section[folder]
    section[leaf] = option.default
  return config
