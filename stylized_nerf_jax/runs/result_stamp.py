"""Which result of a run frames and films show.

Beside what a command renders lies a small file with the fingerprints of the
phases it was rendered from. A run that was trained on since has others, and
what is kept of before is not taken for its own.
"""

import json
import pathlib

from stylized_nerf_jax.host import disk
from stylized_nerf_jax.runs import run_folder

_NAME = "rendered_from.json"
PRESENT, EARLIER, HALF, UNKNOWN = "present", "earlier", "half", "unknown"


def begin(folder: pathlib.Path, run: run_folder.RunFolder) -> None:
  """Notes that a folder is being filled."""
  _write(folder, run, whole=False)


def finish(folder: pathlib.Path, run: run_folder.RunFolder) -> None:
  """Notes that all is there."""
  _write(folder, run, whole=True)


def state(folder: pathlib.Path, run: run_folder.RunFolder) -> str:
  """Tells what a folder shows.

  Args:
    folder: that a command has filled.
    run: that it was rendered from.

  Returns:
    `PRESENT`: the run as it is; `EARLIER`: an earlier result; `HALF`: the
    command was stopped; `UNKNOWN`: it was made by a version that did not note
    it, or the note is damaged.
  """
  try:
    noted = json.loads((folder / _NAME).read_text())
    phases, whole = dict(noted["phases"]), noted["whole"]
  except (OSError, ValueError, LookupError, TypeError):
    return UNKNOWN
  if phases != _phases(run):
    return EARLIER
  return PRESENT if whole else HALF


def _write(folder: pathlib.Path, run, *, whole: bool) -> None:
  folder.mkdir(parents=True, exist_ok=True)
  disk.write_json(folder / _NAME, {"whole": whole, "phases": _phases(run)})


def _phases(run: run_folder.RunFolder) -> dict[str, str]:
  """Fingerprints of the finished phases."""
  entries = {phase: run.facts(phase) for phase in run_folder.PHASES}
  return {
    phase: entry["fingerprint"]
    for phase, entry in entries.items()
    if entry.get("finished")
  }
