"""Backward warping against a plain loop and against exact geometry."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax.rendering import rays, warping
from stylized_nerf_jax.scenes import cameras as cameras_lib

_pixel_grid = jax.jit(rays.pixel_grid, static_argnums=(0, 1))
_project = jax.jit(rays.project)
_unproject_depth = jax.jit(rays.unproject_depth)
_warp = jax.jit(warping.backward_warp)


def _look_at(position, target):
  """Camera-to-world matrix, OpenGL axes, y up."""
  back = np.subtract(position, target)
  back = back / np.linalg.norm(back)
  right = np.cross([0.0, 1.0, 0.0], back)
  right = right / np.linalg.norm(right)
  matrix = np.eye(4)
  matrix[:3] = np.stack([right, np.cross(back, right), back, position], axis=1)
  return matrix


def _camera(position, *, target=(0, 0, 0), size=(64, 48), distortion=(0,) * 4):
  width, height = size
  return cameras_lib.Camera(
    camera_to_world=_look_at(position, target),
    fl_x=1.1 * width,
    fl_y=1.0 * width,
    cx=0.48 * width,
    cy=0.53 * height,
    width=width,
    height=height,
    distortion=distortion,
    model="opencv" if any(distortion) else "pinhole",
  )


def _arrays(camera):
  return rays.camera_arrays(camera, None)


def _directions(camera):
  """Unit world directions of a pinhole camera's pixels, [H, W, 3]."""
  column, row = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
  local = np.stack(
    [
      (column + 0.5 - camera.cx) / camera.fl_x,
      -(row + 0.5 - camera.cy) / camera.fl_y,
      -np.ones(column.shape),
    ],
    axis=-1,
  )
  world = local @ camera.camera_to_world[:3, :3].T
  return world / np.linalg.norm(world, axis=-1, keepdims=True)


def _cast(origin, directions):
  """Distance to the unit sphere at the origin or the plane z = -2; 0: none."""
  along = directions @ origin
  root = along**2 - (origin @ origin - 1.0)
  sphere = np.where(root > 0, -along - np.sqrt(np.maximum(root, 0)), np.inf)
  sphere = np.where(sphere > 0, sphere, np.inf)
  with np.errstate(divide="ignore"):
    plane = (-2.0 - origin[2]) / directions[..., 2]
  plane = np.where(plane > 0, plane, np.inf)
  nearest = np.minimum(sphere, plane)
  return np.where(np.isfinite(nearest), nearest, 0.0)


def _paint(points):
  """A smooth solid texture, [..., 3] in [0, 1]."""
  phases = np.array([0.0, 2.0, 4.0])
  return 0.5 + 0.5 * np.sin(2.0 * points.sum(-1, keepdims=True) + phases)


def _render(camera):
  """Exact picture [H, W, 3], depth [H, W] and points [H, W, 3]."""
  directions = _directions(camera)
  origin = camera.camera_to_world[:3, 3]
  depth = _cast(origin, directions)
  points = origin + depth[..., None] * directions
  return _paint(points), depth, points


def _loop_warp(image, depth_src, camera_src, depth_dst, camera_dst, tolerance):
  """The definition, pixel by pixel in float64."""
  height, width = depth_dst.shape
  directions = _directions(camera_dst)
  warped = np.zeros((height, width, image.shape[-1]))
  mask = np.zeros((height, width), bool)
  pose = camera_src.camera_to_world
  for row in range(height):
    for column in range(width):
      if depth_dst[row, column] <= 0:
        continue
      point = camera_dst.camera_to_world[:3, 3]
      point = point + depth_dst[row, column] * directions[row, column]
      local = pose[:3, :3].T @ (point - pose[:3, 3])
      if local[2] >= 0:
        continue
      x = camera_src.fl_x * local[0] / -local[2] + camera_src.cx - 0.5
      y = -camera_src.fl_y * local[1] / -local[2] + camera_src.cy - 0.5
      # A thousandth of a pixel is on the pixel.
      x = round(x) if abs(x - round(x)) <= 1e-3 else x
      y = round(y) if abs(y - round(y)) <= 1e-3 else y
      if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        continue
      distances = [np.linalg.norm(local)]
      color = 0.0
      for j, i in np.ndindex(2, 2):
        v, u = int(y) + j, int(x) + i
        weight = (1 - abs(x - u)) * (1 - abs(y - v))
        if weight > 0:
          distances.append(depth_src[v, u])
          color = color + weight * image[v, u]
      if min(distances) <= 0 or max(distances) - min(distances) > tolerance:
        continue
      warped[row, column], mask[row, column] = color, True
  return warped, mask


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_loop(seed):
  generator = np.random.default_rng(seed)
  size = (9, 7)
  source = _camera(generator.normal(size=3) * 0.1 + [0, 0, 3], size=size)
  target = _camera(generator.normal(size=3) * 0.1 + [0, 0, 3], size=size)
  image = generator.uniform(size=(7, 9, 2))
  depths = []
  for _ in range(2):
    depth = 3.0 + 0.15 * generator.normal(size=(7, 9))
    depth[generator.uniform(size=(7, 9)) < 0.1] = 0.0
    depths.append(depth.astype(np.float32))
  expected, expected_mask = _loop_warp(
    image, depths[0], source, depths[1], target, 0.4
  )
  warped, mask = _warp(
    image.astype(np.float32),
    depths[0],
    _arrays(source),
    depths[1],
    _arrays(target),
    tolerance=0.4,
  )
  assert 5 < expected_mask.sum() < 50
  np.testing.assert_array_equal(mask, expected_mask)
  np.testing.assert_allclose(warped, expected, atol=1e-4)


