"""Model frames: NeRF's numbers by plain loops, exact round trips, boxes."""

import dataclasses
import json

import numpy as np
import pytest

from stylized_nerf_jax.scenes import normalization as normalization_lib
from stylized_nerf_jax.scenes.cameras import Camera, Cameras
from stylized_nerf_jax.scenes.readers.formats import load_scene
from stylized_nerf_jax.scenes.scene import Scene


def _scene(poses, **changes):
  cameras = Cameras.from_list([Camera(p, 20, 20, 8, 6, 16, 12) for p in poses])
  fields = {
    "name": "tiny",
    "format": "synthetic",
    "path": "",
    "cameras": cameras,
    "images": [None] * len(cameras),
    "masks": None,
    "alphas": None,
    "depths": None,
    "layout": "forward_facing",
    "near": 2.0,
    "far": 10.0,
    "bounding_box": None,
    "splits": {"train": tuple(range(len(cameras)))},
  }
  return Scene(**{**fields, **changes})


def _facing_poses(count=5, seed=0):
  """Poses that look roughly along -z, from a wall of centres."""
  rng = np.random.default_rng(seed)
  poses = np.tile(np.eye(4), (count, 1, 1))
  for pose in poses:
    skew = np.zeros((3, 3))
    skew[np.triu_indices(3, 1)] = 0.1 * rng.normal(size=3)
    pose[:3, :3] = np.linalg.qr(np.eye(3) + skew - skew.T)[0]
    pose[:3, :3] *= np.sign(np.diag(pose[:3, :3]))
    pose[:3, 3] = rng.uniform(-0.3, 0.3, 3) + [5, 1, -2]
  return poses


def _round_poses(look_at_origin, count=8):
  return np.stack(
    [look_at_origin(2 * np.pi * i / count, 0.4) for i in range(count)]
  )


def test_recentring_equals_a_plain_loop():
  poses = _facing_poses()
  scene = _scene(poses)
  normalization = normalization_lib.normalize_scene(scene)
  # NeRF: scale translations by 1 / (0.75 near), then apply the inverse of the
  # average pose to every pose.
  factor = 1 / (2.0 * 0.75)
  assert normalization.scale == pytest.approx(factor)
  scaled = []
  for pose in poses:
    copy = pose.copy()
    for i in range(3):
      copy[i, 3] *= factor
    scaled.append(copy)
  z = sum(pose[:3, 2] for pose in scaled)
  z = z / np.sqrt(sum(v * v for v in z))
  x = np.cross(sum(pose[:3, 1] for pose in scaled), z)
  x = x / np.sqrt(sum(v * v for v in x))
  average = np.eye(4)
  average[:3] = np.stack(
    [x, np.cross(z, x), z, sum(p[:3, 3] for p in scaled) / len(poses)], -1
  )
  actual = normalization.cameras_to_model(scene.cameras)
  for pose, recentred in zip(scaled, actual, strict=True):
    expected = np.linalg.inv(average) @ pose
    np.testing.assert_allclose(recentred, expected[:3], atol=1e-12)


def test_ndc_space_holds_the_frusta_and_no_more():
  scene = _scene(_facing_poses())
  normalization = normalization_lib.normalize_scene(scene)
  space = normalization.space
  assert (space.kind, space.near, space.far) == ("ndc", 0.0, 1.0)
  assert space.half_width == pytest.approx(16 / 40)
  assert space.half_height == pytest.approx(12 / 40)
  poses = normalization.cameras_to_model(scene.cameras)
  points = []
  for pose in poses:
    for x in np.linspace(0, 16, 5):
      for y in np.linspace(0, 12, 5):
        ray = pose[:, :3] @ [(x - 8) / 20, -(y - 6) / 20, -1]
        for z in (-1, -1.5, -3, -1e9):
          point = pose[:, 3] + ray * (z - pose[2, 3]) / ray[2]
          points.append(
            [
              point[0] / (-z * space.half_width),
              point[1] / (-z * space.half_height),
              1 + 2 / z,
            ]
          )
  np.testing.assert_allclose(np.min(points, axis=0), space.lower, atol=1e-6)
  np.testing.assert_allclose(np.max(points, axis=0), space.upper, atol=1e-6)


