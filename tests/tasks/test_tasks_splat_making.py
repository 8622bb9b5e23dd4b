"""How many splats a scene gets, and how long they are fitted."""

import types

import numpy as np
import pytest

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.tasks import splat_making


def _seen(count, width, height):
  camera = types.SimpleNamespace(width=width, height=height)
  return splat_making.Seen([camera] * count, [])


@pytest.mark.parametrize(
  ("views", "rounds"),
  [
    ((24, 160, 120), 24.0),  # The embedded scene: 0.46 million pixels.
    ((20, 300, 200), 10.0),
    ((17, 504, 378), 8.0),  # fern
  ],
)
def test_small_views_are_drawn_more_often(views, rounds):
  assert splat_making._rounds(_seen(*views)) == rounds


def test_splats_are_few_enough_for_small_pictures(finished_run):
  model = model_lib.StylizedNerf.load(finished_run)
  seen = splat_making.see(model)
  assert all(isinstance(c, cameras_lib.Camera) for c in seen.cameras)
  pixels = sum(camera.width * camera.height for camera in seen.cameras)
  many = splat_making.seeds(model, seen, splat_making.MOST_SPLATS)
  assert len(many.seeds.splats.means) == pixels // 20
  few = splat_making.seeds(model, seen, 50)
  assert len(few.seeds.splats.means) == 50
  # Each begins with the mean colour of its own pixels.
  pictures = [
    np.full((*traced.packed.shape[:2], 3), 51, np.uint8)
    for traced in seen.traced
  ]
  np.testing.assert_allclose(few.colors(pictures), 0.2, atol=1e-6)
