"""The embedded scene as exact answers have it: nothing is trained."""

import numpy as np
import pytest

from stylized_nerf_jax.regions import surfaces
from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.scenes.synthetic import embedded, plaza


@pytest.fixture(scope="session")
def plaza_views() -> list[surfaces.View]:
  """Twelve views around the plaza, 96 pixels wide."""
  scene = embedded.make_scene(num_train=12, num_test=0, width=96, height=72)
  return [
    surfaces.View(camera, image, depth)
    for camera, image, depth in zip(scene.cameras, scene.images, scene.depths)
  ]


@pytest.fixture(scope="session")
def plaza_nodes(plaza_views) -> surfaces.Nodes:
  scene = embedded.make_scene(num_train=12, num_test=0, width=96, height=72)
  return surfaces.find(plaza_views, normalization.normalize_scene(scene))


@pytest.fixture(scope="session")
def belongs(plaza_views, plaza_nodes):
  """Tells which nodes lie on an object: (name) -> bool [M]."""

  def of(name: str) -> np.ndarray:
    masks = [
      plaza.object_mask(view.camera, name)[chosen]
      for view, chosen in zip(plaza_views, plaza_nodes.pixels)
    ]
    return plaza_nodes.mean(np.concatenate(masks).astype(float)) > 0.5

  return of
