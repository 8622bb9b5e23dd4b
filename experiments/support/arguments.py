"""Arguments that several scripts take."""

import argparse
import pathlib


def of_training(doc: str) -> argparse.ArgumentParser:
  """Makes the parser of a script that trains in a folder with any config.

  Args:
    doc: of the script, whose first paragraph is its help.
  """
  parser = _parser(doc)
  parser.add_argument("--name", required=True, help="of the result")
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  parser.add_argument("config", nargs="+", help="after --")
  return parser


def of_run(doc: str) -> argparse.ArgumentParser:
  """Makes the parser of a script that measures on a finished run.

  Args:
    doc: as in `of_training`.
  """
  parser = _parser(doc)
  parser.add_argument("--run", type=pathlib.Path, required=True)
  return parser


def of_timing(doc: str, *, rounds: int) -> argparse.ArgumentParser:
  """Makes the parser of a script that times calls of a finished run.

  Args:
    doc: as in `of_training`.
    rounds: how many, where the user does not say.
  """
  parser = of_run(doc)
  parser.add_argument("--rounds", type=int, default=rounds)
  return parser


def _parser(doc: str) -> argparse.ArgumentParser:
  return argparse.ArgumentParser(description=doc.partition("\n\n")[0])
