"""The synthetic scene against brute force and closed forms."""

import dataclasses
import math

import numpy as np
import pytest

from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.synthetic import (
  analytic,
  analytic_shapes,
  embedded,
  plaza,
)

STEP = 4e-3


def _inside(shape, points):
  """Which points [N, 3] lie in a shape, by its definition."""
  yaw, tilt = math.radians(shape.yaw), math.radians(shape.tilt)
  p = points - np.array(shape.centre)
  x = math.cos(yaw) * p[:, 0] + math.sin(yaw) * p[:, 1]
  y = -math.sin(yaw) * p[:, 0] + math.cos(yaw) * p[:, 1]
  z = p[:, 2]
  y, z = (
    math.cos(tilt) * y + math.sin(tilt) * z,
    -math.sin(tilt) * y + math.cos(tilt) * z,
  )
  if isinstance(shape, analytic_shapes.Sphere):
    return x**2 + y**2 + z**2 < shape.radius**2
  if isinstance(shape, analytic_shapes.Box):
    a, b, c = shape.half
    return (abs(x) < a) & (abs(y) < b) & (abs(z) < c)
  if isinstance(shape, analytic_shapes.Torus):
    ring = np.sqrt(x**2 + y**2) - shape.major
    return ring**2 + z**2 < shape.minor**2
  part = z / shape.height + 0.5
  radius = shape.radius + (shape.top - shape.radius) * part
  return (part > 0) & (part < 1) & (np.sqrt(x**2 + y**2) < radius)


def _march(shapes, origin, direction, reach):
  """Distance at which a ray first is inside a shape, in steps of STEP."""
  distances = np.arange(0, reach, STEP)
  points = origin + distances[:, None] * direction
  solid = np.any([_inside(shape, points) for shape in shapes], axis=0)
  return distances[np.argmax(solid)] if solid.any() else np.inf


def _ray(camera, row, column):
  """Unit direction of the ray through a pixel's centre, written out."""
  own = np.array(
    [
      (column + 0.5 - camera.cx) / camera.fl_x,
      -(row + 0.5 - camera.cy) / camera.fl_y,
      -1.0,
    ]
  )
  direction = camera.camera_to_world[:3, :3] @ own
  return direction / np.linalg.norm(direction)


def _surface_points(camera, depth):
  rows, columns = np.nonzero(depth)
  directions = np.stack([_ray(camera, r, c) for r, c in zip(rows, columns)])
  points = directions * depth[rows, columns][:, None].astype(np.float64)
  return points + camera.camera_to_world[:3, 3], rows, columns


@pytest.fixture(scope="module")
def small():
  return embedded.make_scene(num_train=6, num_test=2, width=40, height=30)


SHAPES = (
  analytic_shapes.Sphere((0.1, 0.2, -0.1), "toy", radius=0.7),
  analytic_shapes.Box(
    (0, 0.1, 0.2), "toy", half=(0.6, 0.3, 0.4), yaw=30, tilt=25
  ),
  analytic_shapes.Frustum((0.1, 0, 0), "toy", radius=0.5, top=0.5, height=1.1),
  analytic_shapes.Frustum(
    (0.1, 0, 0), "toy", radius=0.6, top=0, height=1.1, yaw=70, tilt=40
  ),
  analytic_shapes.Frustum((0, 0, 0), "toy", radius=0.2, top=0.6, height=0.8),
  analytic_shapes.Torus((0, 0.1, 0), "toy", major=0.6, minor=0.2, tilt=60),
)


