"""The `stylized-nerf` command: finds the subcommand and reports user errors.

Every module named in `_COMMANDS` offers `HELP`, `EXAMPLE` (a command line),
`add_arguments(parser)` and `run(args, config_args)`, which may return an exit
status. What is wrong with the user's input ends in one line on stderr and exit
status 2; a defect of ours keeps its traceback. Training that a signal has
stopped, with everything saved, ends with exit status 75.
"""

import argparse
import difflib
import importlib
import sys
import textwrap
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import config_arguments
from stylized_nerf_jax.host import (
  compilation,
  disk,
  interruption,
  processes,
  progress,
)
from stylized_nerf_jax.rows import device_memory
from stylized_nerf_jax.training import echoes

_COMMANDS = {
  "demo": "demo",
  "train": "train",
  "render": "render",
  "region": "region",
  "evaluate": "evaluate",
  "report": "report",
  "stylize-image": "stylize_image",
  "train-stylizer": "train_stylizer",
  "info": "info",
  "capture": "capture",
  "inspect": "inspect_scene",
  "inspect-styles": "inspect_styles",
  "convert": "convert",
  "export-tfds": "export_tfds",
  "import-jaxnerf": "import_jaxnerf",
  "plot": "plot",
}

# Of what JAX says where it is asked for devices that are not there.
_NO_DEVICE = "Unable to initialize backend"
_DEFECT = (
  "This looks like a defect of stylized-nerf, not of what it was given. Please "
  "report it where you got the program from, with these lines and the command."
)


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
  echoes.hide()
  try:
    own, config_args = config_arguments.apart(arguments[1:])
    args, unknown = parser.parse_known_args(own)
    progress.tell_details(args.verbose)
    compilation.keep_compiled()
    with device_memory.advising(name, "the size or number of pictures"):
      status = command.run(args, unknown + config_args)
  except interruption.Interrupted as stopped:
    print(f"stylized-nerf {name}: {stopped}", file=sys.stderr)
    return interruption.EXIT_STATUS
  except (user_error.UserError, OSError) as error:
    print(f"stylized-nerf {name}: {_one_line(error)}", file=sys.stderr)
    return processes.leave(2)
  except KeyboardInterrupt:
    print(f"stylized-nerf {name}: interrupted", file=sys.stderr)
    return 130
  except Exception as defect:
    if _NO_DEVICE in str(defect):
      print(
        f"stylized-nerf {name}: {_one_line(defect)}: JAX has no such device "
        "here; see JAX_PLATFORMS in the environment, and the extra `cuda`",
        file=sys.stderr,
      )
      return processes.leave(2)
    defect.add_note(_DEFECT)
    raise
  return status or 0


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


def _one_line(error: BaseException) -> str:
  full = disk.is_full(error) and not isinstance(error, disk.DiskFullError)
  if full and isinstance(error, OSError):
    where = f" to write {error.filename}" if error.filename else ""
    return f"no space left{where}: free some and run the same again"
  return " ".join(str(error).split())


if __name__ == "__main__":
  sys.exit(main())
