"""Which arguments are of the config, and which of the command."""

from collections.abc import Sequence


def apart(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
  """Separates the config's arguments from all others, in their order.

  argparse knows nothing of --config and its fields, and would take the value
  in `--config fast` for a positional argument of the command.

  Args:
    arguments: of a command.

  Returns:
    others: the command's own.
    config: --config, --config.FIELD and their values, for `config.from_flags`.
  """
  others: list[str] = []
  config: list[str] = []
  remaining = list(arguments)
  while remaining:
    argument = remaining.pop(0)
    name, equals, _ = argument.partition("=")
    if not name.startswith("-") or not _is_config(name.lstrip("-")):
      others.append(argument)
      continue
    config.append(argument)
    if not equals and remaining and not remaining[0].startswith("--"):
      config.append(remaining.pop(0))
  return others, config


def _is_config(name: str) -> bool:
  return name == "config" or name.startswith("config.")