@pytest.mark.parametrize("shape", SHAPES)
def test_entry_distance_and_normal_agree_with_the_definition(shape):
  rng = np.random.default_rng(0)
  origins = rng.normal(size=(120, 3))
  origins *= 2.5 / np.linalg.norm(origins, axis=-1, keepdims=True)
  directions = rng.normal(0, 0.5, (120, 3)) - origins
  directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
  found = shape.intersect(origins, directions)
  expected = [_march([shape], o, d, 5.0) for o, d in zip(origins, directions)]
  hits = np.isfinite(found)
  assert 30 < hits.sum() < 120
  # Steps may jump over a corner; a graze is no error of the closed form.
  agree = np.isfinite(expected) == hits
  assert agree.sum() >= 117
  both = hits & agree
  gap = np.array(expected)[both] - found[both]
  assert gap.min() > -1e-9 and gap.max() < STEP
  points = (origins + found[:, None] * directions)[hits]
  normals = shape.normals(points)
  np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, rtol=1e-12)
  assert _inside(shape, points - 1e-5 * normals).mean() > 0.98
  assert not _inside(shape, points + 1e-5 * normals).any()
  assert (np.sum(normals * directions[hits], axis=-1) < 1e-6).all()


def test_rays_along_a_face_and_from_inside():
  box = analytic_shapes.Box((0, 0, 0), "toy", half=(1, 1, 1))
  straight = np.array([[1.0, 0, 0]])
  hit = box.intersect(np.array([[-3.0, 0.5, 0.5]]), straight)
  np.testing.assert_allclose(hit, [2.0])
  assert np.isinf(box.intersect(np.array([[-3.0, 1.5, 0]]), straight))
  assert np.isinf(box.intersect(np.array([[3.0, 0, 0]]), straight))


def test_depth_of_the_ball_is_the_closed_form(small):
  ball = plaza.SHAPES[1]
  camera, depth = small.cameras[3], small.depths[3]
  centre = camera.camera_to_world[:3, 3]
  checked = 0
  for row in range(camera.height):
    for column in range(camera.width):
      direction = _ray(camera, row, column)
      offset = centre - np.array(ball.centre)
      half_b = offset @ direction
      root = half_b**2 - offset @ offset + ball.radius**2
      if root < 1e-4:
        continue
      distance = -half_b - math.sqrt(root)
      # Something nearer may hide the ball, nothing may be seen through it.
      assert depth[row, column] < distance + 1e-5
      checked += abs(depth[row, column] - distance) < 1e-5
  assert checked > 40


def test_depth_agrees_with_marching(small):
  camera, depth = small.cameras[1], small.depths[1]
  origin = camera.camera_to_world[:3, 3]
  rng = np.random.default_rng(1)
  wrong = 0
  for _ in range(60):
    row, column = rng.integers(camera.height), rng.integers(camera.width)
    direction = _ray(camera, row, column)
    expected = _march(plaza.SHAPES, origin, direction, 8.0)
    found = depth[row, column]
    if found == 0:
      wrong += np.isfinite(expected)
    else:
      wrong += not -1e-5 < expected - found < STEP
  assert wrong <= 1  # The march may step over a corner.


def test_surface_points_project_back_to_their_pixels(small):
  camera = small.cameras[2]
  points, rows, columns = _surface_points(camera, small.depths[2])
  world_to_camera = np.linalg.inv(camera.camera_to_world)
  own = points @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
  x = camera.fl_x * own[:, 0] / -own[:, 2] + camera.cx
  y = camera.fl_y * -own[:, 1] / -own[:, 2] + camera.cy
  np.testing.assert_allclose(x, columns + 0.5, atol=1e-6)
  np.testing.assert_allclose(y, rows + 0.5, atol=1e-6)
  assert embedded.visible(points, camera).all()
  assert not embedded.visible(points + 0.02 * (points - camera.camera_to_world[
    :3, 3]), camera).any()  # fmt: skip


