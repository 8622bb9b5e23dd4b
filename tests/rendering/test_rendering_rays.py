"""Rays: NDC by plain loops, boxes, depth, and project(unproject) = identity."""

import dataclasses

import jax
import numpy as np
import pytest

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import normalization as normalization_lib
from stylized_nerf_jax.scenes.cameras import Camera, Cameras

# Compiled once a shape: dispatching every small operation takes far longer.
_cast_rays = jax.jit(rays_lib.cast_rays, static_argnums=2)
_to_model = jax.jit(rays_lib.to_model, static_argnums=1)
_euclidean_depth = jax.jit(rays_lib.euclidean_depth, static_argnums=3)
_project = jax.jit(rays_lib.project)
_unproject_depth = jax.jit(rays_lib.unproject_depth)
_pixels = jax.jit(rays_lib.pixel_grid, static_argnums=(0, 1))
_pixel_centers = jax.jit(rays_lib.pixel_centers)
_reaches_box = jax.jit(rays_lib.reaches_box, static_argnums=1)

_FOX = (0.0578421, -0.0805099, -0.000980296, 0.00015575)
_WIDTH, _HEIGHT, _FOCAL = 6, 4, 5.0
_NDC = normalization_lib.RaySpace(
  "ndc",
  0.0,
  1.0,
  _WIDTH / (2 * _FOCAL),
  _HEIGHT / (2 * _FOCAL),
  (-1.0,) * 3,
  (1.0,) * 3,
)
_BOX = normalization_lib.RaySpace(
  "box", 0.5, 6.0, 1.0, 1.0, (-1.0, -1.0, -1.0), (1.0, 1.5, 2.0)
)
_CONTRACTED = dataclasses.replace(_BOX, kind="contracted", near=0.05, far=1e3)


def _pixel_grid(height, width):
  return np.asarray(_pixels(height, width))


def _rotation(seed, amount=0.3):
  skew = np.zeros((3, 3))
  skew[np.triu_indices(3, 1)] = amount * np.random.default_rng(seed).normal(
    size=3
  )
  skew -= skew.T
  # Cayley's transform of a skew matrix is a rotation.
  return np.linalg.solve(np.eye(3) + skew, np.eye(3) - skew)


def _cameras(count=3, distortion=(0, 0, 0, 0), amount=0.3):
  rng = np.random.default_rng(7)
  listed = []
  for i in range(count):
    pose = np.eye(4)
    pose[:3, :3] = _rotation(i, amount)
    pose[:3, 3] = rng.uniform(-0.4, 0.4, 3)
    listed.append(
      Camera(
        pose,
        _FOCAL,
        _FOCAL,
        _WIDTH / 2,
        _HEIGHT / 2,
        _WIDTH,
        _HEIGHT,
        distortion,
      )
    )
  return Cameras.from_list(listed)


def _ray_oracle(pose, x, y):
  """Unnormalised direction and centre of one pixel, as NeRF writes it."""
  local = [(x - _WIDTH / 2) / _FOCAL, -(y - _HEIGHT / 2) / _FOCAL, -1.0]
  direction = [sum(pose[i, j] * local[j] for j in range(3)) for i in range(3)]
  return np.array(direction), pose[:3, 3]


def _ndc_oracle(origin, direction):
  """NeRF appendix C for one ray with near plane 1, step by step."""
  t = -(1.0 + origin[2]) / direction[2]
  origin = origin + t * direction
  ax, ay = -_FOCAL / (_WIDTH / 2), -_FOCAL / (_HEIGHT / 2)
  o = [
    ax * origin[0] / origin[2],
    ay * origin[1] / origin[2],
    1 + 2 / origin[2],
  ]
  d = [
    ax * (direction[0] / direction[2] - origin[0] / origin[2]),
    ay * (direction[1] / direction[2] - origin[1] / origin[2]),
    -2 / origin[2],
  ]
  return np.array(o), np.array(d)


def test_pixel_centres_are_at_one_half():
  grid = _pixel_grid(2, 3)
  assert grid.shape == (2, 3, 2)
  np.testing.assert_array_equal(grid[1, 2], [2.5, 1.5])
  np.testing.assert_array_equal(grid[0, :, 0], [0.5, 1.5, 2.5])


def test_pixels_are_counted_row_by_row():
  index = np.arange(3 * 5, dtype=np.int32)
  xy = np.asarray(_pixel_centers(index, np.int32(5)))
  grid = _pixel_grid(3, 5)
  np.testing.assert_array_equal(xy.reshape(3, 5, 2), grid)


