"""Read, check, freeze and save the ml-collections config of a run.

A config is a preset of `presets/` by its name (`fast`), a Python file with
`get_config()`, or the `config.json` that a run has saved; an argument follows a
colon (`paper:fern`, `configs/paper.py:fern`). Python files are executed, so
only run those you trust; JSON cannot run anything.
"""

import difflib
import importlib.machinery
import importlib.util
import json
import pathlib
import traceback
from collections.abc import Sequence

import ml_collections
from absl import flags
from ml_collections import config_flags

from stylized_nerf_jax import defaults, user_error
from stylized_nerf_jax.host import disk
from stylized_nerf_jax.options import checks, schema

_PRESETS = pathlib.Path(__file__).parent / "presets"


class ConfigError(user_error.UserError):
  """A config that cannot be used: names the field and what to do."""


def from_flags(
  arguments: Sequence[str],
  *,
  fields: schema.Schema = checks.RUN,
) -> ml_collections.FrozenConfigDict:
  """Builds a config from `--config=FILE --config.field=value ...`.

  Args:
    arguments: the flags, in any order.
    fields: those that the config has, at their defaults where no flag says
      otherwise.

  Returns:
    The frozen config.

  Raises:
    ConfigError: a missing file, an unknown field (the nearest is named), a
      value of the wrong type or out of its range, or an argument that is no
      config flag.
  """
  path, overrides = _split(arguments)
  config = defaults.make(fields)
  if path:
    given = load(path) if path.endswith(".json") else _execute(path)
    _replace(config, given, path)
  _override(config, overrides, fields)
  check_values(config, fields)
  return ml_collections.FrozenConfigDict(config)


def check_values(config, fields: schema.Schema = checks.RUN) -> None:
  """Raises ConfigError on the first field that is out of its range.

  Args:
    config: of a run, or of whatever has these fields.
    fields: all that it must have.
  """
  check_fields(config, defaults.make(fields))
  given = set(_leaves(config))
  for name in fields.options:
    if name not in given:
      raise ConfigError(
        f"config field {name!r} is missing: begin with `defaults.get_config()`"
        " or a file of configs/"
      )
  for problem in fields.problems(config):
    raise ConfigError(problem)


def check_fields(
  config: ml_collections.ConfigDict, base: ml_collections.ConfigDict
) -> None:
  """Raises ConfigError on a field that `base` does not have."""
  known = _leaves(base)
  for name in _leaves(config):
    if name not in known:
      raise ConfigError(_unknown(name, known))


def save(config, path: str | pathlib.Path) -> None:
  """Writes the config as JSON that `load` reads back equal.

  A kill leaves the old file or the new one.
  """
  disk.write_json(pathlib.Path(path), plain(config))


def load(path: str | pathlib.Path) -> ml_collections.ConfigDict:
  """Reads a saved config.

  Raises:
    ConfigError: no such file, or no JSON object in it.
  """
  try:
    fields = json.loads(pathlib.Path(path).read_text())
  except OSError as error:
    raise ConfigError(
      f"config file {path} cannot be read: {error.strerror}"
    ) from None
  except ValueError as error:
    raise ConfigError(f"config file {path} is no JSON: {error}") from None
  if not isinstance(fields, dict):
    raise ConfigError(f"config file {path} holds no JSON object")
  return from_plain(fields)


def plain(config) -> dict:
  """Returns a config as nested dicts and lists."""
  return _plain(config.to_dict())


def from_plain(fields: dict) -> ml_collections.ConfigDict:
  """Restores what `plain` returned."""
  return ml_collections.ConfigDict(_tuples(fields))


def completed(
  given: ml_collections.ConfigDict,
) -> ml_collections.FrozenConfigDict:
  """Adds what the config of an earlier version lacks, as it is by default.

  Args:
    given: of a finished run.
  """
  config = defaults.get_config()
  config.update(given)
  if "views" not in given:
    config.views.rays = 0
  return ml_collections.FrozenConfigDict(config)


def _split(arguments: Sequence[str]) -> tuple[str, list[str]]:
  """Separates the config file from the overrides of its fields."""
  path, overrides = "", []
  remaining = list(arguments)
  while remaining:
    argument = remaining.pop(0)
    name, equals, value = argument.partition("=")
    if argument.startswith("-"):
      name = "--" + name.lstrip("-")
    if name != "--config" and not name.startswith("--config."):
      raise ConfigError(
        f"unknown argument {argument!r}: config fields are set as "
        "--config.section.field=value"
      )
    if not equals:
      if not remaining or remaining[0].startswith("--"):
        raise ConfigError(f"{argument} needs a value: {argument}=VALUE")
      value = remaining.pop(0)
    if name == "--config":
      path = value
    else:
      overrides.append(f"{name}={value}")
  return path, overrides


