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
    styles = mutual_state.restore_styles(config, run)
    styles["params"] |= fields["params"]
    fields |= styles
    hashes = styles["style_hashes"]
    fields["palette_maps"] = style_palettes.read(run, hashes)
    if _is_finished(run):
      finished, maps = finished_styles.read_all(
        run.phase_path(finish_stages.PHASE),
        hashes,
        styles["params"]["style_field"],
      )
      fields["params"]["finished"] = finished
      fields["palette_maps"] = maps
  fields["params"] = jax.tree.map(np.asarray, fields["params"])
  return fields


def _is_finished(run: run_folder.RunFolder) -> bool:
  """Tells whether a run has a finish, made of its present phase 3."""
  entry = run.facts(finish_stages.PHASE)
  if not entry.get("finished"):
    return False
  made_from = entry["inputs"]["mutual_learning"]
  return made_from == run.phase_fingerprint(mutual_state.PHASE)
