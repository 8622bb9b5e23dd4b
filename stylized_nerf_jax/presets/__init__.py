"""Presets: configs by name, for `--config NAME` and `get_config`.

Each file is one, with a function `get_config` of its own.
"""

import importlib
import pathlib

import ml_collections

from stylized_nerf_jax import defaults, user_error

NAMES = tuple(
  sorted(path.stem for path in pathlib.Path(__file__).parent.glob("[a-z]*.py"))
)


def get_config(name: str = "") -> ml_collections.ConfigDict:
  """Returns a config whose fields can be set, as `--config NAME` starts from.

  Args:
    name: "fast" for real captures, "paper" or "paper:lego" for the paper's
      numbers, "ablation:NAME", "demo", "demo:quick", "stylizer" for
      `train-stylizer`; empty: every field at its default. docs/config.md has
      all fields.

  Raises:
    ValueError: an unknown name, or an argument that it does not take.
  """
  if not name:
    return defaults.get_config()
  module, _, argument = name.partition(":")
  if module not in NAMES:
    raise user_error.UserError(
      f"preset {name!r} is unknown; expected one of {', '.join(NAMES)}"
    )
  preset = importlib.import_module(f"{__name__}.{module}")
  try:
    return preset.get_config(*[argument] if argument else [])
  except TypeError as error:
    raise user_error.UserError(f"preset {name!r}: {error}") from None
