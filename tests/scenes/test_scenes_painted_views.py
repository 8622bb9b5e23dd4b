"""Which views of a large capture are painted: limits, spread, and all of it."""

import dataclasses

import numpy as np
import pytest

from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes.selection import painted_views
from stylized_nerf_jax.scenes.synthetic import embedded


def _ring(count, width, height):
  """Cameras on a circle that look at its middle, in disorder."""
  order = np.random.default_rng(0).permutation(count)
  cameras = []
  for i in order:
    angle = 2 * np.pi * i / count
    center = np.array([np.cos(angle), np.sin(angle), 0.3])
    cameras.append(
      cameras_lib.Camera(
        camera_to_world=embedded.look_at(center, np.zeros(3)),
        fl_x=1.2 * width,
        fl_y=1.1 * width,
        cx=width / 2 + 3.0,
        cy=height / 2,
        width=width,
        height=height,
        name=f"{i:03d}.jpg",
      )
    )
  return cameras_lib.Cameras.from_list(cameras)


def test_a_small_capture_is_painted_whole():
  train = _ring(12, 400, 300)
  for most in (0, 12 * 400 * 300, 10**9):
    assert painted_views.cameras_of(train, most) is train
    assert painted_views.in_words(train, train) is None


def test_large_views_are_halved_before_any_is_left_out():
  train = _ring(300, 1920, 1080)
  found = painted_views.cameras_of(train, 40_000_000)
  # 77 of 960 x 540: 64 would do, so they are not made smaller still.
  assert len(found) == 77 and set(found.width) == {960}
  assert np.sum(found.width * found.height) <= 40_000_000
  first = train[train.names.index(found.names[0])]
  assert found[0].fl_x == pytest.approx(first.fl_x / 2)
  assert found[0].cx == pytest.approx(first.cx / 2)
  assert "see 77 of 300 training views" in painted_views.in_words(train, found)


def test_views_are_in_their_order_and_evenly_around():
  train = _ring(200, 640, 480)
  found = painted_views.cameras_of(train, 25 * 640 * 480)
  assert len(found) == 25
  places = [train.names.index(name) for name in found.names]
  assert places == sorted(places)
  angles = np.sort([int(name[:3]) * 360 / 200 for name in found.names])
  gaps = np.diff([*angles, angles[0] + 360])
  assert gaps.max() <= 2.0 * 360 / 25


def test_the_smallest_side_and_one_view_at_least():
  train = _ring(100, 500, 400)
  found = painted_views.cameras_of(train, 10)
  assert len(found) == 1 and found.height[0] == 400


def test_spread_out_is_the_greedy_order():
  train = _ring(15, 64, 48)
  order = painted_views.spread_out(train)
  assert sorted(order) == list(range(15))
  centers, facing = train.centers, train.view_directions
  size = 2 * np.linalg.norm(centers - centers.mean(0), axis=-1).max()

  def apart(a, b):
    return (
      np.linalg.norm(centers[a] - centers[b]) / size
      + 1
      - (facing[a] @ facing[b])
    )

  for k in range(1, 15):
    nearest = {
      v: min(apart(v, seen) for seen in order[:k])
      for v in range(15)
      if v not in order[:k]
    }
    assert nearest[order[k]] == pytest.approx(max(nearest.values()), abs=1e-9)


def test_cameras_that_turn_on_the_spot_differ_by_direction():
  train = _ring(40, 64, 48)
  still = dataclasses.replace(
    train, camera_to_world=train.camera_to_world.copy()
  )
  still.camera_to_world[:, :3, 3] = 0.0
  places = painted_views.spread_out(still)[:4]
  angles = np.sort([int(still.names[i][:3]) * 9 for i in places])
  assert np.diff([*angles, angles[0] + 360]).max() <= 180
