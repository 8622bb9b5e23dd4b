"""All phases of a run in their order, each skipped when it is finished."""

import pathlib

from stylized_nerf_jax import scenes
from stylized_nerf_jax.phases import radiance_field, run_folder
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.training import progress


def train(config, workdir: str | pathlib.Path, *, phase: str = "all") -> None:
  """Runs one phase or all of them.

  Args:
    config: frozen config of the run.
    workdir: folder of the run, made where it is missing.
    phase: "all" or one of `run_folder.PHASES`.

  Raises:
    ValueError: what is wrong with scene, styles, weights, config or folder;
      raised before any training.
  """
  run = run_folder.RunFolder(workdir)
  scene = load_scene(config)
  run.create()
  run.claim_scene(
    scene_record.make_scene_record(
      scene, space=config.scene.space, background=config.scene.background
    )
  )
  run.save_config(config)
  for message in scene.messages:
    progress.say(f"scene: {message}")
  wanted = run_folder.PHASES if phase == "all" else (phase,)
  if "radiance_field" in wanted:
    radiance_field.train_and_evaluate(config, run, scene)


def load_scene(config) -> scene_lib.Scene:
  """Reads the scene that `config.scene` names."""
  return scenes.load_scene(
    config.scene.path,
    downsample=config.scene.downsample,
    background=config.scene.background,
    format=config.scene.format,
    holdout=config.scene.holdout,
  )
