"""The TFDS dataset `posed_scene`: one configuration a scene, one record a view.

A record holds

```
index           place in the scene's order; TFDS splits do not keep it
name            file name of the image
image           PNG or JPEG as it was, or float32 [H, W, 3] in [0, 1] where
                the scene's images are not of 8 bits (resized, rendered)
alpha           float32 [H, W], where it is not the fourth channel of `image`
mask            bool [H, W], True where the pixel may be used
depth           float32 [H, W], exact Euclidean distance from the camera
                centre, 0 where nothing is hit
camera_to_world float64 [4, 4], OpenGL axes, rigid
intrinsics      float64 [4]: fl_x, fl_y, cx, cy in pixels
size            int64 [2]: width, height
lens            "pinhole", "opencv", "full_opencv" or "fisheye"
distortion      float64 [8]: the terms of the lens, zeros behind them
```

`alpha`, `mask` and `depth` are there where the scene has them. What belongs to
the whole scene is the dataset's metadata (`describe`). Every view lies in the
TFDS split of the first of the scene's splits that lists it, or in "unused".
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from stylized_nerf_jax.datasets import view_images
from stylized_nerf_jax.scenes import scene as scene_lib

UNUSED = "unused"
_TERMS = 8


class PosedScene:
  """One scene as a `preparing.Builder`."""

  name = "posed_scene"
  version = "1.0.0"
  description = "Posed photographs of one static scene."

  def __init__(self, scene: scene_lib.Scene):
    self._scene = scene
    self._images = view_images.choose(scene)

  def features(self) -> Mapping[str, Any]:
    """Returns TFDS's features by name."""
    return _features(self._scene, self._images)

  def metadata(self) -> Mapping[str, Any]:
    """Returns what belongs to the whole scene."""
    return describe(self._scene, self._images)

  def splits(self) -> dict[str, Iterator[Mapping[str, Any]]]:
    """Returns the records of every TFDS split."""
    return {
      name: (_encode(self._scene, self._images, view) for view in views)
      for name, views in split_views(self._scene)
    }


def describe(
  scene: scene_lib.Scene, images: view_images.ViewImages
) -> dict[str, Any]:
  """Returns what is noted of the whole scene, as JSON holds it."""
  return {
    "kind": "posed_scene",
    "name": scene.name,
    "views": len(scene),
    "layout": scene.layout,
    "near": scene.near,
    "far": scene.far,
    "bounding_box": None
    if scene.bounding_box is None
    else np.asarray(scene.bounding_box, float).tolist(),
    "splits": {name: list(views) for name, views in scene.splits.items()},
    # Whether colours are premultiplied, and lie over any background.
    "transparent": images.transparent,
  }


def split_views(scene: scene_lib.Scene) -> list[tuple[str, list[int]]]:
  """Gives every view to one TFDS split; splits without views are left out."""
  rest = dict.fromkeys(range(len(scene)))
  groups = []
  for name, views in scene.splits.items():
    own = [view for view in dict.fromkeys(views) if view in rest]
    for view in own:
      del rest[view]
    groups.append((name, own))
  groups.append((UNUSED, list(rest)))
  return [(name, views) for name, views in groups if views]


def _features(
  scene: scene_lib.Scene, images: view_images.ViewImages
) -> Mapping[str, Any]:
  def numbers(*shape):
    return _tensor(shape, np.float64, "bytes")

  features = {
    "index": np.int64,
    "name": tfds.features.Text(),
    "image": _tensor((None, None, 3), np.float32, "zlib"),
    "camera_to_world": numbers(4, 4),
    "intrinsics": numbers(4),
    "size": _tensor((2,), np.int64, "none"),
    "lens": tfds.features.Text(),
    "distortion": numbers(_TERMS),
  }
  if images.encoded:
    shape = (None, None, images.channels)
    features["image"] = tfds.features.Image(shape=shape)
  if images.has_alpha:
    features["alpha"] = _tensor((None, None), np.float32, "zlib")
  if scene.masks is not None:
    features["mask"] = _tensor((None, None), np.bool_, "zlib")
  if scene.depths is not None:
    features["depth"] = _tensor((None, None), np.float32, "zlib")
  return features


def _tensor(shape, dtype, encoding: str) -> tfds.features.Tensor:
  return tfds.features.Tensor(shape=shape, dtype=dtype, encoding=encoding)


def _encode(
  scene: scene_lib.Scene, images: view_images.ViewImages, index: int
) -> Mapping[str, Any]:
  """Returns the record of one view."""
  camera = scene.cameras[index]
  distortion = np.zeros(_TERMS)
  distortion[: len(camera.distortion)] = camera.distortion
  record = {
    "index": index,
    "name": camera.name,
    "camera_to_world": camera.camera_to_world,
    "intrinsics": np.array([camera.fl_x, camera.fl_y, camera.cx, camera.cy]),
    "size": np.array([camera.width, camera.height]),
    "lens": camera.model,
    "distortion": distortion,
    **images.record(index),
  }
  if scene.masks is not None:
    record["mask"] = np.asarray(scene.masks[index], np.bool_)
  if scene.depths is not None:
    record["depth"] = np.asarray(scene.depths[index], np.float32)
  return record
