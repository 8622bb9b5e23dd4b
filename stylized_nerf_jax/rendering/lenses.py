"""Lenses of all camera models: from a pixel to a direction, and back.

Terms [..., 4] are OpenCV's k1, k2, p1, p2. A scene with any other lens has
[..., 9]: the eight of the rational model (`opencv_lens`) and 0, or the four of
a fisheye (`fisheye`), four zeros and 1. Which it is, is static.

Coordinates of pixels are normalised, (x - cx) / fl_x, y down. Directions have
the camera's OpenGL axes: x right, y up, and the camera looks along -z.
"""

import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.rendering import fisheye
from stylized_nerf_jax.rendering import opencv_lens as opencv
from stylized_nerf_jax.scenes import cameras as camera_lib

_TINY = 1e-12


def lens_terms(cameras: camera_lib.Cameras) -> np.ndarray:
  """Returns the terms of V cameras: [V, 4], or [V, 9] as described above."""
  models = set(cameras.models)
  if models <= {"pinhole", "opencv"}:
    return cameras.distortion[:, :4]
  terms = np.zeros((len(cameras), 9))
  terms[:, : cameras.distortion.shape[1]] = cameras.distortion
  terms[:, 8] = [model == "fisheye" for model in cameras.models]
  return terms


def directions(xy, terms):
  """Finds where pixels look.

  Args:
    xy: [..., 2], normalised coordinates.
    terms: [..., 4] or [..., 9], broadcast against them.

  Returns:
    [..., 3], camera axes; of any length.
  """
  if terms.shape[-1] == 4:
    return _in_front(opencv.undistort(xy, terms))
  rational, equidistant, is_fisheye = _split(terms)
  radius = jnp.sqrt(jnp.sum(xy**2, axis=-1) + _TINY)
  theta = fisheye.undistort(radius, equidistant)
  flat = xy * (jnp.sin(theta) / radius)[..., None]
  bent = jnp.stack([flat[..., 0], -flat[..., 1], -jnp.cos(theta)], axis=-1)
  straight = _in_front(opencv.undistort(xy, rational))
  return jnp.where(is_fisheye, bent, straight)


def project(points, terms):
  """Finds where points are seen.

  Args:
    points: [..., 3], camera axes, relative to its centre.
    terms: [..., 4] or [..., 9], broadcast against them.

  Returns:
    xy: [..., 2], normalised coordinates; meaningless where not seen.
    seen: bool [...], False behind the camera (a fisheye: never) and beyond
      what the lens can show.
  """
  if terms.shape[-1] == 4:
    return _project_opencv(points, terms)
  rational, equidistant, is_fisheye = _split(terms)
  straight, straight_seen = _project_opencv(points, rational)
  offset = points[..., :2] * jnp.array([1.0, -1.0])
  across = jnp.sqrt(jnp.sum(offset**2, axis=-1) + _TINY)
  theta = jnp.arctan2(across, -points[..., 2])
  bent_seen = theta < fisheye.largest_angle(equidistant)
  radius = fisheye.distort(jnp.where(bent_seen, theta, 0.0), equidistant)
  bent = offset * (radius / across)[..., None]
  return (
    jnp.where(is_fisheye, bent, straight),
    jnp.where(is_fisheye[..., 0], bent_seen, straight_seen),
  )


def _split(terms):
  """Returns terms of the rational model and of the fisheye, and which is meant.

  The terms of the one that is not meant are zeros, so that nothing infinite
  comes of it.
  """
  is_fisheye = terms[..., 8:] > 0.5
  rational = jnp.where(is_fisheye, 0.0, terms[..., :8])
  equidistant = jnp.where(is_fisheye, terms[..., :4], 0.0)
  return rational, equidistant, is_fisheye


def _in_front(ideal):
  """Returns the directions [..., 3] of ideal normalised coordinates."""
  return jnp.stack(
    [ideal[..., 0], -ideal[..., 1], -jnp.ones_like(ideal[..., 0])], axis=-1
  )


def _project_opencv(points, terms):
  z = -points[..., 2]
  in_front = z > 1e-6
  safe = jnp.where(in_front, z, 1.0)
  ideal = jnp.stack([points[..., 0], -points[..., 1]], axis=-1)
  ideal = ideal / safe[..., None]
  limit = opencv.valid_radius_squared(terms)
  seen = in_front & (jnp.sum(ideal**2, axis=-1) < limit)
  return opencv.distort(jnp.where(seen[..., None], ideal, 0.0), terms), seen
