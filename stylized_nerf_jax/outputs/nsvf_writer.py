"""Writes a scene in NSVF's layout, as ARF, svox2 and TensoRF read it.

The format has one camera for all, without distortion; splits are prefixes of
names, and masks become alpha. `scenes.exports.nsvf` describes it.
"""

import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer, scene_pictures
from stylized_nerf_jax.scenes import principal_point
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.exports import nsvf

# Voxels that a box is divided into at first (NSVF, section 3.3).
_VOXELS = 1000


def write_nsvf(
  scene: scene_lib.Scene, folder: str | pathlib.Path
) -> tuple[str, ...]:
  """Writes `rgb`, `pose`, intrinsics.txt and, of bounded scenes, the bounds.

  Args:
    scene: with cameras that the format can hold.
    folder: new or empty.

  Returns:
    What a user should be told.

  Raises:
    ValueError: the format cannot hold the scene, the folder holds something,
      an image cannot be read, or a file cannot be written.
  """
  folder = scene_pictures.check_destination(folder)
  scene_pictures.check_shared_intrinsics(scene, "NSVF")
  camera = scene.cameras[0]
  size = (camera.width, camera.height)
  where = f"NSVF cannot hold {camera.name!r}"
  if principal_point.reduction(camera.cx, camera.cy, size, where=where) > 1:
    raise user_error.UserError(
      f"{where}: its principal point is ({camera.cx:g}, {camera.cy:g}); "
      "expected about the middle: write --format transforms, which can hold it"
    )
  named, alone = _named(scene)
  for name, i in named:
    _write_picture(scene, i, folder, f"rgb/{name}.png")
    pose = scene.cameras[i].camera_to_world * [1, -1, -1, 1]
    _write_numbers(folder / "pose" / f"{name}.txt", pose)
  matrix = np.eye(4)
  matrix[[0, 1], [0, 1]] = camera.fl_x, camera.fl_y
  matrix[:2, 2] = camera.cx, camera.cy
  _write_numbers(folder / "intrinsics.txt", matrix)
  if scene.layout == "bounded":
    bounds = [[scene.near, scene.far]]
    _write_numbers(folder / "near_and_far.txt", bounds)
  if scene.bounding_box is not None:
    low, high = np.array(scene.bounding_box, np.float64)
    voxel = np.cbrt(np.prod(high - low) / _VOXELS)
    _write_numbers(folder / "bbox.txt", [[*low, *high, voxel]])
  return _notes(scene, alone)


def _named(
  scene: scene_lib.Scene,
) -> tuple[list[tuple[str, int]], list[int]]:
  """Names the images of each split; also returns those of none."""
  splits = dict(scene.splits)
  if splits.get("test") == splits.get("val"):
    splits.pop("test", None)  # Readers take it from the other.
  named = [
    (f"{prefix}{i:05d}", i)
    for split, prefix in nsvf.PREFIXES.items()
    for i in splits.get(split, ())
  ]
  return named, sorted(set(range(len(scene))) - {i for _, i in named})


def _write_picture(
  scene: scene_lib.Scene, index: int, folder: pathlib.Path, name: str
) -> None:
  """Writes a photograph, transparent where it is masked."""
  if scene.masks is None:
    scene_pictures.write(scene, index, folder, name)
    return
  pixels = scene_pictures.pixels(scene, index)
  alpha = np.where(scene.masks[index], 255, 0).astype(np.uint8)
  if pixels.shape[-1] == 4:
    alpha = np.minimum(alpha, pixels[..., 3])
  path = folder / name
  with image_writer.writing(path):
    Image.fromarray(np.dstack([pixels[..., :3], alpha])).save(path)


def _write_numbers(path: pathlib.Path, rows: Sequence) -> None:
  lines = [" ".join(repr(float(value)) for value in row) for row in rows]
  with image_writer.writing(path):
    path.write_text("\n".join(lines) + "\n")


def _notes(scene: scene_lib.Scene, alone: list[int]) -> tuple[str, ...]:
  notes = []
  if alone:
    notes.append(
      f"{len(alone)} images of no split are left out: NSVF has a prefix for "
      "train, val and test"
    )
  if scene.masks is not None:
    notes.append("masks are written as alpha: what they hide is transparent")
  if scene.bounding_box is None:
    notes.append(
      "the scene has no box: there is no bbox.txt, which TensoRF and NSVF need"
    )
  if scene.layout != "bounded":
    notes.append("bounds are not kept: readers guess them")
  return tuple(notes)
