"""The picture of a scene's cameras: what is drawn, and where."""

import dataclasses

import numpy as np

from stylized_nerf_jax.outputs import scene_plan
from stylized_nerf_jax.scenes.synthetic import embedded


def test_cameras_of_each_split_and_an_image_of_it():
  scene = embedded.make_scene(num_train=6, num_test=2, width=32, height=24)
  picture = scene_plan.draw_scene(scene)
  assert picture.dtype == np.uint8 and picture.shape[1] == 840
  plans = picture[:420]
  for name, colour in (("train", (43, 101, 161)), ("test", (214, 92, 60))):
    drawn = (plans == colour).all(axis=-1)
    # Seen from above, most dots lie apart; each has some 30 pixels.
    assert drawn[:, :420].sum() > 20 * len(scene.splits[name])
    assert drawn[:, 420:].any()
  assert (picture[420:] < 250).any()


def test_dots_lie_where_cameras_stand():
  scene = embedded.make_scene(num_train=4, num_test=0, width=32, height=24)
  cameras = scene.cameras
  poses = np.tile(np.eye(4), (4, 1, 1))
  # Up is +z, and all look along -x from the corners of a square.
  poses[:, :3, :3] = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
  poses[:, :2, 3] = [[0, 0], [0, 2], [-2, 0], [-2, 3]]
  cameras = dataclasses.replace(cameras, camera_to_world=poses)
  scene = dataclasses.replace(scene, cameras=cameras)
  above, aside = np.hsplit(scene_plan.draw_scene(scene)[:420], 2)
  # +y is to the right, and what is looked at is up.
  for y, into in ((0, 0), (2, 0), (0, 2), (3, 2)):
    column = round(40 + 340 * y / 3)
    row = round(210 - (into - 1) * 340 / 3)
    np.testing.assert_array_equal(above[row, column], (43, 101, 161))
    # The line points away: upwards in the plan, to the right from the side.
    assert (above[row - 20, column - 3 : column + 4] != 255).any()
  assert (aside[205:216, 380 + 10 : 380 + 30] != 255).any()


def test_a_scene_of_one_camera_has_a_picture():
  scene = embedded.make_scene(num_train=1, num_test=0, width=32, height=24)
  assert scene_plan.draw_scene(scene).shape[1] == 840


def test_points_are_grey_and_lie_where_they_are():
  scene = embedded.make_scene(num_train=4, num_test=0, width=32, height=24)
  poses = np.tile(np.eye(4), (4, 1, 1))
  # Up is +z, and all look along -x, as above.
  poses[:, :3, :3] = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
  poses[:, :2, 3] = [[0, 0], [0, 2], [-2, 0], [-2, 3]]
  cameras = dataclasses.replace(scene.cameras, camera_to_world=poses)
  scene = dataclasses.replace(scene, cameras=cameras)
  cloud = np.array([[-1.0, 1.0, 0.0], [-1.0, 2.5, 1.0], [-0.5, 1.0, -1.0]])
  cloud = np.repeat(cloud, 40, axis=0)
  grey = (150, 150, 150)
  above, aside = np.hsplit(scene_plan.draw_scene(scene, cloud)[:420], 2)
  for x, y, _ in cloud:
    row, column = round(210 - (-x - 1) * 340 / 3), round(40 + 340 * y / 3)
    near = above[row - 2 : row + 3, column - 2 : column + 3]
    assert (near == grey).all(axis=-1).any()
  # One of the three lies behind a camera's line.
  assert (aside == grey).all(axis=-1).sum() >= 2
  # A point at the end of the world does not shrink the rest.
  stray = np.concatenate([cloud, [[1e6, 1e6, 1e6]]])
  np.testing.assert_array_equal(
    scene_plan.draw_scene(scene, stray)[:420], np.hstack([above, aside])
  )
  none = scene_plan.draw_scene(scene, np.zeros((0, 3)))
  np.testing.assert_array_equal(none, scene_plan.draw_scene(scene))
