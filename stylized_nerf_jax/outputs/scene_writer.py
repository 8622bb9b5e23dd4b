"""Writes any loaded scene in another format, for other programs."""

import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import (
  colmap_writer,
  llff_writer,
  npz_writer,
  nsvf_writer,
  transforms_writer,
)
from stylized_nerf_jax.scenes import scene as scene_lib

_WRITERS = {
  "transforms": transforms_writer.write_transforms,
  "llff": llff_writer.write_llff,
  "npz": npz_writer.write_npz,
  "nsvf": nsvf_writer.write_nsvf,
  "colmap": colmap_writer.write_colmap,
}
FORMATS = tuple(_WRITERS)
_LLFF_HOLDOUT = 8


def write_scene(
  scene: scene_lib.Scene, folder: str | pathlib.Path, *, format: str
) -> tuple[str, ...]:
  """Writes a scene, its images at the size it was loaded at.

  Args:
    scene: any scene.
    folder: new or empty.
    format: one of `FORMATS`.

  Returns:
    What a user should be told about what the format leaves out.

  Raises:
    ValueError: the format is unknown or cannot hold the scene, an image cannot
      be read, or a file cannot be written.
  """
  if format not in FORMATS:
    raise user_error.UserError(
      f"format is {format!r}; expected one of {', '.join(FORMATS)}"
    )
  # Some say themselves what they leave out.
  notes = list(_WRITERS[format](scene, folder) or ())
  if format == "transforms":
    notes.append(
      "bounds and layout are kept for this program: other readers of "
      "transforms.json choose them"
    )
  expected = tuple(range(0, len(scene), _LLFF_HOLDOUT))
  if format == "llff" and scene.splits.get("test", ()) != expected:
    notes.append(
      f"LLFF has no splits: its readers hold out every {_LLFF_HOLDOUT}th image"
    )
  return tuple(notes)
