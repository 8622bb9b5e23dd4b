"""The picture of a scene's cameras: what is drawn, and where."""

import dataclasses

import numpy as np

from stylized_nerf_jax.outputs import scene_plan
from stylized_nerf_jax.scenes import synthetic


def test_cameras_of_each_split_and_an_image_of_it():
  scene = synthetic.make_scene(num_train=6, num_test=2, width=32, height=24)
  picture = scene_plan.draw_scene(scene)
  assert picture.dtype == np.uint8 and picture.shape[1] == 840
  plans = picture[:420]
  for name, colour in (("train", (43, 101, 161)), ("test", (214, 92, 60))):
    drawn = (plans == colour).all(axis=-1)
    # Seen from above, most dots lie apart; each has some 30 pixels.
    assert drawn[:, :420].sum() > 20 * len(scene.splits[name])
    assert drawn[:, 420:].any()
  assert (picture[420:] < 250).any()


def test_a_dot_lies_where_its_camera_stands():
  scene = synthetic.make_scene(num_train=4, num_test=0, width=32, height=24)
  cameras = scene.cameras
  poses = np.tile(np.eye(4), (4, 1, 1))
  # Up is +z, and all look along +y from the corners of a square.
  poses[:, :3, :3] = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
  poses[:, :2, 3] = [[0, 0], [2, 0], [0, 2], [2, 2]]
  cameras = dataclasses.replace(cameras, camera_to_world=poses)
  scene = dataclasses.replace(scene, cameras=cameras)
  above = scene_plan.draw_scene(scene)[:420, :420]
  for x, y in ((40, 380), (380, 380), (40, 40), (380, 40)):
    np.testing.assert_array_equal(above[y, x], (43, 101, 161))
  # The lines point away: upwards in the picture.
  assert (above[50:60, 375:386] == 255).all()
  assert (above[350:360, 375:386] != 255).any()


def test_a_scene_of_one_camera_has_a_picture():
  scene = synthetic.make_scene(num_train=1, num_test=0, width=32, height=24)
  assert scene_plan.draw_scene(scene).shape[1] == 840