def test_a_painted_surface_arrives_where_it_is_seen():
  source = _camera([1.2, 0.4, 4.0])
  target = _camera([-0.3, 0.1, 4.2])
  image, depth_src, _ = _render(source)
  reference, depth_dst, points = _render(target)
  tolerance = 0.05 * warping.scene_scale([depth_src, depth_dst])
  warped, mask = _warp(
    np.float32(image),
    np.float32(depth_src),
    _arrays(source),
    np.float32(depth_dst),
    _arrays(target),
    tolerance=tolerance,
  )
  warped, mask = np.asarray(warped), np.asarray(mask)

  error = np.where(mask[..., None], warped - reference, 0.0)
  rmse = np.sqrt((error**2).sum() / (3 * mask.sum()))
  # What is left is interpolation: the texture's curvature over a pixel, which
  # is large only at the rim of the sphere.
  assert rmse < 0.005
  assert np.abs(error).max() < 0.1

  origin = source.camera_to_world[:3, 3]
  offsets = points - origin
  distance = np.linalg.norm(offsets, axis=-1)
  first_hit = _cast(origin, offsets / distance[..., None])
  visible = (depth_dst > 0) & (np.abs(first_hit - distance) < 1e-6)
  xy = np.asarray(_project(np.float32(points), _arrays(source))[0])
  inside = ((xy >= 0.5) & (xy <= np.array([63.5, 47.5]))).all(-1)
  hidden = inside & (depth_dst > 0) & ~visible
  assert hidden.sum() > 50
  assert not mask[hidden & (distance - first_hit > tolerance)].any()
  # Only a rim of the visible part may be lost, where pixels straddle an edge.
  assert (mask & visible).sum() > 0.9 * (inside & visible).sum()


def test_colors_do_not_bleed_across_an_occlusion_edge():
  # A red card in front of a blue wall; the target camera is moved sideways.
  size = (32, 24)
  source = _camera([0.0, 0.0, 4.0], size=size)
  target = _camera([0.37, 0.05, 4.0], target=(0.37, 0.05, 0), size=size)

  def render(camera):
    directions = _directions(camera)
    origin = camera.camera_to_world[:3, 3]
    card = (1.0 - origin[2]) / directions[..., 2]
    wall = (-2.0 - origin[2]) / directions[..., 2]
    on_card = np.abs(origin + card[..., None] * directions)[..., :2].max(-1)
    depth = np.where(on_card < 0.5, card, wall).astype(np.float32)
    color = np.where((on_card < 0.5)[..., None], [1.0, 0, 0], [0, 0, 1.0])
    return color.astype(np.float32), depth

  image, depth_src = render(source)
  reference, depth_dst = render(target)
  warped, mask = _warp(
    image,
    depth_src,
    _arrays(source),
    depth_dst,
    _arrays(target),
    tolerance=0.2,
  )
  mask = np.asarray(mask)
  np.testing.assert_allclose(
    np.asarray(warped)[mask], reference[mask], atol=1e-6
  )
  red = reference[..., 0] == 1
  assert mask[red].sum() > 30 and mask[~red].sum() > 300
  assert not mask.all()
  np.testing.assert_array_equal(np.asarray(warped)[~mask], 0.0)


@pytest.mark.parametrize("distortion", [(0,) * 4, (-0.2, 0.05, 0.01, -0.01)])
def test_a_view_warped_into_itself_is_itself(distortion):
  camera = _camera([0.4, 0.3, 4.0], size=(20, 15), distortion=distortion)
  generator = np.random.default_rng(0)
  image = generator.uniform(size=(15, 20, 3)).astype(np.float32)
  # Depth edges everywhere: a pixel must not be lost to its neighbours.
  depth = generator.uniform(1, 9, size=(15, 20)).astype(np.float32)
  depth[3:5, 2:8] = 0.0
  warped, mask = _warp(
    image, depth, _arrays(camera), depth, _arrays(camera), tolerance=1e-3
  )
  np.testing.assert_array_equal(mask, depth > 0)
  np.testing.assert_allclose(
    warped, np.where(depth[..., None] > 0, image, 0), atol=1e-2
  )


