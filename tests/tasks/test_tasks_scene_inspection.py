"""Verdicts on exact poses of smooth pictures, whose geometry is a sphere."""

import dataclasses

import numpy as np
import pytest

from stylized_nerf_jax.scenes import pose_geometry
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.tasks import scene_inspection

_SIZE, _FOCAL, _RADIUS = (64, 48), 60.0, 4.0


pytestmark = pytest.mark.usefixtures("optimised_sweep")


def _photograph(pose: np.ndarray, frequency: float) -> np.ndarray:
  """Looks from inside of it at a sphere with waves on it: [H, W, 3]."""
  rng = np.random.default_rng(0)
  waves, phases = rng.normal(size=(3, 8)) * frequency, rng.uniform(0, 6, 8)
  x, y = np.meshgrid(*(np.arange(side) + 0.5 - side / 2 for side in _SIZE))
  rays = np.stack([x, -y, np.full_like(x, -_FOCAL)], -1) @ pose[:3, :3].T
  rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
  center = pose[:3, 3]
  along = rays @ center
  t = -along + np.sqrt(along**2 - center @ center + _RADIUS**2)
  value = np.sin((center + t[..., None] * rays) @ waves + phases).mean(-1)
  return np.repeat(0.5 + value[..., None], 3, axis=-1).astype(np.float32)


def _scene(frequency: float, noise: float = 0.0) -> scene_lib.Scene:
  rng = np.random.default_rng(2)
  grain = rng.normal(size=(24, *_SIZE[::-1], 1)) * noise
  angles = np.arange(24) * 2 * np.pi / 24
  centers = np.stack([np.cos(angles), np.sin(angles), 0.3 + 0 * angles], -1)
  poses = [
    pose_geometry.look_along(center, np.array([0, 0, 1.0]), center)
    for center in 1.5 * centers
  ]
  focal = (_FOCAL, _FOCAL, _SIZE[0] / 2, _SIZE[1] / 2)
  return scene_lib.Scene(
    name="sphere",
    format="transforms",
    path="",
    cameras=scene_lib.Cameras.from_list(
      [scene_lib.Camera(pose, *focal, *_SIZE, name="") for pose in poses]
    ),
    images=[
      _photograph(pose, frequency) + grain[i].astype(np.float32)
      for i, pose in enumerate(poses)
    ],
    masks=None,
    alphas=None,
    depths=None,
    layout="unbounded",
    near=0.5,
    far=50.0,
    bounding_box=None,
    splits={"train": tuple(range(24)), "test": ()},
  )


def _shuffled(scene: scene_lib.Scene) -> scene_lib.Scene:
  order = np.random.default_rng(1).permutation(len(scene))
  poses = scene.cameras.camera_to_world[order]
  cameras = dataclasses.replace(scene.cameras, camera_to_world=poses)
  return dataclasses.replace(scene, cameras=cameras)


@pytest.mark.parametrize(
  ("frequency", "noise", "shuffled"),
  [(4.0, 0.0, False), (2.0, 0.04, False), (2.0, 0.0, None)],
)
def test_exact_poses_are_good_however_smooth_the_pictures(
  frequency, noise, shuffled
):
  scene = _scene(frequency, noise)
  found = scene_inspection.check(scene)[-1]
  assert found.name == "agreement" and found.passed is True, found
  found = scene_inspection.check(_shuffled(scene))[-1]
  assert found.passed is shuffled, found


def test_pictures_that_match_anywhere_tell_nothing():
  scene = _scene(4.0)
  ramp = np.linspace(0, 1, _SIZE[0], dtype=np.float32)[:, None]
  ramp = np.broadcast_to(ramp, (*_SIZE[::-1], 3))
  found = scene_inspection.check(dataclasses.replace(scene, images=[ramp] * 24))
  assert [one.passed for one in found] == [True, True, None], found
  flat = np.full_like(ramp, 0.5)
  found = scene_inspection.check(dataclasses.replace(scene, images=[flat] * 24))
  assert found[-1].passed is None and "no texture" in found[-1].found
