"""A run's folder as the fields of a `StylizedNerf`."""

import pathlib

import jax
import numpy as np

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.phases import mutual_learning, radiance_field
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.training import state as state_lib


def restore(path: str | pathlib.Path) -> dict:
  """Reads config, scene and the newest parameters of all finished phases.

  Raises:
    ValueError: there is no run, or its phase 1 is not finished.
  """
  if not pathlib.Path(path).is_dir():
    raise ValueError(
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
  }
  if run.facts(mutual_learning.PHASE).get("finished"):
    fields |= _restore_styles(run, config, record, fields["params"])
  fields["params"] = jax.tree.map(np.asarray, fields["params"])
  return fields


def _restore_styles(run, config, record, params) -> dict:
  facts = run.facts(mutual_learning.PHASE)
  styles = facts["styles"]
  size = config.style_field.latent_size
  shape = (len(styles["names"]), len(facts["keys"]["views"]), size)
  like = {
    "style_field": jax.eval_shape(
      lambda: modules.init_style_field(
        config.style_field,
        record.normalization.space,
        prng.stream_key(0, "shapes"),
      )
    ),
    "latents": jax.ShapeDtypeStruct(shape, np.float32),
  }
  restored = state_lib.restore_params(
    run.checkpoints(mutual_learning.PHASE), like
  )
  return {
    "params": {**params, **restored},
    "styles": tuple(styles["names"]),
    "style_hashes": tuple(facts["keys"]["styles"]),
    "latent_mean": np.asarray(styles["latent_mean"], np.float32),
    "latent_variance": np.asarray(styles["latent_variance"], np.float32),
  }
