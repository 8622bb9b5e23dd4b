"""`--help-config`: the fields of a command's config, printed."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from stylized_nerf_jax.options import schema


def add_argument(
  parser: argparse.ArgumentParser, fields: Callable[[], "schema.Schema"]
) -> None:
  """Declares --help-config, which prints `fields()` and ends the program."""

  class Action(argparse.Action):
    """Prints, as --help does."""

    def __call__(self, parser, namespace, values, option_string=None):
      is_page = values == "markdown"
      found = fields()
      print(found.as_markdown() if is_page else found.as_text(), end="")
      parser.exit()

  parser.add_argument(
    "--help-config",
    action=Action,
    nargs="?",
    choices=("text", "markdown"),
    help="print every config field with its default, range and meaning, as "
    "text (the default) or markdown",
  )
