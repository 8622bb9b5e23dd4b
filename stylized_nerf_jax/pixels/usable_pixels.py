"""Which pixels of photographs something can be learned from."""

import functools
from collections.abc import Sequence

import jax
import numpy as np

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.scenes import scene as scene_lib


class UsablePixels(Sequence):
  """usable[i]: bool [H, W], True where something can be learned from a pixel.

  Those whose rays pass by the box show the background whatever the field says:
  half of all around a small object.

  Args:
    scene: V views.
    cameras: of its views, leading dimension [V], model frame.
    space: of the model, a box.
  """

  def __init__(
    self,
    scene: scene_lib.Scene,
    cameras: rays_lib.CameraArrays,
    space: normalization.RaySpace,
  ):
    self._scene, self._cameras, self._space = scene, cameras, space

  def __len__(self) -> int:
    return len(self._scene.cameras)

  def __getitem__(self, index: int) -> np.ndarray:
    camera = self._scene.cameras[index]
    one = jax.tree.map(lambda values: values[index], self._cameras)
    xy = rays_lib.pixel_grid(camera.height, camera.width)
    reached = np.asarray(_reached(one, xy, self._space))
    masks = self._scene.masks
    return reached if masks is None else reached & masks[index]


@functools.partial(jax.jit, static_argnames="space")
def _reached(camera, xy, space: normalization.RaySpace):
  return rays_lib.reaches_box(rays_lib.cast_rays(camera, xy, space), space)


def usable_pixels(
  scene: scene_lib.Scene,
  cameras: rays_lib.CameraArrays,
  space: normalization.RaySpace,
) -> Sequence[np.ndarray] | None:
  """Returns the pixels that something can be learned from.

  Args:
    scene, cameras, space: as in `UsablePixels`; any kind of space.

  Returns:
    V arrays [H, W], bool, made when they are asked for: neither masked nor
    past the box; None where there are neither masks nor a box.
  """
  if space.kind != "box":
    return scene.masks
  return UsablePixels(scene, cameras, space)