def test_ndc_rays_equal_a_plain_loop():
  cameras = _cameras()
  arrays = rays_lib.camera_arrays(cameras, None)
  grid = _pixel_grid(_HEIGHT, _WIDTH)
  spread = jax.tree.map(lambda a: np.asarray(a)[:, None, None], arrays)
  rays = jax.tree.map(np.asarray, _cast_rays(spread, grid, _NDC))
  assert rays.origins.shape == (3, _HEIGHT, _WIDTH, 3)
  assert rays.near.shape == (3, _HEIGHT, _WIDTH, 1)
  for v, camera in enumerate(cameras):
    for row in range(_HEIGHT):
      for column in range(_WIDTH):
        direction, center = _ray_oracle(
          camera.camera_to_world, column + 0.5, row + 0.5
        )
        origin, along = _ndc_oracle(center, direction)
        at = (v, row, column)
        np.testing.assert_allclose(rays.origins[at], origin, atol=1e-5)
        np.testing.assert_allclose(rays.directions[at], along, atol=1e-5)
        np.testing.assert_allclose(rays.centers[at], center, atol=1e-6)
        # View directions are those of the world, not of NDC.
        np.testing.assert_allclose(
          rays.viewdirs[at],
          direction / np.linalg.norm(direction),
          atol=1e-6,
        )
  np.testing.assert_array_equal(rays.near, 0)
  np.testing.assert_array_equal(rays.far, 1)


def test_ndc_points_return_to_the_ray_they_come_from():
  cameras = _cameras(1)
  camera = rays_lib.camera_arrays(cameras[0], None)
  grid = _pixel_grid(_HEIGHT, _WIDTH)
  rays = jax.tree.map(np.asarray, _cast_rays(camera, grid, _NDC))
  for t in (0.0, 0.3, 0.99):
    points = np.asarray(_to_model(rays.origins + t * rays.directions, _NDC))
    offsets = points - rays.centers
    along = np.sum(offsets * rays.viewdirs, axis=-1, keepdims=True)
    np.testing.assert_allclose(offsets, along * rays.viewdirs, atol=1e-3)
    # z_ndc = 2 t - 1, and z = 2 / (z_ndc - 1).
    np.testing.assert_allclose(points[..., 2], 1 / (t - 1), rtol=1e-4)
  infinity = np.asarray(_to_model(rays.origins + rays.directions, _NDC))
  np.testing.assert_allclose(infinity[..., 2], -2e4, rtol=2e-3)


def test_rays_that_look_away_stay_finite_in_ndc():
  pose = np.diag([-1.0, 1, -1, 1])
  camera = Camera(pose, _FOCAL, _FOCAL, 3, 2, _WIDTH, _HEIGHT)
  rays = _cast_rays(
    rays_lib.camera_arrays(camera, None),
    _pixel_grid(_HEIGHT, _WIDTH),
    _NDC,
  )
  for values in jax.tree.leaves(rays):
    assert np.isfinite(values).all()


def test_rays_of_other_spaces_have_unit_directions():
  camera = rays_lib.camera_arrays(_cameras()[1], None)
  grid = _pixel_grid(_HEIGHT, _WIDTH)
  rays = _cast_rays(camera, grid, _CONTRACTED)
  np.testing.assert_array_equal(rays.directions, rays.viewdirs)
  np.testing.assert_array_equal(rays.origins, rays.centers)
  np.testing.assert_allclose(
    np.linalg.norm(rays.directions, axis=-1), 1, atol=1e-6
  )
  np.testing.assert_allclose(rays.near, 0.05)
  np.testing.assert_allclose(rays.far, 1e3)


def _box_oracle(origin, direction, space):
  """First and last of many small steps that lie in the box."""
  t = np.linspace(space.near, space.far, 20001)
  points = origin + t[:, None] * direction
  inside = (points >= space.lower).all(-1) & (points <= space.upper).all(-1)
  return (t[inside][0], t[inside][-1]) if inside.any() else None


