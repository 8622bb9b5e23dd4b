"""A few small views of a scene, for what is measured over all of it."""

import numpy as np

from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record

_VIEWS = 8
_LONG_SIDE = 64  # pixels


def small_cameras(record: scene_record.SceneRecord) -> list[scene_lib.Camera]:
  """Returns 8 training views at most, evenly apart, of 64x64 pixels at most."""
  cameras = record.split("train")
  count = min(_VIEWS, len(cameras))
  chosen = np.linspace(0, len(cameras) - 1, count).round().astype(int)
  found = []
  for camera in (cameras[int(i)] for i in chosen):
    long_side = max(camera.width, camera.height)
    found.append(camera.scaled(min(1.0, _LONG_SIDE / long_side)))
  return found