def test_a_given_box_keeps_the_coordinates(look_at_origin):
  box = ((-1.5,) * 3, (1.5,) * 3)
  scene = _scene(
    _round_poses(look_at_origin), layout="bounded", bounding_box=box
  )
  normalization = normalization_lib.normalize_scene(scene)
  np.testing.assert_array_equal(normalization.world_to_model, np.eye(4))
  space = normalization.space
  assert (space.kind, space.near, space.far) == ("box", 2, 10)
  assert (space.lower, space.upper) == box


def test_all_round_scenes_are_spherified(look_at_origin):
  poses = _round_poses(look_at_origin)
  poses[:, :3, 3] += [3, -1, 2]
  scene = _scene(poses, layout="bounded", format="llff", near=2.0, far=5.0)
  normalization = normalization_lib.normalize_scene(scene)
  space = normalization.space
  assert space.kind == "box"
  # All cameras are 4 away from (3, -1, 2), which comes to the origin.
  assert normalization.scale == pytest.approx(1 / 4)
  np.testing.assert_allclose(
    normalization.points_to_model(np.array([3.0, -1.0, 2.0])), 0, atol=1e-9
  )
  assert space.near == pytest.approx(0.9 * 2 / 4)
  assert space.far == pytest.approx(5 / 4)
  # Whatever lies between the bounds on an optical axis is in the box.
  model = normalization.cameras_to_model(scene.cameras)
  for t in (space.near, space.far):
    points = model[:, :, 3] - t * model[:, :, 2]
    assert (points >= np.array(space.lower) - 1e-9).all()
    assert (points <= np.array(space.upper) + 1e-9).all()


def test_unbounded_scenes_are_contracted_around_the_focus(look_at_origin):
  tilt = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
  poses = np.stack([look_at_origin(a, 0.3, 2.0 + 0.25 * a) for a in range(7)])
  poses[:, :3, :4] = tilt @ poses[:, :3, :4]
  poses[:, :3, 3] += [3, -1, 2]
  scene = _scene(poses, layout="unbounded", near=0.1, far=100.0)
  normalization = normalization_lib.normalize_scene(scene)
  space = normalization.space
  assert space.kind == "contracted"
  assert (space.lower, space.upper) == ((-2.0,) * 3, (2.0,) * 3)
  centers = normalization.points_to_model(scene.cameras.centers)
  assert np.linalg.norm(centers, axis=-1).max() == pytest.approx(1)
  np.testing.assert_allclose(
    normalization.points_to_model(np.array([3.0, -1.0, 2.0])), 0, atol=1e-9
  )
  assert space.near == pytest.approx(0.1 * normalization.scale)
  assert space.far == pytest.approx(100 * normalization.scale)
  ups = normalization.cameras_to_model(scene.cameras)[:, :, 1].mean(axis=0)
  np.testing.assert_allclose(ups / np.linalg.norm(ups), [0, 0, 1], atol=1e-9)


def test_one_camera_and_turning_cameras_have_a_frame(look_at_origin):
  one = look_at_origin(0.3)[None]
  turning = _round_poses(look_at_origin)
  turning[:, :3, 3] = [1, 2, 3]
  for poses in (one, turning):
    scene = _scene(poses, layout="unbounded")
    for space in ("contracted", "box"):
      normalization = normalization_lib.normalize_scene(scene, space=space)
      assert np.isfinite(normalization.world_to_model).all()
      assert 0 < normalization.space.near < normalization.space.far


def test_the_space_can_be_chosen(look_at_origin):
  facing = _scene(_facing_poses())
  for kind in ("ndc", "box", "contracted"):
    normalization = normalization_lib.normalize_scene(facing, space=kind)
    assert normalization.space.kind == kind
  around = _scene(_round_poses(look_at_origin), layout="unbounded")
  assert normalization_lib.normalize_scene(around, space="box").space.lower == (
    -1.0,
    -1.0,
    -1.0,
  )
  with pytest.raises(ValueError, match='"ndc" but its cameras'):
    normalization_lib.normalize_scene(around, space="ndc")
  with pytest.raises(ValueError, match="'cube'; expected one of auto, ndc"):
    normalization_lib.normalize_scene(around, space="cube")


