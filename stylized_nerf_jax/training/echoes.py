"""What checkpoint libraries print of errors that they raise as well."""

import contextlib
import logging
import sys
from collections.abc import Iterator


def hide() -> None:
  """Hides it from here on; who raises to the user says what went wrong.

  They log the traceback of every array that could not be written, and the
  threads of others report to an event loop that is closed by then.
  """
  for library in ("absl", "asyncio"):
    logging.getLogger(library).setLevel(logging.CRITICAL)
  if not hasattr(sys.unraisablehook, "echoes_of"):
    sys.unraisablehook = _filtered(sys.unraisablehook)


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
  """Hides in a block what checkpoint libraries warn of."""
  logger = logging.getLogger("absl")
  before = logger.level
  logger.setLevel(max(before, logging.ERROR))
  try:
    yield
  finally:
    logger.setLevel(before)


@contextlib.contextmanager
def hidden() -> Iterator[None]:
  """Hides in a block what threads report to a closed event loop."""
  before = sys.unraisablehook
  sys.unraisablehook = _filtered(before)
  try:
    yield
  finally:
    sys.unraisablehook = before


def _filtered(hook):
  def filtered(raised):
    if "Event loop is closed" not in str(raised.exc_value):
      hook(raised)

  filtered.echoes_of = hook
  return filtered
