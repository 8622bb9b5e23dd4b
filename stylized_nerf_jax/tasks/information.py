"""Facts about configs and runs, without training anything."""

import functools
import math
import pathlib

import jax
import jax.numpy as jnp

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.phases import mutual_state, pipeline, run_styles
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.stylizer import pretrained, vgg


def of_config(config) -> dict:
  """Returns parameter counts of the modules that a config builds."""
  key = jax.eval_shape(lambda: jax.random.key(0))
  space = modules.ANY_SPACE
  field = modules.radiance_field(config.field, space)
  layout = config.weights.encoder
  if layout not in vgg.LAYOUTS:
    layout = pretrained.load_encoder(layout).layout
  picture = jax.ShapeDtypeStruct((1, 16, 16, 3), jnp.float32)
  trees = {
    "radiance_field": jax.eval_shape(field.init, key, modules.one_ray()),
    "style_field": jax.eval_shape(
      functools.partial(modules.init_style_field, config.style_field, space),
      key,
    ),
    "encoder": jax.eval_shape(vgg.VggEncoder(layout).init, key, picture),
    "decoder": pretrained.decoder_shapes(),
    "statistics_vae": pretrained.vae_shapes(),
  }
  counts = {name: count_parameters(tree) for name, tree in trees.items()}
  return {
    "field.kind": config.field.kind,
    "style_field.encoding": config.style_field.encoding,
    "parameters": counts,
  }


def of_run(workdir: str | pathlib.Path) -> dict:
  """Returns scene, styles and the state of each phase of a run."""
  run = run_folder.RunFolder(workdir)
  record = run.scene()
  phases = {}
  for phase in run_folder.PHASES:
    facts = run.facts(phase)
    state = "not begun"
    if facts:
      state = "finished" if facts["finished"] else "unfinished"
    phases[phase] = {"state": state, **(facts.get("scores") or {})}
  styles = []
  if run.facts(mutual_state.PHASE).get("styles"):
    styles = run_styles.names(run)
  return {
    "scene": {
      "name": record.name,
      "path": record.path,
      "format": record.format,
      "images": len(record.cameras),
      "space": record.normalization.space.kind,
      "content_hash": record.content_hash,
    },
    "styles": ", ".join(styles),
    "phases": phases,
  }


def next_steps(workdir: str | pathlib.Path) -> tuple[str, ...]:
  """Returns what can be done next with a run, as `cli/parsing` names it."""
  run = run_folder.RunFolder(workdir)
  left = [
    phase
    for phase in pipeline.phases_of(config_lib.completed(run.config()))
    if not run.facts(phase).get("finished")
  ]
  if left:
    return ("go on",)
  scored = (run.path / "evaluation" / "report.json").is_file()
  return ("look", "film", *([] if scored else ["score"]), "report", "export")


def count_parameters(tree) -> int:
  """Returns how many numbers a tree of arrays holds."""
  return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))
