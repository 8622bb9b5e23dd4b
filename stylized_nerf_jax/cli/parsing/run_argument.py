"""The run of a command: by its place among the arguments or by --workdir."""

import argparse
import pathlib
from collections.abc import Sequence

from stylized_nerf_jax import user_error


def add_argument(parser: argparse.ArgumentParser, text: str) -> None:
  """Declares RUN, and --workdir for the same.

  Args:
    parser: of the command.
    text: what is expected, as help.
  """
  parser.add_argument("run", metavar="RUN", nargs="?", help=text)
  parser.add_argument(
    "--workdir", metavar="RUN", help="RUN, by name (default: as RUN says)"
  )


def find(args: argparse.Namespace) -> str | None:
  """Returns the run that was named, in one of the ways; None: neither.

  Raises:
    ValueError: it was named in both ways, and they differ.
  """
  if args.run is None or args.workdir in (None, args.run):
    return args.workdir if args.run is None else args.run
  raise user_error.UserError(
    f"two runs, {args.run} and --workdir {args.workdir}: name one"
  )


def require(args: argparse.Namespace, command: str) -> str:
  """Returns the run that was named.

  Args:
    args: that `add_argument` declared.
    command: which needs it.

  Raises:
    ValueError: none was named, or two.
  """
  run = find(args)
  if not run:
    raise user_error.UserError(
      f"which run? `stylized-nerf {command} RUN ...`, or --workdir RUN; see "
      f"`stylized-nerf {command} --help`"
    )
  return run


def existing(args: argparse.Namespace, command: str) -> str:
  """As `require`, of what must be there already.

  Raises:
    ValueError: as `require`, or nothing lies there.
  """
  run = require(args, command)
  if not pathlib.Path(run).exists():
    raise user_error.UserError(
      f"{run}: no such run; name the folder that `stylized-nerf train` or "
      "`stylized-nerf demo` made"
    )
  return run


def with_more(
  args: argparse.Namespace, command: str, more: Sequence[str], what: str
) -> tuple[str, list[str]]:
  """As `existing`, where RUN is followed by other things.

  Args:
    args: that `add_argument` declared.
    command: which needs it.
    more: what stands after RUN; after --workdir RUN all of it does.
    what: one of them is.

  Returns:
    (the run, the others).

  Raises:
    ValueError: as `existing`, or there are no others.
  """
  more = list(more)
  if args.workdir is not None and args.run not in (None, args.workdir):
    more, args.run = [args.run, *more], None
  run = existing(args, command)
  if not more:
    raise user_error.UserError(
      f"which {what}? `stylized-nerf {command} RUN {what.upper()} ...`; see "
      f"`stylized-nerf {command} --help`"
    )
  return run, more
