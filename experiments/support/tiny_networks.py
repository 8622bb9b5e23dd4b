"""The networks of a few layers that the tests train, for experiments."""

import pathlib
import sys
import types

from stylized_nerf_jax import config as config_lib

_TESTS = pathlib.Path(__file__).parents[2] / "tests"


def put_in_place() -> types.ModuleType:
  """Puts them in place of the real ones for the rest of this process.

  Returns:
    `tests/tiny_run.py`, which has them.
  """
  sys.path.insert(0, str(_TESTS))
  import pytest
  import tiny_run

  tiny_run.small_networks(pytest.MonkeyPatch())
  return tiny_run


def write_config(folder: pathlib.Path, **changes) -> pathlib.Path:
  """Writes random weights, and the config of a tiny run with them.

  Args:
    folder: for both.
    **changes: as `tiny_run.make_config` takes them.

  Returns:
    The config's file.
  """
  tiny_run = put_in_place()
  weights = tiny_run.write_weights(folder / "weights")
  path = folder / "config.json"
  config_lib.save(tiny_run.make_config(weights, **changes), path)
  return path