def test_distorted_lenses_see_the_same_plane():
  source = _camera([0.3, 0.1, 4.0], distortion=(-0.15, 0.03, 0.005, 0.002))
  target = _camera([-0.2, 0.0, 4.0], distortion=(0.1, -0.01, 0.0, 0.003))

  def render(camera):
    arrays = _arrays(camera)
    grid = _pixel_grid(camera.height, camera.width)
    far = _unproject_depth(arrays, grid, np.ones(grid.shape[:-1]))
    origin = camera.camera_to_world[:3, 3]
    directions = np.asarray(far, np.float64) - origin
    depth = (-2.0 - origin[2]) / directions[..., 2]
    points = origin + depth[..., None] * directions
    return _paint(points).astype(np.float32), depth.astype(np.float32)

  image, depth_src = render(source)
  reference, depth_dst = render(target)
  warped, mask = _warp(
    image,
    depth_src,
    _arrays(source),
    depth_dst,
    _arrays(target),
    tolerance=0.3,
  )
  mask = np.asarray(mask)
  assert mask.mean() > 0.7
  np.testing.assert_allclose(
    np.asarray(warped)[mask], reference[mask], atol=0.03
  )


def test_points_behind_the_source_camera_are_masked():
  source = _camera([0.0, 0.0, 4.0], target=(0, 0, 8), size=(16, 12))
  target = _camera([0.0, 0.0, 4.0], size=(16, 12))
  depth = np.full((12, 16), 2.0, np.float32)
  image = np.ones((12, 16, 3), np.float32)
  warped, mask = _warp(
    image, depth, _arrays(source), depth, _arrays(target), tolerance=10.0
  )
  assert not np.asarray(mask).any()
  np.testing.assert_array_equal(warped, 0.0)


def test_the_gradient_is_the_transpose():
  source, target = _camera([0.3, 0, 4], size=(12, 9)), _camera([0, 0, 4])
  _, depth_src, _ = _render(source)
  _, depth_dst, _ = _render(target)

  @jax.jit
  def there_and_back(image, depth_src, depth_dst, cotangent):
    def warp(image):
      return warping.backward_warp(
        image,
        depth_src,
        _arrays(source),
        depth_dst,
        _arrays(target),
        tolerance=0.8,
      )[0]

    warped, pull_back = jax.vjp(warp, image)
    return warped, *pull_back(cotangent)

  generator = np.random.default_rng(1)
  image = generator.normal(size=(9, 12, 3)).astype(np.float32)
  cotangent = generator.normal(size=(48, 64, 3)).astype(np.float32)
  for scale in np.float32([0.0, 1.0, 1e6]):
    warped, gradient = map(
      np.asarray,
      there_and_back(scale * image, depth_src, depth_dst, cotangent),
    )
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(
      (warped * cotangent).sum(),
      (scale * image * gradient).sum(),
      rtol=1e-3,
      atol=1e-3 * scale,
    )
  assert np.abs(gradient).max() > 0.1


def test_many_views_equal_each_view_alone():
  source = _camera([0.3, 0, 4], size=(16, 12))
  positions = ([0, 0, 4], [-0.4, 0.2, 4.2], [0.3, 0, 4])
  targets = [_camera(position, size=(16, 12)) for position in positions]
  image, depth_src, _ = _render(source)
  depths = np.stack([_render(target)[1] for target in targets])
  image, depth_src, depths = (
    np.float32(array) for array in (image, depth_src, depths)
  )
  warped, masks = jax.jit(warping.warp_to_views)(
    image,
    depth_src,
    _arrays(source),
    depths,
    rays.camera_arrays(cameras_lib.Cameras.from_list(targets), None),
    tolerance=0.5,
  )
  for index, target in enumerate(targets):
    expected, mask = _warp(
      image,
      depth_src,
      _arrays(source),
      depths[index],
      _arrays(target),
      tolerance=0.5,
    )
    np.testing.assert_array_equal(masks[index], mask)
    np.testing.assert_allclose(warped[index], expected, atol=1e-5)


def test_scene_scale_is_the_median_of_what_is_hit():
  depths = [np.array([[0.0, 2.0], [3.0, 0.0]]), np.array([[10.0]])]
  assert warping.scene_scale(depths) == 3.0
  assert warping.scene_scale(np.full((2, 3, 4), 5.0)) == 5.0
  rng = np.random.default_rng(0)
  for size in (1, 2, 7, 100, 1001):
    drawn = np.float32(
      2.5 + rng.normal(size=size) * 10.0 ** rng.integers(-6, 3)
    )
    drawn[0] = 1e-30
    parts = np.array_split(drawn, 3)
    hit = drawn[drawn > 0]
    assert warping.scene_scale(parts) == np.median(hit), size
  with pytest.raises(ValueError, match="no depth map has a pixel"):
    warping.scene_scale(np.zeros((2, 3, 4)))
  with pytest.raises(ValueError, match="no depth map has a pixel"):
    warping.scene_scale([])
