"""Where two frames disagree: the warped error of each pixel.

What `consistency` sums up to one number a pair, as a picture. Cameras and
depths are in the scene file's frame and units.
"""

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.evaluation import consistency, geometry
from stylized_nerf_jax.rendering import warping


def pixel_errors(
  frames,
  scene_geometry: geometry.Geometry,
  *,
  target: int,
  gap: int,
) -> np.ndarray:
  """Compare a frame with a later one, warped into its view.

  Args:
    frames: V pictures [H, W, 3] in [0, 1], frame v as camera v sees it.
    scene_geometry: cameras and depths of the V views.
    target: number of the frame that is looked at.
    gap: frames from it to the one that is warped, at least 1.

  Returns:
    float32 [H, W]: root of the mean over channels of the squared difference,
    in [0, 1]; NaN where the two do not see the same surface.
  """
  cameras = consistency.centered_arrays(scene_geometry.cameras)
  source = target + gap
  errors, mask = _errors(
    frames[source],
    scene_geometry.depths[source],
    cameras[source],
    frames[target],
    scene_geometry.depths[target],
    cameras[target],
    scene_geometry.tolerance,
  )
  return np.where(np.asarray(mask), np.asarray(errors), np.nan)


@jax.jit
def _errors(
  image_src, depth_src, camera_src, image_dst, depth_dst, camera_dst, tolerance
):
  warped, mask = warping.backward_warp(
    image_src,
    depth_src,
    camera_src,
    depth_dst,
    camera_dst,
    tolerance=tolerance,
  )
  squared = jnp.mean((image_dst - warped) ** 2, axis=-1)
  return jnp.sqrt(squared), mask