def test_boxes_clip_near_and_far():
  rng = np.random.default_rng(0)
  poses = np.tile(np.eye(4), (40, 1, 1))
  for i, pose in enumerate(poses):
    pose[:3, :3] = _rotation(i, 1.0)
    pose[:3, 3] = rng.uniform(-2, 2, 3)
  cameras = Cameras.from_list([Camera(p, 5, 5, 3, 2, 6, 4) for p in poses])
  rays = _cast_rays(
    rays_lib.camera_arrays(cameras, None),
    np.float32(rng.uniform(0, 4, (40, 2))),
    _BOX,
  )
  hits = 0
  reached = np.asarray(_reaches_box(rays, _BOX))
  for origin, direction, near, far, reaches in zip(
    np.asarray(rays.origins, float),
    np.asarray(rays.directions, float),
    np.asarray(rays.near)[:, 0],
    np.asarray(rays.far)[:, 0],
    reached,
    strict=True,
  ):
    expected = _box_oracle(origin, direction, _BOX)
    assert reaches == (far - near > 1e-3)
    if expected is None or expected[1] - expected[0] < 2e-3:
      assert near == pytest.approx(0.5)
      assert 0 < far - near < 3e-3
    else:
      hits += 1
      assert reaches
      assert (near, far) == pytest.approx(expected, abs=1e-3)
  assert 5 < hits < 40
  for space in (_NDC, _CONTRACTED):
    assert np.all(_reaches_box(rays, space))


def test_boxes_clip_rays_along_an_axis():
  camera = Camera(np.eye(4), 5, 5, 3, 2, 6, 4)
  for x, hit in ((0.0, True), (3.0, False)):
    pose = np.eye(4)
    pose[:3, 3] = [x, 0, 4]
    camera = dataclasses.replace(camera, camera_to_world=pose)
    rays = _cast_rays(
      rays_lib.camera_arrays(camera, None), np.float32([3.0, 2.0]), _BOX
    )
    expected = (2.0, 5.0) if hit else (0.5, 0.50055)
    assert (float(rays.near[0]), float(rays.far[0])) == pytest.approx(expected)


@pytest.mark.parametrize("space", [_NDC, _CONTRACTED])
def test_depth_is_the_distance_in_file_units(space):
  """A plane z = -3 of the model, seen by cameras that stand in front of it."""
  cameras = _cameras()
  arrays = rays_lib.camera_arrays(cameras, None)
  xy = np.float32([[1.0, 3.0], [2.5, 2.0], [6.0, 0.0]])
  rays = jax.tree.map(np.asarray, _cast_rays(arrays, xy, space))
  # The ray parameter of the plane, in closed form.
  if space.kind == "ndc":
    t = np.full((3,), 1 - 1 / 3)
  else:
    t = (-3 - rays.origins[:, 2]) / rays.directions[:, 2]
  opacity = np.float32([1.0, 0.51, 0.49])
  scale = 0.25
  depth = _euclidean_depth(rays, t, opacity, space, scale)
  for i, camera in enumerate(cameras):
    direction, center = _ray_oracle(camera.camera_to_world, *np.asarray(xy[i]))
    distance = np.linalg.norm(direction * (-3 - center[2]) / direction[2])
    expected = distance / scale if i < 2 else 0.0
    assert float(depth[i]) == pytest.approx(expected, rel=1e-4)


def test_depth_of_the_ndc_horizon_is_large_but_finite():
  rays = _cast_rays(
    rays_lib.camera_arrays(_cameras()[0], None), np.float32([3.0, 2.0]), _NDC
  )
  for t in (1.0, 1.5):
    depth = _euclidean_depth(rays, np.float32(t), 1.0, _NDC, 1.0)
    assert 1e4 < float(depth) < 1e5


@pytest.mark.parametrize("distortion", [(0, 0, 0, 0), _FOX])
@pytest.mark.parametrize("depth", [0.5, 30.0])
def test_projection_inverts_unprojection(distortion, depth):
  cameras = _cameras(3, distortion)
  arrays = rays_lib.camera_arrays(cameras, None)
  spread = jax.tree.map(lambda a: np.asarray(a)[:, None, None], arrays)
  grid = _pixel_grid(_HEIGHT, _WIDTH)
  points = np.asarray(
    _unproject_depth(spread, grid, np.full((_HEIGHT, _WIDTH), depth))
  )
  distance = np.linalg.norm(points - spread.camera_to_model[..., 3], axis=-1)
  np.testing.assert_allclose(distance, depth, rtol=1e-5)
  xy, z = map(np.asarray, _project(points, spread))
  np.testing.assert_allclose(xy, np.broadcast_to(grid, xy.shape), atol=1e-4)
  assert ((z > 0) & (z <= depth)).all()


def test_the_fox_projects_back_to_a_thousandth_of_a_pixel():
  camera = Camera(
    np.eye(4), 1375.52, 1374.49, 554.558, 965.268, 1080, 1920, _FOX, "opencv"
  )
  arrays = rays_lib.camera_arrays(camera, None)
  x, y = np.meshgrid(np.linspace(0, 1080, 28), np.linspace(0, 1920, 49))
  xy = np.float32(np.stack([x, y], axis=-1))
  points = _unproject_depth(arrays, xy, np.full(x.shape, 3.0))
  back = np.asarray(_project(points, arrays)[0])
  # One float32 step at 1,920 pixels is 1.2e-4.
  assert np.abs(back - xy).max() < 1e-3