def _execute(path: str) -> ml_collections.ConfigDict:
  """Runs the `get_config` of a Python config file."""
  file, _, argument = path.partition(":")
  if not pathlib.Path(file).is_file():
    presets = {path.stem: str(path) for path in _PRESETS.glob("[a-z]*.py")}
    if file not in presets:
      raise ConfigError(
        f"config file {file} does not exist: give a file such as "
        "configs/fast.py, or the name of a preset, such as fast"
      )
    file = presets[file]
  loader = importlib.machinery.SourceFileLoader("config_file", file)
  module = importlib.util.module_from_spec(
    importlib.util.spec_from_loader(loader.name, loader)
  )
  try:
    loader.exec_module(module)
    config = module.get_config(*[argument] if argument else [])
  except user_error.UserError as error:
    raise ConfigError(f"config file {path}: {error}") from None
  except Exception as error:  # Whatever a user's file may raise.
    raise ConfigError(f"config file {path}{_cause(error, file)}") from error
  if not isinstance(config, ml_collections.ConfigDict):
    raise ConfigError(
      f"config file {path}: get_config() returned {config!r}; expected a "
      "ConfigDict"
    )
  return config


def _cause(error: Exception, file: str) -> str:
  """Returns where in a config file something went wrong, and what."""
  trace = traceback.extract_tb(error.__traceback__)
  lines = [frame.lineno for frame in trace if frame.filename == file]
  where = f", line {lines[-1]}" if lines else ""
  return f"{where}: {type(error).__name__}: {_line(error)}"


def _replace(
  config: ml_collections.ConfigDict,
  given: ml_collections.ConfigDict,
  path: str,
) -> None:
  """Sets the fields of `config` that a file gives; the others stay."""
  check_fields(given, config)
  for name in _leaves(given):
    value = _leaf(given, name)
    try:
      config.update_from_flattened_dict({name: value})
    except (TypeError, ValueError):
      raise ConfigError(
        f"config file {path}: {name} is {value!r}; expected a value like "
        f"{_leaf(config, name)!r}"
      ) from None


def _override(config, overrides: list[str], fields: schema.Schema) -> None:
  """Sets fields to what the command line says."""
  for override in overrides:
    name = override.removeprefix("--config.").partition("=")[0]
    if name not in fields.options:
      raise ConfigError(_unknown(name, list(fields.options)))
  overrides = [_listed(override, fields) for override in overrides]
  if not _can_be_set(config, overrides):
    # Each by itself, to tell which it is.
    for override in overrides:
      name, _, value = override.removeprefix("--config.").partition("=")
      if not _can_be_set(defaults.make(fields), [override]):
        raise ConfigError(
          f"config field {name} is {value!r}; expected a value like "
          f"{fields.options[name].default!r} ({fields.options[name].meaning})"
        )


def _can_be_set(config, overrides: list[str]) -> bool:
  """Sets fields, as far as their values can be read; tells whether all can."""
  values = flags.FlagValues()
  argv = ["stylized-nerf", *overrides]
  config_flags.DEFINE_config_dict(
    "config", config, flag_values=values, sys_argv=argv
  )
  try:
    values(argv)
  except (flags.Error, ValueError, TypeError):
    return False
  return True


def _listed(override: str, fields: schema.Schema) -> str:
  """Writes "a,b" as the list that it is, where a field is a list of texts."""
  flag, _, value = override.partition("=")
  default = fields.options[flag.removeprefix("--config.")].default
  is_list = isinstance(default, tuple) and isinstance((*default, "")[0], str)
  if not is_list or value.lstrip().startswith("("):
    return override
  parts = tuple(part.strip() for part in value.split(",") if part.strip())
  return f"{flag}={parts!r}"


def _leaves(config, prefix: str = "") -> list[str]:
  names = []
  for key, value in config.items():
    if isinstance(value, ml_collections.ConfigDict | dict):
      names += _leaves(value, f"{prefix}{key}.")
    else:
      names.append(prefix + key)
  return names


def _leaf(config, name: str):
  for key in name.split("."):
    config = config[key]
  return config


def _unknown(name: str, known: Sequence[str]) -> str:
  inside = [k for k in known if k.startswith(f"{name}.")]
  if inside:
    return f"config field {name!r} is a section; set {inside[0]!r} or another"
  by_ending = [
    k for k in known if k.rpartition(".")[2] == name.rpartition(".")[2]
  ]
  nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5) or by_ending
  hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
  return f"unknown config field {name!r}{hint}"


def _line(error: Exception) -> str:
  return " ".join(str(error).split())


def _plain(value):
  if isinstance(value, dict):
    return {key: _plain(item) for key, item in value.items()}
  if isinstance(value, tuple | list):
    return [_plain(item) for item in value]
  return value


def _tuples(value):
  if isinstance(value, dict):
    return {key: _tuples(item) for key, item in value.items()}
  if isinstance(value, list):
    return tuple(_tuples(item) for item in value)
  return value
