"""Do views agree under their poses? A plane sweep without any training.

Every pixel of a view is taken to lie at each of many distances in turn and
looked up in a neighbour. At its true distance, and under true poses, its
surroundings look there as they do here; the best normalised correlation over
all distances says how well they can be made to. Wrong poses leave what chance
gives, which is what the same sweep over exchanged pictures measures.
"""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import warping
from stylized_nerf_jax.scenes import cameras as camera_lib

_PLANES = 32
_WINDOW = 7  # pixels, a side
# What varies less than this around a pixel, in [0, 1], is not compared.
_TEXTURE = 0.02
# A pair that shares less of its texture says nothing for its poses.
_LEAST_OVERLAP = 0.15
# Surfaces are expected to be this many baselines away, or more.
_BASELINES = 1.5


def score_pairs(
  pictures: Mapping[int, np.ndarray],
  cameras: camera_lib.Cameras,
  pairs: Sequence[tuple[int, int]],
  *,
  near: float,
  far: float,
) -> np.ndarray:
  """Scores pairs of views.

  Args:
    pictures: of views by index: [H, W], grey, in [0, 1], small: 80 pixels a
      side will do.
    cameras: V, at the size of the pictures, file frame; they may mirror space.
    pairs: (view, neighbour) indices, P of them.
    near: of the scene, file units.
    far: likewise.

  Returns:
    [P], mean best correlation over the textured pixels that both views show,
    in [0, 1]; 0 where they share too few.
  """
  scores = []
  for view, other in pairs:
    baseline = np.linalg.norm(cameras.centers[view] - cameras.centers[other])
    first = min(max(near, _BASELINES * baseline), 0.5 * far)
    inverse = np.linspace(1 / first, 1 / far, _PLANES)
    score, overlap = _score(
      jnp.asarray(pictures[view], jnp.float32),
      jnp.asarray(pictures[other], jnp.float32),
      rays_lib.camera_arrays(cameras[view : view + 1], None),
      rays_lib.camera_arrays(cameras[other : other + 1], None),
      jnp.asarray(1 / inverse, jnp.float32),
    )
    scores.append(float(score) if overlap >= _LEAST_OVERLAP else 0.0)
  return np.array(scores)


@jax.jit
def _score(picture, other, camera, other_camera, distances):
  """Returns the score of one pair, and which share of its texture is seen."""
  height, width = picture.shape
  xy = rays_lib.pixel_grid(height, width)
  unit = rays_lib.unproject_depth(camera, xy, jnp.ones((height, width)))
  center = camera.camera_to_model[..., :, 3]
  mean, deviation = _statistics(picture)

  def sweep(best, distance):
    points = center + distance * (unit - center)
    found_at, _ = rays_lib.project(points, other_camera)
    warped, inside = _sample(other, found_at)
    other_mean, other_deviation = _statistics(warped)
    whole = _window_mean(inside.astype(jnp.float32)) > 0.999
    covariance = _window_mean(picture * warped) - mean * other_mean
    spread = deviation * jnp.maximum(other_deviation, 1e-3)
    correlation = covariance / jnp.maximum(spread, 1e-6)
    return jnp.maximum(best, jnp.where(whole, correlation, -1.0)), None

  start = jnp.full((height, width), -1.0)
  best, _ = jax.lax.scan(sweep, start, distances)
  textured = deviation > _TEXTURE
  seen = textured & (best > -1.0)
  count = jnp.sum(seen)
  total = jnp.sum(jnp.where(seen, jnp.clip(best, 0, 1), 0.0))
  return (
    total / jnp.maximum(count, 1),
    count / jnp.maximum(jnp.sum(textured), 1),
  )


def _statistics(picture):
  """Returns mean and standard deviation around every pixel: [H, W]."""
  mean = _window_mean(picture)
  variance = _window_mean(picture**2) - mean**2
  return mean, jnp.sqrt(jnp.maximum(variance, 1e-8))


def _window_mean(values):
  """Returns the mean around every pixel [H, W]; beyond the rim is 0.

  By products with band matrices: XLA's windows are slow on a CPU.
  """
  down, across = (_band(side) for side in values.shape)
  return jnp.linalg.multi_dot(
    [down, values, across], precision=jax.lax.Precision.HIGHEST
  )


def _band(side: int) -> np.ndarray:
  """Returns [side, side]: what makes means of windows along one axis."""
  index = np.arange(side)
  near = np.abs(index[:, None] - index) <= _WINDOW // 2
  return near.astype(np.float32) / _WINDOW


def _sample(picture, xy):
  """Looks pixels up between four others: values [...], inside bool [...]."""
  rows, columns, weights, inside = warping.neighbours(
    xy, *picture.shape, slack=0.0
  )
  return jnp.sum(weights * picture[rows, columns], axis=-1), inside
