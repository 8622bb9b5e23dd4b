"""How many splats a scene gets, and how long they are fitted."""

import dataclasses
import types

import numpy as np
import pytest

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.tasks import splat_making


def _seen(count, width, height):
  camera = types.SimpleNamespace(width=width, height=height)
  return splat_making.Seen([camera] * count, [])


def _neighbours(centers):
  """Pairs of a camera and one of its three nearest."""
  pairs = set()
  for i, center in enumerate(centers):
    others = [j for j in range(len(centers)) if j != i]
    others.sort(key=lambda j: np.linalg.norm(centers[j] - center))
    pairs |= {(min(i, j), max(i, j)) for j in others[:3]}
  return pairs


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
  own = list(model.scene.split("train"))
  between = seen.cameras[len(own) :]
  assert len(between) == seen.between > len(own)
  pairs = _neighbours([camera.camera_to_world[:3, 3] for camera in own])
  assert len(pairs) == len(between)
  for camera, (i, j) in zip(between, sorted(pairs)):
    first, second = own[i], own[j]
    np.testing.assert_allclose(
      camera.camera_to_world[:3, 3],
      (first.camera_to_world[:3, 3] + second.camera_to_world[:3, 3]) / 2,
    )
    rotation = camera.camera_to_world[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    aways = [
      np.arccos(np.trace(rotation.T @ one.camera_to_world[:3, :3]) / 2 - 0.5)
      for one in (first, second)
    ]
    assert aways[0] == pytest.approx(aways[1], rel=1e-3) and aways[0] > 0.01
  own_pixels = sum(camera.width * camera.height for camera in own)
  of_between = sum(camera.width * camera.height for camera in between)
  pixels = own_pixels + of_between // 2
  many = splat_making.seeds(model, seen, splat_making.MOST_SPLATS)
  assert len(many.seeds.splats.means) == pixels // 20
  few = splat_making.seeds(model, seen, 50)
  assert len(few.seeds.splats.means) == 50
  # Each begins with the mean colour of its own pixels.
  assert not splat_making._between(own[:1])
  # What looks the other way is no neighbour.
  turned = own[1].camera_to_world @ np.diag([-1.0, 1.0, -1.0, 1.0])
  back = dataclasses.replace(own[1], camera_to_world=turned)
  assert not splat_making._between([own[0], back])
  pictures = [
    np.full((*traced.packed.shape[:2], 3), 51, np.uint8)
    for traced in seen.traced
  ]
  np.testing.assert_allclose(few.colors(pictures), 0.2, atol=1e-6)