def test_points_nobody_sees_project_outside_the_picture():
  camera = Camera(np.eye(4), 5, 5, 3, 2, 6, 4, (-0.3, 0, 0, 0), "opencv")
  arrays = rays_lib.camera_arrays(camera, None)
  behind = np.float32([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
  xy, z = map(np.asarray, _project(behind, arrays))
  np.testing.assert_array_equal(xy, -1)
  assert (z <= 0).all()
  # At this angle the polynomial has folded back into the picture.
  aside = np.float32([[1.8, 0.0, -1.0]])
  xy, z = _project(aside, arrays)
  np.testing.assert_array_equal(xy, -1)
  gradient = jax.jit(jax.grad(lambda p: _project(p, arrays)[0].sum()))
  assert np.isfinite(gradient(behind)).all()


def test_model_frame_is_the_normalised_one():
  """Points and centres of the file land where the normalisation puts them."""
  cameras = _cameras()
  matrix = np.eye(4)
  matrix[:3, :3] = 0.5 * _rotation(11, 1.0)
  matrix[:3, 3] = [1, 2, 3]
  normalization = normalization_lib.Normalization(matrix, 0.5, _CONTRACTED)
  in_file = rays_lib.camera_arrays(cameras, None)
  in_model = rays_lib.camera_arrays(cameras, normalization)
  xy = np.float32([[1.0, 3.0], [2.5, 2.0], [6.0, 0.0]])
  depth = np.float32([2.0, 4.0, 8.0])
  points = _unproject_depth(in_file, xy, depth)
  moved = _unproject_depth(in_model, xy, 0.5 * depth)
  np.testing.assert_allclose(
    moved, normalization.points_to_model(np.asarray(points)), atol=1e-5
  )
  back, z = _project(moved, in_model)
  np.testing.assert_allclose(back, xy, atol=1e-4)
  _, in_file_units = _project(points, in_file)
  np.testing.assert_allclose(z, 0.5 * np.asarray(in_file_units), atol=1e-5)


@pytest.mark.parametrize("space", [_NDC, _BOX, _CONTRACTED])
def test_shapes_and_transformations_agree(space):
  """[], [R] and [V, R], under jit and vmap, give the same rays."""
  arrays = jax.tree.map(
    np.asarray, rays_lib.camera_arrays(_cameras(3, _FOX), None)
  )
  xy = np.random.default_rng(0).uniform(0, 4, (3, 5, 2)).astype(np.float32)

  @jax.jit
  def cast_in_three_ways(arrays, xy):
    rows = jax.tree.map(lambda a: a[:, None], arrays)
    last = jax.tree.map(lambda a: a[2], arrays)
    return (
      rays_lib.cast_rays(rows, xy, space),
      jax.vmap(lambda c, p: rays_lib.cast_rays(c, p, space))(arrays, xy),
      rays_lib.cast_rays(last, xy[2, 4], space),
    )

  together, mapped, single = jax.tree.map(
    np.asarray, cast_in_three_ways(arrays, xy)
  )
  assert single.near.shape == (1,)
  for values, other, one in zip(
    *map(jax.tree.leaves, (together, mapped, single)), strict=True
  ):
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, other, atol=1e-5)
    np.testing.assert_allclose(values[2, 4], one, atol=1e-5)


def test_planes_bound_rays_along_the_optical_axis():
  """As rays of length 1 along that axis have it: NeRF's of Blender scenes."""
  planes = dataclasses.replace(_BOX, kind="planes", near=2.0, far=6.0)
  cameras = _cameras()
  arrays = rays_lib.camera_arrays(cameras, None)
  xy = np.float32([[0.0, 0.0], [3.0, 2.0], [5.5, 0.5]])
  one = jax.tree.map(lambda values: np.asarray(values)[1], arrays)
  rays = jax.tree.map(np.asarray, _cast_rays(one, xy, planes))
  for i, (x, y) in enumerate(np.asarray(xy)):
    direction, center = _ray_oracle(cameras[1].camera_to_world, x, y)
    for end, t in ((rays.near, 2.0), (rays.far, 6.0)):
      point = rays.origins[i] + end[i] * rays.directions[i]
      np.testing.assert_allclose(point, center + t * direction, atol=1e-5)
