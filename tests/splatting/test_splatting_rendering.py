"""Pictures of splats against a plain loop over pixels and splats."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import transform

from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import cameras as cameras_lib
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.splatting import projection, rendering, tiles
from stylized_nerf_jax.splatting import splats as splats_lib

_SIZE = 19, 26  # no multiple of a tile


def _camera(**changes) -> cameras_lib.Camera:
  pose = embedded.look_at(np.array([0.5, -3.0, 0.8]), np.zeros(3))
  height, width = _SIZE
  fields = dict(fl_x=24.0, fl_y=26.0, cx=12.0, cy=10.0) | changes
  return cameras_lib.Camera(pose, width=width, height=height, **fields)


def _splats(count: int, seed: int = 0, spread: float = 0.7):
  random = np.random.default_rng(seed)
  splats = splats_lib.Splats(
    means=spread * random.normal(size=(count, 3)),
    log_scales=np.log(random.uniform(0.03, 0.4, (count, 3))),
    rotations=random.normal(size=(count, 4)),
    logits=random.normal(0.5, 2.0, count),
  )
  splats = splats_lib.Splats(*(v.astype(np.float32) for v in splats))
  return splats, random.uniform(size=(count, 3)).astype(np.float32)


def _by_loop(splats, colors, camera):
  """One pixel and one splat after the other, in double precision."""
  world_to_camera = np.linalg.inv(camera.camera_to_world)
  flip = np.diag([1.0, -1.0, -1.0])
  view = flip @ world_to_camera[:3, :3]
  local = splats.means @ view.T + flip @ world_to_camera[:3, 3]
  order = [i for i in np.argsort(local[:, 2]) if local[i, 2] > 0]
  drawn = []
  for i in order:
    x, y, z = local[i]
    low = -camera.cx / camera.fl_x, -camera.cy / camera.fl_y
    high = (
      (camera.width - camera.cx) / camera.fl_x,
      (camera.height - camera.cy) / camera.fl_y,
    )
    slope = [
      np.clip(
        v / z,
        (lo + hi) / 2 - 0.65 * (hi - lo),
        (lo + hi) / 2 + 0.65 * (hi - lo),
      )
      for v, lo, hi in zip((x, y), low, high)
    ]
    jacobian = np.array(
      [
        [camera.fl_x / z, 0, -camera.fl_x * slope[0] / z],
        [0, camera.fl_y / z, -camera.fl_y * slope[1] / z],
      ]
    )
    turn = transform.Rotation.from_quat(
      splats.rotations[i], scalar_first=True
    ).as_matrix()
    half = turn @ np.diag(np.exp(splats.log_scales[i]))
    covariance = jacobian @ view @ half @ half.T @ view.T @ jacobian.T
    inverse = np.linalg.inv(covariance + 0.3 * np.eye(2))
    middle = [
      camera.fl_x * x / z + camera.cx,
      camera.fl_y * y / z + camera.cy,
    ]
    opacity = 1 / (1 + np.exp(-np.float64(splats.logits[i])))
    drawn.append((middle, inverse, opacity, colors[i]))
  picture = np.zeros((camera.height, camera.width, 3))
  passes = np.ones((camera.height, camera.width))
  for row in range(camera.height):
    for column in range(camera.width):
      for middle, inverse, opacity, color in drawn:
        off = np.array([column + 0.5, row + 0.5]) - middle
        exponent = off @ inverse @ off
        alpha = min(0.99, opacity * np.exp(-exponent / 2))
        if exponent > 8 or alpha < 1 / 255:
          continue
        picture[row, column] += passes[row, column] * alpha * color
        passes[row, column] *= 1 - alpha
  return picture, 1 - passes


@pytest.mark.parametrize("count", (0, 40))
def test_a_picture_is_that_of_a_loop(count):
  splats, colors = _splats(count)
  if count:
    splats.means[0] = [0.5, -3.5, 0.8]  # behind the camera
    splats.means[1] = [9.0, 2.0, 0.0]  # beside the picture
  camera = _camera()
  rgb, opacity = rendering.render(splats, colors, camera)
  expected, hidden = _by_loop(splats, colors, camera)
  np.testing.assert_allclose(rgb, expected, atol=2e-4)
  np.testing.assert_allclose(opacity, hidden, atol=2e-4)
  assert count == 0 or hidden.max() > 0.5


def test_a_background_shows_where_nothing_hides_it():
  splats, colors = _splats(40)
  plain, opacity = rendering.render(splats, colors, _camera())
  blue = (0.1, 0.2, 0.9)
  found, _ = rendering.render(splats, colors, _camera(), background=blue)
  hidden = np.asarray(opacity)[..., None]
  expected = np.asarray(plain) + (1.0 - hidden) * np.array(blue)
  np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_lens_is_left_out():
  splats, colors = _splats(40)
  bent = _camera(model="opencv", distortion=(0.2, 0.1, 0.01, 0.02))
  found, _ = rendering.render(splats, colors, bent)
  straight, _ = rendering.render(splats, colors, _camera())
  np.testing.assert_array_equal(found, straight)
  assert projection.pinhole(bent).distortion == (0.0,) * 4


def test_variances_that_a_viewer_holds_apart():
  """One by one, as its program for the graphics card computes them."""
  splats, _ = _splats(60, seed=5)
  # Round and small, as in a picture where splats are as wide as pixels.
  splats = splats._replace(log_scales=splats.log_scales * 0 - 4.5)
  longer = np.outer(np.arange(60) % 2, [1.5, 0.0, 0.0]).astype(np.float32)
  splats = splats._replace(log_scales=splats.log_scales + longer)
  camera = rays_lib.camera_arrays(_camera(), None)
  project = jax.jit(projection.project, static_argnames="size")
  plain = project(splats, camera, _SIZE)
  for found, expected in zip(project(splats, camera, _SIZE, 0.0), plain):
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
  held = project(splats, camera, _SIZE, projection.HELD)
  reach = np.where(held.opacity[:, None] > 0, plain.reach, 0.0)
  np.testing.assert_allclose(held.reach, reach, rtol=1e-4)
  turned = 0
  for i in range(60):
    a, b, c = np.asarray(plain.conic[i], float)
    cov = np.linalg.inv([[a, b], [b, c]])
    middle, determinant = np.trace(cov) / 2, np.linalg.det(cov)
    half = np.sqrt(max(0.1, middle**2 - determinant))
    if middle - half <= 0:
      assert held.opacity[i] == 0
      continue
    axis = np.array([cov[0, 1], middle + half - cov[0, 0]])
    axis /= np.linalg.norm(axis)
    across = np.array([axis[1], -axis[0]])
    drawn = np.outer(axis, axis) * (middle + half)
    drawn += np.outer(across, across) * (middle - half)
    (a, b), (_, c) = np.linalg.inv(drawn)
    np.testing.assert_allclose(held.conic[i], [a, b, c], rtol=2e-3, atol=2e-3)
    assert held.opacity[i] == plain.opacity[i]
    turned += abs(drawn - cov).max() > 0.05
  assert turned > 10


def test_gradients_are_those_of_differences(monkeypatch):
  """Of everything a splat has, along random directions."""
  # Where Gaussians end, pictures jump, and differences are not of slopes.
  monkeypatch.setattr(projection, "LARGEST_EXPONENT", 60.0)
  monkeypatch.setattr(projection, "LEAST_ALPHA", 1e-13)
  splats, colors = _splats(12, seed=3, spread=0.4)
  camera = rays_lib.camera_arrays(_camera(), None)
  # Not by `rendering.project`, which may be compiled with the limits already.
  project = functools.partial(projection.project, size=_SIZE)
  plan = tiles.plan(jax.jit(project)(splats, camera), _SIZE, 16, margin=2.0)
  random = np.random.default_rng(1)
  wanted = random.normal(size=(*_SIZE, 4)).astype(np.float32)

  def value(values):
    rgb, opacity = rendering.draw(
      splats_lib.Splats(*values[:4]), values[4], camera, plan, _SIZE
    )
    together = jnp.concatenate([rgb, opacity[..., None]], axis=-1)
    return jnp.sum(wanted * together**2)

  values = (*splats, colors)
  value_and_slopes = jax.jit(jax.value_and_grad(value))
  slopes = jax.tree.map(np.asarray, value_and_slopes(values)[1])
  for i, slope in enumerate(slopes):
    assert np.isfinite(slope).all() and np.abs(slope).max() > 0
    errors = []
    for _ in range(4):
      along = random.normal(size=values[i].shape).astype(np.float32)
      step = 2e-3
      ends = [
        value_and_slopes(
          tuple(
            v + np.float32(sign * step) * along if k == i else v
            for k, v in enumerate(values)
          )
        )[0]
        for sign in (-1, 1)
      ]
      found = float(ends[1] - ends[0]) / (2 * step)
      expected = np.sum(slope * along)
      scale = np.linalg.norm(slope) * np.linalg.norm(along) / 4
      errors.append(abs(found - expected) / scale)
    assert np.median(errors) < 0.02, (i, errors)


def test_what_does_not_fit_into_a_tile_is_what_lies_farthest():
  splats, _ = _splats(60, spread=0.1)
  camera = rays_lib.camera_arrays(_camera(), None)
  ellipses = rendering.project(splats, camera, _SIZE)
  every = tiles.plan(ellipses, _SIZE, 60)
  few = tiles.plan(ellipses, _SIZE, 5)
  assert every.dropped == 0 and few.dropped > 0
  assert every.counts.sum() == few.counts.sum() + few.dropped
  depth = np.asarray(ellipses.depth)
  for tile, count in zip(every.tile, every.counts):
    row = every.index[list(every.tile).index(tile)][:count]
    assert (np.diff(depth[row]) >= 0).all()
    own = list(few.tile).index(tile)
    np.testing.assert_array_equal(few.index[own][: few.counts[own]], row[:5])


def test_a_plan_misses_no_splat_that_reaches_a_tile():
  splats, _ = _splats(50, seed=7)
  camera = rays_lib.camera_arrays(_camera(), None)
  ellipses = rendering.project(splats, camera, _SIZE)
  plan = tiles.plan(ellipses, _SIZE, 50)
  ellipses = jax.tree.map(np.asarray, ellipses)
  columns = tiles.grid(_SIZE)[1]
  for tile, count, index in zip(plan.tile, plan.counts, plan.index):
    corner = tiles.SIDE * np.array([tile % columns, tile // columns])
    off = np.maximum(
      np.maximum(corner - ellipses.xy, ellipses.xy - corner - tiles.SIDE), 0
    )
    inside = np.all(off < ellipses.reach, axis=-1)
    inside &= ellipses.opacity > 1 / 255
    assert set(np.flatnonzero(inside)) <= set(index[:count])
