"""How far two estimates of the same cameras differ, whatever their frames.

Structure from motion leaves its world's rotation, place and size open. The
similarity between two estimates is fitted to the camera centres in the
least-squares sense (Umeyama 1991); what is left are errors. numpy only.
"""

import dataclasses

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import similarity

# Centres whose second extent is a smaller share of the first lie on a line.
_LINE = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class PoseErrors:
  """Errors of V cameras after alignment.

  Attributes:
    rotations: [V] degrees between a camera and its reference.
    centers: [V] distances of the centres, as a share of `extent`.
    extent: largest distance between two reference centres, reference units.
    alignment: the similarity that was applied.
  """

  rotations: np.ndarray
  centers: np.ndarray
  extent: float
  alignment: similarity.Similarity


def align_points(
  points: np.ndarray, reference: np.ndarray
) -> similarity.Similarity:
  """Fits the similarity from points to others, least squares.

  Args:
    points: [P, 3], at least three, not on one line.
    reference: [P, 3], where they should be.

  Raises:
    ValueError: the points are too few, coincide or lie on a line, which
      leaves the rotation open.
  """
  mean, target = points.mean(axis=0), reference.mean(axis=0)
  spread = np.linalg.svd(points - mean, compute_uv=False)
  if len(points) < 3 or not spread[1] > _LINE * spread[0]:
    raise user_error.UserError(
      f"{len(points)} points that lie on a line; expected three or more that "
      "do not: they leave the rotation of the alignment open"
    )
  covariance = (reference - target).T @ (points - mean) / len(points)
  left, values, right = np.linalg.svd(covariance)
  signs = np.ones(3)
  signs[2] = np.sign(np.linalg.det(left) * np.linalg.det(right))
  rotation = left * signs @ right
  variance = ((points - mean) ** 2).sum(axis=1).mean()
  scale = float(values @ signs / variance)
  return similarity.Similarity(
    scale, rotation, target - scale * rotation @ mean
  )


def compare(
  cameras: camera_lib.Cameras, reference: camera_lib.Cameras
) -> PoseErrors:
  """Aligns cameras with their references, row by row, and measures.

  Raises:
    ValueError: the numbers differ, or the centres leave the alignment open.
  """
  if len(cameras) != len(reference):
    raise user_error.UserError(
      f"{len(cameras)} cameras and {len(reference)} references; expected as "
      "many of one as of the other"
    )
  alignment = align_points(cameras.centers, reference.centers)
  aligned = alignment.cameras(cameras)
  relative = np.einsum(
    "vji,vjk->vik",
    aligned.camera_to_world[:, :3, :3],
    reference.camera_to_world[:, :3, :3],
  )
  # The norm is accurate for small angles, where the trace's arccosine is not.
  chord = np.linalg.norm(relative - np.eye(3), axis=(1, 2)) / np.sqrt(8)
  angles = np.degrees(2 * np.arcsin(np.minimum(chord, 1)))
  centers = reference.centers
  extent = np.linalg.norm(centers[:, None] - centers, axis=-1).max()
  offsets = np.linalg.norm(aligned.centers - centers, axis=-1)
  return PoseErrors(angles, offsets / extent, float(extent), alignment)