def test_visibility_agrees_with_marching(small):
  points, _, _ = _surface_points(small.cameras[0], small.depths[0])
  rng = np.random.default_rng(2)
  points = points[rng.choice(len(points), 90, replace=False)]
  camera = small.cameras[5]
  origin = camera.camera_to_world[:3, 3]
  seen = embedded.visible(points, camera)
  wrong = checked = hidden = 0
  for point, found in zip(points, seen):
    offset = point - origin
    distance = np.linalg.norm(offset)
    own = camera.camera_to_world[:3, :3].T @ offset
    x = camera.fl_x * own[0] / -own[2] + camera.cx
    y = camera.fl_y * -own[1] / -own[2] + camera.cy
    inside = own[2] < 0 and 0 <= x <= camera.width and 0 <= y <= camera.height
    if not inside:
      assert not found
      continue
    first = _march(plaza.SHAPES, origin, offset / distance, distance)
    expected = first > distance - 3 * STEP
    wrong += bool(found) != expected
    checked += 1
    hidden += not expected
  assert checked > 40 and hidden > 5
  assert wrong <= 2  # Within the march's step of an edge.


def test_visible_keeps_shapes_and_refuses_distortion(small):
  camera = small.cameras[0]
  points = np.zeros((2, 3, 3)) + [0, 0, 5]
  assert embedded.visible(points, camera).shape == (2, 3)
  assert embedded.visible(points[0, 0], camera).shape == ()
  bent = dataclasses.replace(camera, distortion=(0.1, 0, 0, 0), model="opencv")
  with pytest.raises(ValueError, match="distorted"):
    embedded.visible(points, bent)


def test_views_agree_about_colours(small):
  """Lambertian surfaces look the same from everywhere."""
  one = small.cameras[2].resized(160, 120)
  other = small.cameras[3].resized(160, 120)
  first, _ = embedded.render(one)
  second, _ = embedded.render(other)
  points, rows, columns = _surface_points(one, embedded.depth(one))
  seen = embedded.visible(points, other)
  assert seen.mean() > 0.4
  own = (points - other.camera_to_world[:3, 3]) @ other.camera_to_world[:3, :3]
  x = (other.fl_x * own[:, 0] / -own[:, 2] + other.cx)[seen]
  y = (other.fl_y * -own[:, 1] / -own[:, 2] + other.cy)[seen]
  column = np.clip(x.astype(int), 0, other.width - 1)
  row = np.clip(y.astype(int), 0, other.height - 1)
  colours = first[rows[seen], columns[seen]]
  gap = np.abs(colours - second[row, column]).mean()
  mirrored = np.abs(colours - second[row, other.width - 1 - column]).mean()
  assert gap < 0.05
  assert mirrored > 2 * gap


def test_sky_has_no_depth_and_no_alpha(small):
  for index in range(len(small)):
    depth, alpha = small.depths[index], small.alphas[index]
    image = small.images[index]
    assert image.dtype == depth.dtype == alpha.dtype == np.float32
    assert image.shape == (30, 40, 3) and image.min() >= 0 <= image.max() <= 1
    assert (depth[alpha == 0] == 0).all()
    assert (depth[alpha == 1] > 0).mean() > 0.999
    assert 0.02 < (alpha == 0).mean() < 0.6
    assert image.std() > 0.15