def test_a_camera_beyond_the_near_plane_rules_ndc_out():
  poses = _facing_poses()
  poses[0, 2, 3] -= 5
  scene = _scene(poses)
  normalization = normalization_lib.normalize_scene(scene)
  assert normalization.space.kind == "contracted"
  with pytest.raises(ValueError, match='use "auto"'):
    normalization_lib.normalize_scene(scene, space="ndc")


@pytest.mark.parametrize("kind", ["ndc", "box", "contracted"])
def test_round_trips_are_exact(kind):
  scene = _scene(_facing_poses())
  normalization = normalization_lib.normalize_scene(scene, space=kind)
  again = normalization_lib.Normalization.from_dict(
    json.loads(json.dumps(normalization.to_dict()))
  )
  assert again.space == normalization.space
  assert hash(again.space) == hash(normalization.space)
  assert again.scale == normalization.scale
  np.testing.assert_array_equal(
    again.world_to_model, normalization.world_to_model
  )
  points = np.random.default_rng(1).normal(size=(4, 5, 3)) * 10
  back = normalization.points_to_file(normalization.points_to_model(points))
  np.testing.assert_allclose(back, points, atol=1e-12)
  model = normalization.cameras_to_model(scene.cameras)
  np.testing.assert_allclose(
    normalization.cameras_to_file(model),
    scene.cameras.camera_to_world,
    atol=1e-12,
  )
  rotations = model[:, :, :3]
  np.testing.assert_allclose(
    rotations @ np.swapaxes(rotations, 1, 2),
    np.broadcast_to(np.eye(3), rotations.shape),
    atol=1e-12,
  )


def test_the_frame_does_not_depend_on_a_shift_of_the_file():
  """A rigid motion of the whole capture leaves the model frame as it is."""
  scene = _scene(_facing_poses())
  motion = np.eye(4)
  motion[:3, :3] = [[0, -1, 0], [0, 0, -1], [1, 0, 0]]
  motion[:3, 3] = [4, 5, 6]
  moved = dataclasses.replace(
    scene,
    cameras=dataclasses.replace(
      scene.cameras, camera_to_world=motion @ scene.cameras.camera_to_world
    ),
  )
  first, second = (
    normalization_lib.normalize_scene(s).cameras_to_model(s.cameras)
    for s in (scene, moved)
  )
  np.testing.assert_allclose(first, second, atol=1e-12)


@pytest.mark.real_data
@pytest.mark.parametrize(
  ("name", "kind"), [("fern", "ndc"), ("fox", "contracted"), ("lego", "box")]
)
def test_real_scenes(real_data, name, kind):
  scene = load_scene(real_data / "scenes" / name, downsample=8)
  normalization = normalization_lib.normalize_scene(scene)
  assert normalization.space.kind == kind
  model = normalization.cameras_to_model(scene.cameras)
  np.testing.assert_allclose(
    normalization.cameras_to_file(model),
    scene.cameras.camera_to_world,
    atol=1e-9,
  )
  if kind == "contracted":
    assert normalization.space.near == pytest.approx(0.05)


def test_planes_leave_the_file_frame_and_hold_all_rays():
  poses = _facing_poses()
  scene = _scene(poses, layout="bounded")
  found = normalization_lib.normalize_scene(scene, space="planes")
  np.testing.assert_array_equal(found.world_to_model, np.eye(4))
  assert (found.scale, found.space.kind) == (1.0, "planes")
  assert (found.space.near, found.space.far) == (2.0, 10.0)
  ends = []
  for pose in poses:
    for x, y in ((-8, -6), (-8, 6), (8, -6), (8, 6)):
      for depth in (2.0, 10.0):
        local = depth * np.array([x / 20, y / 20, -1.0])
        ends.append(pose[:3, :3] @ local + pose[:3, 3])
  np.testing.assert_allclose(found.space.lower, np.min(ends, axis=0))
  np.testing.assert_allclose(found.space.upper, np.max(ends, axis=0))
  boxed = _scene(poses, layout="bounded", bounding_box=((0,) * 3, (1,) * 3))
  space = normalization_lib.normalize_scene(boxed, space="planes").space
  assert (space.lower, space.upper) == ((0.0,) * 3, (1.0,) * 3)
