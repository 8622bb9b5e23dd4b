"""What the files of a run say, read while it trains or after; nobody is asked.

Nothing here loads JAX, as in `results.py`.
"""

import json
import pathlib

PHASES = ("radiance_field", "stylizer", "mutual_learning")
FIELD, _, MUTUAL_LEARNING = PHASES
# What can happen to a file, see `damage`.
DAMAGES = ("missing", "truncated", "flipped")


def facts(run: pathlib.Path, phase: str) -> dict:
  """Returns the manifest's entry of a phase, empty if it never began."""
  path = run / "manifest.json"
  if not path.is_file():
    return {}
  return json.loads(path.read_text())["phases"].get(phase, {})


def is_finished(run: pathlib.Path, phase: str) -> bool:
  """Tells whether the manifest says that a phase is finished."""
  return bool(facts(run, phase).get("finished"))


def current_phase(run: pathlib.Path) -> str:
  """Returns the phase that a run is in; the last, if it is finished."""
  for phase in PHASES:
    if not is_finished(run, phase):
      return phase
  return PHASES[-1]


def scene(run: pathlib.Path) -> dict:
  """Returns what `scene.json` says."""
  return json.loads((run / "scene.json").read_text())


def test_views(run: pathlib.Path) -> list[str]:
  """Returns the names of the held-out views, without folder and ending."""
  found = scene(run)
  names = found["cameras"]["names"]
  return [pathlib.Path(names[i]).stem for i in found["splits"]["test"]]


def checkpoint(run: pathlib.Path, phase: str, step: int) -> pathlib.Path:
  """Returns the folder of a checkpoint."""
  return run / phase / "checkpoints" / str(step)


def steps(run: pathlib.Path, phase: str) -> list[int]:
  """Returns the steps of the complete checkpoints, newest first."""
  try:
    names = [path.name for path in (run / phase / "checkpoints").iterdir()]
  except OSError:
    return []
  return sorted((int(name) for name in names if name.isdigit()), reverse=True)


def newest(run: pathlib.Path, phase: str) -> int:
  """Returns the step of the newest complete checkpoint; -1 without one."""
  return next(iter(steps(run, phase)), -1)


def newest_files(run: pathlib.Path, phase: str) -> list[pathlib.Path]:
  """Returns the files of the newest checkpoint, relative to the run."""
  folder = checkpoint(run, phase, newest(run, phase))
  return sorted(p.relative_to(run) for p in folder.rglob("*") if p.is_file())


def is_saving(run: pathlib.Path) -> bool:
  """Tells whether a checkpoint is being written."""
  return any(run.glob("*/checkpoints/*orbax-checkpoint-tmp*"))


def is_locked(run: pathlib.Path) -> bool:
  """Tells whether a process trains in a run, or says so."""
  path = run / "lock"
  return path.is_file() and bool(path.read_text())


def damage(path: pathlib.Path, kind: str) -> None:
  """Does one of `DAMAGES` to a file."""
  content = path.read_bytes()
  middle = len(content) // 2
  if kind == "missing":
    path.unlink()
  elif kind == "truncated":
    path.write_bytes(content[:middle])
  else:
    flipped = bytes([content[middle] ^ 4])
    path.write_bytes(content[:middle] + flipped + content[middle + 1 :])