def test_bounds_hold_everything(small):
  low, high = np.array(small.bounding_box)
  for camera, depth in zip(small.cameras, small.depths):
    assert small.near < depth[depth > 0].min() and depth.max() < small.far
    points, _, _ = _surface_points(camera, depth)
    assert (points > low).all() and (points < high).all()
    sky = np.argwhere(depth == 0)
    for row, column in sky[:: max(1, len(sky) // 10)]:
      origin, direction = camera.camera_to_world[:3, 3], _ray(
        camera, row, column
      )  # fmt: skip
      distance = plaza.dome_distance(origin[None], direction[None])
      assert distance < small.far
      point = origin + distance * direction
      assert (point > low).all() and (point < high).all()
      radius = np.linalg.norm(point)
      np.testing.assert_allclose(radius, embedded.DOME_RADIUS)


def test_distorted_rays_invert_the_opencv_model():
  camera = scene_lib.Camera(
    embedded.look_at([0, -2.7, 1.0], [0, 0, 0.4]), 60, 62, 30, 21, 60, 40,
    (0.08, -0.02, 0.003, -0.002), "opencv",
  )  # fmt: skip
  _, directions = plaza.cast_rays(camera, 0.5, 0.5)
  own = directions @ camera.camera_to_world[:3, :3]
  x, y = own[:, 0] / -own[:, 2], -own[:, 1] / -own[:, 2]
  k1, k2, p1, p2 = camera.distortion
  r2 = x * x + y * y
  radial = 1 + k1 * r2 + k2 * r2 * r2
  bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
  bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
  column = camera.fl_x * bent_x + camera.cx
  row = camera.fl_y * bent_y + camera.cy
  rows, columns = np.divmod(np.arange(40 * 60), 60)
  np.testing.assert_allclose(column, columns + 0.5, atol=1e-6)
  np.testing.assert_allclose(row, rows + 0.5, atol=1e-6)


def test_splits_hashes_and_order(small):
  assert len(small.split("train")) == 6 and len(small.split("test")) == 2
  assert not set(small.splits["train"]) & set(small.splits["test"])
  assert list(small.cameras.names) == sorted(small.cameras.names)
  np.testing.assert_array_equal(
    small.split("test").depths[1], small.depths[small.splits["test"][1]]
  )
  same = embedded.make_scene(num_train=6, num_test=2, width=40, height=30)
  other = embedded.make_scene(num_train=6, num_test=2, width=44, height=30)
  assert same.content_hash == small.content_hash != other.content_hash
  np.testing.assert_array_equal(small.images[-1], small.images[7])
  with pytest.raises(IndexError):
    small.images[8]


def test_objects_share_what_is_seen_among_them(small):
  camera = small.cameras[3]
  masks = {name: plaza.object_mask(camera, name) for name in plaza.OBJECTS}
  held = np.sum(list(masks.values()), axis=0)
  np.testing.assert_array_equal(held, small.depths[3] > 0)
  assert sorted(sum(plaza.OBJECTS.values(), ())) == list(
    range(len(plaza.SHAPES))
  )
  for name, mask in masks.items():
    alone = plaza.object_mask(camera, name, alone=True)
    assert not np.any(mask & ~alone)
    # Where it is seen, no other hides it; the rest of it is behind others.
    others = np.any([m for n, m in masks.items() if n != name], axis=0)
    np.testing.assert_array_equal(alone & ~mask, alone & others)


def test_forward_layout_fits_ndc(small):
  forward = embedded.make_scene(
    num_train=5, num_test=1, width=32, height=24, layout="forward"
  )
  assert forward.layout == "forward_facing" and small.layout == "bounded"
  assert normalization.normalize_scene(forward).space.kind == "ndc"
  assert normalization.normalize_scene(small).space.kind == "box"
  directions = forward.cameras.view_directions
  assert (directions @ directions.mean(0) > 0.95).all()
  assert forward.depths[0].max() > 0


@pytest.mark.parametrize(
  "options",
  [{"num_train": 0}, {"num_test": -1}, {"width": 1}, {"layout": "ring"}],
)
def test_bad_options(options):
  with pytest.raises(ValueError, match="synthetic scene"):
    embedded.make_scene(**options)


def test_trace_keeps_the_nearest_shape():
  far = analytic_shapes.Sphere((0, 4, 0), "toy", radius=1)
  near = analytic_shapes.Sphere((0, 2, 0), "toy", radius=0.1)
  directions = np.array([[0, 1.0, 0], [0, -1.0, 0], [0, 0.98, 0.2]])
  directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
  for shapes in ((far, near), (near, far)):
    distances, index = analytic.trace(shapes, np.zeros((3, 3)), directions)
    np.testing.assert_allclose(distances[0], 1.9)
    assert shapes[index[0]] is near
    assert index[1] == -1 and np.isinf(distances[1])
    assert shapes[index[2]] is far
