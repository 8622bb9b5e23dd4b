"""Which version of the sources runs."""

import pathlib
import subprocess


def git_revision() -> str:
  """Returns the commit of the source tree, or "" outside of one."""
  here = pathlib.Path(__file__).parent
  try:
    result = subprocess.run(
      ["git", "describe", "--always", "--dirty"],
      cwd=here,
      capture_output=True,
      text=True,
      timeout=10,
      check=True,
    )
  except (OSError, subprocess.SubprocessError):
    return ""
  return result.stdout.strip()
