"""Splats as a pinhole camera sees them: ellipses of a picture.

EWA splatting (Zwicker et al., IEEE Visualization 2001), in the form that
3D Gaussian Splatting (Kerbl et al., SIGGRAPH 2023) made common and viewers
follow: perspective is taken as linear around each mean, and pictures are
blurred by 0.3 square pixels. Pixel (x, y) is (column + 0.5, row + 0.5), y down.
A lens that bends light is not imitated: what a viewer shows is never bent.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import shared_matrix
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.splatting import splats as splats_lib

# Added to the covariance in the picture, square pixels: viewers do the same.
BLUR = 0.3
# Where a Gaussian ends: viewers draw squares of sqrt(8) standard deviations.
LARGEST_EXPONENT = 8.0
# Fainter than one step of 8 bits is not drawn.
LEAST_ALPHA = 1.0 / 255.0
# Some viewers hold the square of half the difference of an ellipse's variances
# at this or more, and draw small round splats upright.
HELD = 0.1
# Nearer to the camera, in standard deviations or shares of its focal length,
# nothing can be taken as linear.
_NEAREST = 1e-6
# How far outside of the picture slopes are still followed.
_BEYOND = 1.3


class Ellipses(NamedTuple):
  """N splats in a picture.

  Attributes:
    xy: [N, 2], pixels.
    conic: [N, 3], a, b, c of the exponent (a dx^2 + 2 b dx dy + c dy^2) / 2.
    opacity: [N], in [0, 1]; 0 of those behind the camera.
    reach: [N, 2], how far they are drawn along x and y, pixels; 0 where not
      at all.
    depth: [N], along the optical axis, in units of the splats.
  """

  xy: jax.Array
  conic: jax.Array
  opacity: jax.Array
  reach: jax.Array
  depth: jax.Array


def pinhole(camera: cameras_lib.Camera) -> cameras_lib.Camera:
  """Returns a camera of the same place, size and focal length without lens."""
  none = (0.0,) * len(cameras_lib.LENS_TERMS["pinhole"])
  return dataclasses.replace(camera, model="pinhole", distortion=none)


def rotation_matrices(
  rotations: jax.Array,
) -> tuple[tuple[jax.Array, ...], ...]:
  """Returns rows of columns [N] of the matrices of quaternions [N, 4]."""
  length = jnp.linalg.norm(rotations, axis=-1, keepdims=True)
  w, x, y, z = jnp.moveaxis(rotations / jnp.maximum(length, 1e-12), -1, 0)
  return (
    (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
    (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
    (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
  )


def project(
  splats: splats_lib.Splats,
  camera: rays_lib.CameraArrays,
  size: tuple[int, int],
  held: jax.Array | float | None = None,
) -> Ellipses:
  """Projects splats; differentiable but for `reach`.

  Args:
    splats: N, in the frame of the camera's poses.
    camera: of no leading dimensions; its lens terms are not looked at.
    size: height and width of the picture, pixels.
    held: [], `HELD`: ellipses as those viewers see them that hold variances
      apart, and draw nothing of some; 0 or None: as they are. `reach` is that
      of ellipses as they are.
  """
  height, width = size
  axes = camera.camera_to_model[:, :3]
  local = shared_matrix.apply(
    axes.T, splats.means - camera.camera_to_model[:, 3]
  )
  x, y, depth = local[:, 0], -local[:, 1], -local[:, 2]
  seen = depth > _NEAREST
  z = jnp.where(seen, depth, 1.0)
  fl_x, fl_y, cx, cy = camera.intrinsics
  xy = jnp.stack([fl_x * x / z + cx, fl_y * y / z + cy], axis=-1)
  # Far outside of the picture the linear map would stretch without bounds.
  slope_x = _within(x / z, -cx / fl_x, (width - cx) / fl_x)
  slope_y = _within(y / z, -cy / fl_y, (height - cy) / fl_y)
  # Rows of the Jacobian times the camera's axes: what moves a pixel, [N] each.
  right, down, forward = axes[:, 0], -axes[:, 1], -axes[:, 2]
  along_x = [fl_x / z * (right[k] - slope_x * forward[k]) for k in range(3)]
  along_y = [fl_y / z * (down[k] - slope_y * forward[k]) for k in range(3)]
  turned = rotation_matrices(splats.rotations)
  scales = jnp.exp(splats.log_scales)
  xx = xy_ = yy = 0.0
  for j in range(3):
    u = scales[:, j] * sum(along_x[k] * turned[k][j] for k in range(3))
    v = scales[:, j] * sum(along_y[k] * turned[k][j] for k in range(3))
    xx, xy_, yy = xx + u * u, xy_ + u * v, yy + v * v
  xx, yy = xx + BLUR, yy + BLUR
  determinant = jnp.maximum(xx * yy - xy_ * xy_, 1e-12)
  conic = jnp.stack([yy, -xy_, xx], axis=-1) / determinant[:, None]
  opacity = jnp.where(seen, jax.nn.sigmoid(splats.logits), 0.0)
  if held is not None:
    apart, drawn = _held_apart(xx, xy_, yy, held)
    conic = jnp.where(held > 0, apart, conic)
    opacity = jnp.where((held > 0) & ~drawn, 0.0, opacity)
  exponent = 2.0 * jnp.log(jnp.maximum(opacity / LEAST_ALPHA, 1.0))
  sigmas = jnp.sqrt(jnp.minimum(exponent, LARGEST_EXPONENT))
  reach = sigmas[:, None] * jnp.sqrt(jnp.stack([xx, yy], axis=-1))
  return Ellipses(xy, conic, opacity, jax.lax.stop_gradient(reach), depth)


def _held_apart(xx, xy, yy, held):
  """Conics [N, 3] of ellipses with variances held apart, and which are drawn.

  Of @mkkellogg/gaussian-splats-3d 0.4.7. The axis of the larger variance is
  found from the variance that is held, which turns it upright.
  """
  middle, half = (xx + yy) / 2, (xx - yy) / 2
  half_apart = jnp.sqrt(jnp.maximum(half * half + xy * xy, held + 1e-12))
  large, small = middle + half_apart, middle - half_apart
  drawn = small > 0
  along = jnp.stack([xy, large - xx])
  length = jnp.sqrt(jnp.maximum(jnp.sum(along * along, axis=0), 1e-12))
  x, y = along / length
  one, other = 1.0 / large, 1.0 / jnp.where(drawn, small, 1.0)
  conic = jnp.stack(
    [
      one * x * x + other * y * y,
      (one - other) * x * y,
      one * y * y + other * x * x,
    ],
    axis=-1,
  )
  return conic, drawn


def _within(slopes, low, high):
  """Holds slopes near to those of the picture, about its middle."""
  middle, half = (low + high) / 2, _BEYOND * (high - low) / 2
  return jnp.clip(slopes, middle - half, middle + half)
