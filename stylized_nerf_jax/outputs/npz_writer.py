"""Writes a scene as one NumPy file, `scenes.readers.npz` describes it.

The format has one size, one focal length, no distortion and the principal
point in the middle. Masks, splits, bounds and the layout are kept.
"""

import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import image_writer, scene_pictures
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.readers import npz

FILE = "scene.npz"
_MOST_BYTES = 1 << 32


def write_npz(scene: scene_lib.Scene, folder: str | pathlib.Path) -> None:
  """Writes scene.npz.

  Args:
    scene: with cameras that the format can hold.
    folder: new or empty.

  Raises:
    ValueError: the format cannot hold the scene, the folder holds something,
      an image cannot be read, or the file cannot be written.
  """
  path = scene_pictures.check_destination(folder) / FILE
  scene_pictures.check_one_camera(scene, "npz", focal=True)
  camera = scene.cameras[0]
  size = 4 * len(scene) * camera.width * camera.height
  if size > _MOST_BYTES:
    raise user_error.UserError(
      f"npz would take {size} bytes of memory; expected at most {_MOST_BYTES}: "
      "raise --downsample, or write --format transforms"
    )
  arrays = {
    "images": _stack([scene_pictures.pixels(scene, i) for i in _all(scene)]),
    "poses": scene.cameras.camera_to_world,
    "focal": np.float64(camera.fl_x),
    "near": np.float64(scene.near),
    "far": np.float64(scene.far),
    "layout": np.int64(scene_lib.LAYOUTS.index(scene.layout)),
  }
  if scene.masks is not None:
    arrays["masks"] = np.stack([scene.masks[i] for i in _all(scene)])
  for split in npz.SPLITS:
    if split in scene.splits:
      arrays[split] = np.array(scene.splits[split], np.int64)
  with image_writer.writing(path):
    np.savez_compressed(path, **arrays)


def _all(scene: scene_lib.Scene) -> range:
  return range(len(scene))


def _stack(pictures: list[np.ndarray]) -> np.ndarray:
  """Stacks pictures; where only some have alpha, the others are opaque."""
  channels = max(picture.shape[-1] for picture in pictures)
  for i, picture in enumerate(pictures):
    if picture.shape[-1] < channels:
      opaque = np.full_like(picture[..., :1], 255)
      pictures[i] = np.concatenate([picture, opaque], axis=-1)
  return np.stack(pictures)
