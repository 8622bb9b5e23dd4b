"""A run whose phase 1 is a field that JaxNeRF has trained.

What JaxNeRF does with a scene decides the run's frame: Blender's stay as their
files have them, between two planes, and forward-facing LLFF captures are in
NDC, whose similarity is the same in both programs. Its rays go through the
corners of pixels (column, row), where this program's cameras have centres half
a pixel on; so principal points move by half of one of its pixels.
"""

import pathlib
from typing import Any

import ml_collections

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.networks import jaxnerf_checkpoint
from stylized_nerf_jax.phases import pipeline

_HASH_DIGITS = 16


def import_jaxnerf(
  checkpoint: str | pathlib.Path,
  config,
  workdir: str | pathlib.Path,
  *,
  pixel_centers: bool = False,
  factor: float = 1.0,
  views: int = 4,
) -> dict[str, float]:
  """Makes a finished phase 1 of a checkpoint.

  Args:
    checkpoint: a file or folder, as of `jaxnerf_checkpoint.load_jaxnerf`.
    config: of the run. Its scene is the one that JaxNeRF trained on;
      `scene.near` and `scene.far` are JaxNeRF's flags where they were not
      the format's, and of `field.jaxnerf` those fields count that the file
      does not tell.
    workdir: folder of the run.
    pixel_centers: whether it trained with `use_pixel_centers`.
    factor: what the pictures' size was divided by there (`factor`).
    views: how many held-out views it is scored on, at least 1; a view of
      800x800 takes 200 TFLOP.

  Returns:
    Scores on held-out views: "test_psnr", dB, and "test_ssim".

  Raises:
    ValueError: checkpoint, scene or config cannot be used.
  """
  if not 1.0 <= factor < 1e3:
    raise user_error.UserError(
      f"--factor is {factor:g}; expected what JaxNeRF divided the size of the "
      "pictures by, 1 or more"
    )
  if views < 1:
    raise user_error.UserError(f"--views is {views}; expected at least 1")
  found = jaxnerf_checkpoint.read(checkpoint)
  shift = 0.0 if pixel_centers else 0.5 * factor
  config = _config(config, found, shift)
  progress.say(
    f"{found.path}: JaxNeRF's networks of {found.sizes['depth']} layers of "
    f"{found.sizes['width']} after {found.step} steps"
  )
  return pipeline.import_field(
    config,
    workdir,
    found.params,
    views=views,
    imported={"file": found.path.name, "step": found.step},
  )


def _config(
  given, found: jaxnerf_checkpoint.Checkpoint, shift: float
) -> ml_collections.FrozenConfigDict:
  """Returns the config of a run with the field, in the frame it lives in."""
  config = ml_collections.ConfigDict(given.to_dict())
  scene = pipeline.load_scene(config)
  config.scene.space = _space(scene)
  config.scene.principal_shift = shift
  config.field.kind = "jaxnerf"
  sizes: dict[str, Any] = found.sizes
  config.field.jaxnerf.update(sizes, checkpoint=found.sha256[:_HASH_DIGITS])
  if config.field.jaxnerf.lindisp and config.scene.space == "ndc":
    raise user_error.UserError(
      "config field field.jaxnerf.lindisp is True; expected False for a "
      "forward-facing capture, whose rays begin at 0"
    )
  return ml_collections.FrozenConfigDict(config)


def _space(scene) -> str:
  """Returns where JaxNeRF's rays of a scene run."""
  if scene.layout == "forward_facing":
    return "ndc"
  if scene.format == "llff":
    raise user_error.UserError(
      f"scene {scene.name!r}: JaxNeRF turns all-round LLFF captures into a "
      "frame of its own (spherify), which is not read; expected a "
      "forward-facing capture or a scene of NeRF-synthetic's format"
    )
  return "planes"
