"""The `stylized-nerf` command: finds the subcommand and reads its options.

Every module named in `_COMMANDS` offers `HELP`, `EXAMPLE` (a command line),
`add_arguments(parser)` and `run(args, config_args)`, which may return an exit
status. None of them imports jax before `run`: help is there at once.
"""

import argparse
import difflib
import importlib
import sys
import textwrap
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import config_arguments

_COMMANDS = {
  "demo": "demo",
  "train": "train",
  "render": "render",
  "view": "view",
  "region": "region",
  "add-style": "add_style",
  "remove-style": "remove_style",
  "evaluate": "evaluate",
  "report": "report",
  "stylize-image": "stylize_image",
  "train-stylizer": "train_stylizer",
  "info": "info",
  "capture": "sources.capture",
  "inspect": "sources.inspect_scene",
  "inspect-styles": "sources.inspect_styles",
  "export": "export",
  "convert": "sources.convert",
  "export-tfds": "sources.export_tfds",
  "import-jaxnerf": "sources.import_jaxnerf",
  "plot": "plot",
}


class _Parser(argparse.ArgumentParser):
  """Raises what argparse would print with the usage in front, and exit."""

  def error(self, message: str):
    raise UsageError(f"{message}; see `{self.prog} --help`")


class _Help(argparse.RawDescriptionHelpFormatter):
  """Keeps the lines of examples, and says the default of every option."""

  def _get_help_string(self, action):
    text = action.help or ""
    takes_value = action.option_strings and action.nargs != 0
    if not takes_value or action.required or "default" in text:
      return text
    is_none = action.default in (None, "")
    return text + (" (default: none)" if is_none else " (default: %(default)s)")


class UsageError(user_error.UserError):
  """Options that cannot be read."""


def main(argv: Sequence[str] | None = None) -> int:
  """Runs one command; returns the exit status."""
  arguments = list(sys.argv[1:] if argv is None else argv)
  if not arguments or arguments[0] in ("-h", "--help"):
    print(_usage())
    return 0 if arguments else 2
  if arguments[0] == "--version":
    package = importlib.import_module("stylized_nerf_jax")
    print(f"stylized-nerf {package.__version__}")
    return 0
  name = arguments[0]
  if name not in _COMMANDS:
    near = difflib.get_close_matches(name, _COMMANDS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    print(
      f"stylized-nerf: unknown command {name!r}{hint}; known: "
      + ", ".join(_COMMANDS),
      file=sys.stderr,
    )
    return 2
  command = importlib.import_module(f"stylized_nerf_jax.cli.{_COMMANDS[name]}")
  parser = make_parser(name, command)
  own, config_args = config_arguments.apart(arguments[1:])
  try:
    args, unknown = parser.parse_known_args(own)
  except user_error.UserError as error:
    print(f"stylized-nerf {name}: {error}", file=sys.stderr)
    return 2
  # Only now what brings jax, which takes longer than any help.
  from stylized_nerf_jax.cli import running

  return running.run(name, command, args, unknown + config_args)


def make_parser(name: str, command) -> argparse.ArgumentParser:
  """Returns the parser of a command.

  Args:
    name: of the command.
    command: its module.
  """
  parser = _Parser(
    prog=f"stylized-nerf {name}",
    description=command.HELP,
    allow_abbrev=False,
    formatter_class=_Help,
  )
  command.add_arguments(parser)
  parser.add_argument(
    "-v",
    "--verbose",
    action="store_true",
    help="tell details too: memory, caches and every loss",
  )
  notes = f"{parser.epilog}\n\n" if parser.epilog else ""
  parser.epilog = f"{notes}example:\n  {_broken(command.EXAMPLE)}"
  return parser


def _broken(command: str) -> str:
  """Breaks a command line as a shell takes it."""
  lines = textwrap.wrap(
    command, 74, break_long_words=False, break_on_hyphens=False
  )
  return " \\\n    ".join(lines)


def _usage() -> str:
  lines = [
    "usage: stylized-nerf COMMAND [options], or stylized-nerf --version",
    "",
    "commands:",
  ]
  for name, module in _COMMANDS.items():
    command = importlib.import_module(f"stylized_nerf_jax.cli.{module}")
    lines.append(f"  {name:<16}{command.HELP}")
  lines += ["", "`stylized-nerf COMMAND --help` has options and an example."]
  return "\n".join(lines)


if __name__ == "__main__":
  sys.exit(main())
