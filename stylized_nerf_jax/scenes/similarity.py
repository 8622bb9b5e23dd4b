"""Similarities of space: a rotation, a scale and a translation."""

import dataclasses

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib


@dataclasses.dataclass(frozen=True, eq=False)
class Similarity:
  """x -> scale * (rotation x) + translation.

  Attributes:
    scale: positive.
    rotation: [3, 3].
    translation: [3].
  """

  scale: float
  rotation: np.ndarray
  translation: np.ndarray

  def points(self, points: np.ndarray) -> np.ndarray:
    """Maps points: [..., 3]."""
    return self.scale * points @ self.rotation.T + self.translation

  def cameras(self, cameras: camera_lib.Cameras) -> camera_lib.Cameras:
    """Maps cameras; their rotations stay rotations."""
    poses = np.tile(np.eye(4), (len(cameras), 1, 1))
    poses[:, :3, :3] = self.rotation @ cameras.camera_to_world[:, :3, :3]
    poses[:, :3, 3] = self.points(cameras.centers)
    return dataclasses.replace(cameras, camera_to_world=poses)
