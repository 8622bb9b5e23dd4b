"""Fisheyes against closed forms and loops; mixed lenses against single ones."""

import dataclasses

import jax
import numpy as np
import pytest

from stylized_nerf_jax.rendering import fisheye, lenses
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes.cameras import Camera, Cameras

_unproject_depth = jax.jit(rays_lib.unproject_depth)
_project_points = jax.jit(rays_lib.project)
_undistort = jax.jit(fisheye.undistort)
_distort = jax.jit(fisheye.distort)
_largest_angle = jax.jit(fisheye.largest_angle)
_directions = jax.jit(lenses.directions)
_project = jax.jit(lenses.project)

_LENSES = [
  (0.0, 0.0, 0.0, 0.0),
  (-0.0131, 0.0212, -0.0138, 0.0024),
  (0.05, -0.01, 0.003, -0.0004),
]


def _camera(model="fisheye", distortion=_LENSES[1], **changes):
  return Camera(
    **{
      "camera_to_world": np.eye(4),
      "fl_x": 200.0,
      "fl_y": 210.0,
      "cx": 310.0,
      "cy": 245.0,
      "width": 640,
      "height": 480,
      "distortion": distortion,
      "model": model,
      **changes,
    }
  )


def _oracle_angle(radius, terms):
  """Bisection in extended precision, one radius."""
  low, high = np.longdouble(0), np.longdouble(np.pi)
  for _ in range(80):
    theta = (low + high) / 2
    value = theta * (
      1
      + sum(
        np.longdouble(k) * theta ** (2 * i + 2) for i, k in enumerate(terms)
      )
    )
    low, high = (theta, high) if value < radius else (low, theta)
  return float(low)


@pytest.mark.parametrize("terms", _LENSES)
def test_undistorted_angles_equal_bisection(terms):
  limit = float(_largest_angle(np.float32(terms)))
  radii = np.linspace(0, float(_distort(limit, np.float32(terms))) * 0.99, 60)
  expected = [_oracle_angle(radius, terms) for radius in radii]
  actual = _undistort(np.float32(radii), np.float32(terms))
  np.testing.assert_allclose(actual, expected, atol=2e-6)


def test_without_terms_the_radius_is_the_angle():
  """The equidistant lens in closed form, to angles behind the camera."""
  camera = rays_lib.camera_arrays(_camera(distortion=(0,) * 4), None)
  angles = np.deg2rad([0, 1e-3, 20, 60, 89.9, 90.1, 120, 175])
  for turn in (0.0, 0.7, 3.0):
    side = np.array([np.cos(turn), np.sin(turn)])
    xy = [310, 245] + angles[:, None] * side * [200, 210]
    # One file unit away, which is where the direction itself ends.
    found = _unproject_depth(camera, np.float32(xy), np.ones(len(angles)))
    expected = np.stack(
      [
        np.sin(angles) * side[0],
        -np.sin(angles) * side[1],
        -np.cos(angles),
      ],
      axis=-1,
    )
    np.testing.assert_allclose(found, expected, atol=2e-6)
    back, z = _project_points(3 * np.asarray(found), camera)
    np.testing.assert_allclose(back, xy, atol=2e-3)
    np.testing.assert_allclose(z, 3 * np.cos(angles), atol=1e-5)


def test_a_fisheye_folds_where_its_radius_stops_growing():
  terms = (-0.2, 0.0, 0.0, 0.0)  # 1 - 0.6 theta^2 vanishes at 1.291
  limit = float(_largest_angle(np.float32(terms)))
  assert 0 < 1.2910 - limit < np.pi / 180
  assert float(_largest_angle(np.zeros(4))) == pytest.approx(np.pi)
  assert 0 < float(_largest_angle(np.float32([-1e5, 0, 0, 0]))) < 0.02
  # What no angle reaches gets the largest one.
  beyond = _undistort(np.float32([1.0, 7.0, 1e6]), np.float32(terms))
  np.testing.assert_allclose(beyond, limit, atol=3e-5)
  behind = np.float32([[0.1, 0.0, 1.0], [1.0, 0.0, -0.1], [0.1, 0.1, -1.0]])
  nine = np.float32([*terms, 0, 0, 0, 0, 1.0])
  np.testing.assert_array_equal(_project(behind, nine)[1], [False, False, True])


def test_gradients_are_finite_and_shapes_free():
  nine = np.float32([*_LENSES[1], 0, 0, 0, 0, 1.0])
  gradient = jax.jit(jax.grad(lambda xy: _directions(xy, nine).sum()))
  for scale in (0.0, 0.5, 100.0):
    assert np.isfinite(gradient(np.full((3, 2), scale))).all()
  gradient = jax.jit(jax.grad(lambda p: _project(p, nine)[0].sum()))
  for point in ([0.0, 0, -1], [1.0, 2, -3], [1e3, 0, 1]):
    assert np.isfinite(gradient(np.float32(point))).all()
  xy = np.float32(np.random.default_rng(1).normal(size=(2, 3, 2)))
  whole = np.asarray(_directions(xy, np.broadcast_to(nine, (2, 1, 9))))
  np.testing.assert_allclose(
    _directions(xy[1, 2], nine), whole[1, 2], atol=1e-6
  )
  mapped = jax.jit(jax.vmap(lambda part: lenses.directions(part, nine)))(xy)
  np.testing.assert_allclose(mapped, whole, atol=1e-6)


def test_a_mixed_scene_has_the_rays_of_its_single_cameras():
  listed = [
    _camera(name="a"),
    _camera("opencv", (0.06, -0.08, -1e-3, 1e-4), name="b"),
    _camera("pinhole", (0,) * 4, name="c"),
    _camera("full_opencv", (0.3, 0.1, 0, 1e-4, 0.0, 0.28, 0.1, 0.01), name="d"),
  ]
  cameras = Cameras.from_list(listed)
  assert cameras.distortion.shape == (4, 8)
  for field in dataclasses.fields(Camera):
    for i, camera in enumerate(listed):
      np.testing.assert_array_equal(
        getattr(cameras[i], field.name), getattr(camera, field.name)
      )
  together = jax.tree.map(np.asarray, rays_lib.camera_arrays(cameras, None))
  assert together.lens_terms.shape == (4, 9)
  assert rays_lib.camera_arrays(cameras[1:3], None).lens_terms.shape == (2, 4)
  # Not so near to the fold of lens b that its two roundings differ.
  xy = np.float32(np.random.default_rng(0).uniform(160, 400, (20, 2)))
  depth = np.ones(20)
  for i in range(4):
    own = rays_lib.camera_arrays(cameras[i : i + 1], None)
    points = _unproject_depth(own, xy, depth)
    one = jax.tree.map(lambda values: values[i : i + 1], together)  # noqa: B023
    found = _unproject_depth(one, xy, depth)
    np.testing.assert_allclose(found, points, atol=1e-6)
    back, _ = _project_points(found, one)
    np.testing.assert_allclose(back, xy, atol=2e-3)


# Last: it has all compiled anew.
@pytest.mark.usefixtures("fusion_emitters")
@pytest.mark.parametrize("terms", _LENSES)
def test_pixels_come_back_to_a_thousandth(terms):
  camera = rays_lib.camera_arrays(_camera(distortion=terms), None)
  x, y = np.meshgrid(np.linspace(0, 640, 33), np.linspace(0, 480, 25))
  pixels = np.float32(np.stack([x, y], axis=-1))
  points = _unproject_depth(camera, pixels, 5 * np.ones_like(x))
  back, _ = _project_points(points, camera)
  np.testing.assert_allclose(back, pixels, atol=2e-3)
