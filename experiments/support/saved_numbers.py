"""Numbers in the checkpoints of a run, to be compared with another's."""

import hashlib
import json
import pathlib
from collections.abc import Iterable

import jax
import numpy as np
import orbax.checkpoint as ocp

from stylized_nerf_jax.training import checkpoints
from support import run_files


def checksums(run: pathlib.Path) -> dict[str, tuple[int, dict]]:
  """Returns step and checksums of the last checkpoint of every phase.

  Raises:
    SystemExit: one of them is damaged.
  """
  found = {}
  for phase in run_files.PHASES:
    step = run_files.newest(run, phase)
    if intact_step(run, phase) != step:
      raise SystemExit(f"the last checkpoint of {run}, {phase} is damaged")
    folder = run_files.checkpoint(run, phase, step)
    meta = json.loads((folder / "meta" / "metadata").read_text())
    found[phase] = step, meta["checksums"]
  return found


def intact_step(run: pathlib.Path, phase: str) -> int | None:
  """Returns the step that a resumed run goes on from; puts damaged ones aside.

  Args:
    run: its folder.
    phase: of it.
  """
  store = _open(run, phase)
  step = store.repair()
  store.close()
  return step


def hashes(run: pathlib.Path, phase: str, step: int) -> dict[str, str]:
  """Returns hashes of all arrays of a checkpoint, as they are read."""
  folder = run_files.checkpoint(run, phase, step)
  names = {path.name for path in folder.iterdir() if path.is_dir()}
  found = _restore(run, phase, step, names - {"meta"})
  return {
    jax.tree_util.keystr(path): hashlib.sha256(leaf.tobytes()).hexdigest()
    for path, leaf in jax.tree.leaves_with_path(found)
  }


def last_params(run: pathlib.Path, phase: str) -> np.ndarray:
  """Returns the parameters that a phase trained, all numbers in one row."""
  step = run_files.newest(run, phase)
  params = _restore(run, phase, step, ["params"])["params"]
  flat = ocp.tree.to_flat_dict(params)
  return np.concatenate([np.ravel(flat[name]) for name in sorted(flat)])


def _restore(run: pathlib.Path, phase: str, step: int, names: Iterable[str]):
  """Reads items of a checkpoint, as they were saved."""
  folder = run_files.checkpoint(run, phase, step)
  with ocp.StandardCheckpointer() as reader:
    like = {
      name: reader.metadata(folder / name).item_metadata for name in names
    }
  store = _open(run, phase)
  found, _ = store.restore(like, step=step)
  store.close()
  return found


def _open(run: pathlib.Path, phase: str) -> checkpoints.Checkpoints:
  return checkpoints.Checkpoints(run / phase / "checkpoints")
