"""Rays of cameras that a program holds as arrays and may learn."""

import dataclasses

import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import normalization


def camera_rays(
  pose: jax.Array,
  intrinsics: jax.Array,
  lens: jax.Array | None,
  xy: jax.Array,
  *,
  space: normalization.Normalization | None = None,
  near: float | None = None,
  far: float | None = None,
) -> rays_lib.Rays:
  """Casts the rays of pixels, with derivatives by everything but `space`.

  Args:
    pose: [..., 3, 4] or [..., 4, 4], camera to model frame, OpenGL axes; a
      rigid motion, which is not checked.
    intrinsics: [..., 4], fl_x, fl_y, cx, cy in pixels.
    lens: [..., 4] or [..., 9], terms of `rendering.lenses`, as
      `rays.camera_arrays` gives them; None: a pinhole.
    xy: [..., 2], pixel coordinates; (0.5, 0.5) is the middle of the first.
    space: of the scene; decides near, far and whether rays are cast in NDC.
    near: ray parameter where rays begin, in units of the poses; None: that of
      the space or, without one, the field's.
    far: likewise, where they end.

  Returns:
    Rays of all leading dimensions broadcast together.

  Raises:
    ValueError: shapes that do not fit, or both a space and near or far.
  """
  pose, intrinsics, xy = map(jnp.asarray, (pose, intrinsics, xy))
  lens = jnp.zeros(4) if lens is None else jnp.asarray(lens)
  if pose.shape[-2:] not in ((3, 4), (4, 4)):
    raise user_error.UserError(
      f"pose has shape {pose.shape}; expected [..., 3, 4] or [..., 4, 4]"
    )
  for name, values, sizes in (
    ("intrinsics", intrinsics, (4,)),
    ("lens", lens, (4, 9)),
    ("xy", xy, (2,)),
  ):
    if values.ndim == 0 or values.shape[-1] not in sizes:
      expected = " or ".join(f"[..., {size}]" for size in sizes)
      raise user_error.UserError(
        f"{name} has shape {values.shape}; expected {expected}"
      )
  cameras = rays_lib.CameraArrays(pose[..., :3, :], intrinsics, lens)
  if space is not None:
    if near is not None or far is not None:
      raise user_error.UserError(
        f"near is {near} and far is {far} beside a space; expected one or the "
        "other"
      )
    setting = rays_lib.RaySetting(space.space, space.scale)
    rays = rays_lib.cast_rays(cameras, xy, space.space)
    return dataclasses.replace(rays, setting=setting)
  directions = rays_lib.pixel_directions(cameras, xy)
  centers = jnp.broadcast_to(cameras.camera_to_model[..., 3], directions.shape)
  return rays_lib.Rays.of(
    origins=centers,
    directions=directions,
    viewdirs=directions,
    near=near,
    far=far,
  )
