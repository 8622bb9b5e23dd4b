"""What a camera sees, apart from its colours in a style."""

import dataclasses

import jax
import numpy as np

from stylized_nerf_jax.rendering import geometry_cache, renderer
from stylized_nerf_jax.scenes import scene as scene_lib


@dataclasses.dataclass(frozen=True, eq=False)
class TracedView:
  """What a camera sees, ready to be painted in any style.

  Attributes:
    camera: that sees it, file frame.
    photographed: the view in the radiance field's own colours.
    packed: [H, W, 2, K] uint16, see `rendering.geometry_cache.pack`.
    lost: what keeping K samples of each ray loses in the field's own colours:
      means over the picture, see `rendering.geometry_cache.Loss`.
  """

  camera: scene_lib.Camera
  photographed: renderer.Rendered
  packed: np.ndarray
  lost: geometry_cache.Loss


jax.tree_util.register_dataclass(
  TracedView,
  data_fields=["photographed", "packed", "lost"],
  meta_fields=["camera"],
)
