"""Writes a scene as LLFF has it: poses_bounds.npy and images.

The format has one size, no distortion, the principal point in the middle, and
neither masks nor splits; every row gets the bounds of the scene.
"""

import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer, scene_pictures
from stylized_nerf_jax.scenes import scene as scene_lib


def write_llff(scene: scene_lib.Scene, folder: str | pathlib.Path) -> None:
  """Writes poses_bounds.npy and `images`, numbered in the scene's order.

  Args:
    scene: with cameras that the format can hold.
    folder: new or empty.

  Raises:
    ValueError: the format cannot hold the scene, the folder holds something,
      an image cannot be read, or a file cannot be written.
  """
  folder = scene_pictures.check_destination(folder)
  scene_pictures.check_one_camera(scene, "LLFF", focal=False)
  if scene.masks is not None:
    raise user_error.UserError(
      "LLFF cannot hold masks, which this scene has; write --format transforms"
    )
  rows = []
  digits = max(3, len(str(len(scene) - 1)))
  for i, camera in enumerate(scene.cameras):
    scene_pictures.write(scene, i, folder, f"images/{i:0{digits}d}.png")
    right, up, back, center = camera.camera_to_world[:3].T
    sizes = [camera.height, camera.width, camera.fl_x]
    matrix = np.stack([-up, right, back, center, sizes], axis=-1)
    rows.append([*matrix.ravel(), scene.near, scene.far])
  path = folder / "poses_bounds.npy"
  with image_writer.writing(path):
    np.save(path, np.array(rows))
