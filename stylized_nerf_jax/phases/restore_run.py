"""A run's folder as the fields of a `StylizedNerf`."""

import pathlib

import jax
import numpy as np

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import region_file, user_error
from stylized_nerf_jax.painting import finish_stages, finished_styles
from stylized_nerf_jax.phases import (
  mutual_state,
  radiance_field,
  run_styles,
  style_palettes,
)
from stylized_nerf_jax.runs import run_folder


def restore(path: str | pathlib.Path) -> dict:
  """Reads config, scene and the newest parameters of all finished phases.

  Raises:
    ValueError: there is no run, or its phase 1 is not finished.
  """
  if not pathlib.Path(path).is_dir():
    raise user_error.UserError(
      f"{path} is neither a run's folder nor a model file: make one with "
      "`stylized-nerf train`"
    )
  run = run_folder.RunFolder(path)
  config = config_lib.completed(run.config())
  record = run.scene()
  fields = {
    "config": config,
    "scene": record,
    "params": {"field": radiance_field.load_params(config, run)},
    "regions": region_file.read_all(
      run.path, run.phase_fingerprint(radiance_field.PHASE)
    ),
  }
  if run.facts(mutual_state.PHASE).get("finished"):
    styles = run_styles.restore(config, run)
    finished = _is_finished(run)
    styles = _without_unfinished(run, styles, finished)
    styles["params"] |= fields["params"]
    fields |= styles
    hashes = styles["style_hashes"]
    if finished:
      style_fields, maps = finished_styles.read_all(
        run.phase_path(finish_stages.PHASE),
        hashes,
        styles["params"]["style_field"],
      )
      fields["params"]["finished"] = style_fields
      fields["palette_maps"] = maps
    else:
      fields["palette_maps"] = style_palettes.read(run, hashes)
  fields["params"] = jax.tree.map(np.asarray, fields["params"])
  return fields


def _is_finished(run: run_folder.RunFolder) -> bool:
  """Tells whether a run has a finish, made of its present phase 3."""
  entry = run.facts(finish_stages.PHASE)
  if not entry.get("finished"):
    return False
  made_from = entry["inputs"]["mutual_learning"]
  return made_from == run.phase_fingerprint(mutual_state.PHASE)


def _without_unfinished(
  run: run_folder.RunFolder, styles: dict, finished: bool
) -> dict:
  """Leaves out added paintings that have no style field of their own yet."""
  folder = run.phase_path(finish_stages.PHASE)
  added = {row["hash"] for row in run_styles.read(run).added}
  hashes = styles["style_hashes"]
  whole = [
    i
    for i, one in enumerate(hashes)
    if one not in added
    or (finished and finished_styles.path_of(folder, one).is_file())
  ]
  return run_styles.only(styles, whole)
