"""Surfaces of fields whose shape is known."""

import numpy as np
import pytest

from stylized_nerf_jax.meshes import density_grid, surface

trimesh = pytest.importorskip("trimesh")


def _ball(count=33, radius=1.0, center=(0.0, 0.0, 0.0), sharp=6.0):
  """A grid around a ball, and a field whose logarithm is linear across it."""
  grid = density_grid.Grid(np.full(3, -1.6), 3.2 / (count - 1), (count,) * 3)
  points = grid.points(np.ones(grid.shape, bool)).reshape(*grid.shape, 3)
  away = np.linalg.norm(points - np.asarray(center), axis=-1)
  return grid, (sharp * (radius - away)).astype(np.float32)


def _solid(mesh):
  return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)


def test_ball_is_closed_and_turns_outwards():
  solid = _solid(surface.extract(*_ball(), 0.0))
  assert solid.is_watertight and solid.is_winding_consistent
  assert solid.volume == pytest.approx(4 / 3 * np.pi, rel=0.01)
  assert solid.area == pytest.approx(4 * np.pi, rel=0.01)
  np.testing.assert_allclose(
    np.linalg.norm(solid.vertices, axis=-1), 1.0, atol=0.01
  )
  outward = np.sum(solid.face_normals * solid.triangles_center, axis=-1)
  assert outward.min() > 0.8


def test_level_moves_the_surface():
  grid, values = _ball(sharp=6.0)
  solid = _solid(surface.extract(grid, values, 1.2))
  np.testing.assert_allclose(
    np.linalg.norm(solid.vertices, axis=-1), 0.8, atol=0.01
  )


def test_nothing_is_made_up_where_nobody_asked():
  """The border of what is known is no surface."""
  grid, values = _ball()
  mask = np.zeros(grid.shape, bool)
  mask[:20] = True
  half = surface.extract(grid, np.where(mask, values, -12), 0.0, mask)
  np.testing.assert_allclose(
    np.linalg.norm(half.vertices, axis=-1), 1.0, atol=0.01
  )
  assert half.vertices[:, 0].max() <= grid.lower[0] + 19 * grid.step + 1e-9
  assert not _solid(half).is_watertight


def test_no_surface_is_said():
  grid, values = _ball()
  for level in (100.0, -100.0):
    with pytest.raises(ValueError, match="no surface"):
      surface.extract(grid, values, level)


def test_seen_side_of_a_shell():
  """Cameras outside of a hollow ball have seen its outer face."""
  grid, values = _ball(49)
  points = grid.points(np.ones(grid.shape, bool)).reshape(*grid.shape, 3)
  hollow = 6 * (0.7 - np.linalg.norm(points, axis=-1))
  shell = np.minimum(values, -hollow).astype(np.float32)
  mesh = surface.extract(grid, shell, 0.0)
  random = np.random.default_rng(0)
  normals = random.normal(size=(3000, 3))
  normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
  seen = surface.seen_side(mesh, 0.98 * normals, normals)
  norms = np.linalg.norm(seen.vertices, axis=-1)
  assert norms.min() > 0.97 and _solid(seen).is_watertight
  assert np.linalg.norm(mesh.vertices, axis=-1).min() < 0.75


def test_small_parts_are_dropped():
  grid, large = _ball(center=(-0.4, 0, 0), radius=0.9)
  _, small = _ball(center=(1.2, 0, 0), radius=0.15)
  mesh = surface.extract(grid, np.maximum(large, small), 0.0)
  kept = surface.without_small_parts(mesh, 0.05)
  assert mesh.vertices[:, 0].max() > 1.3 > 0.6 > kept.vertices[:, 0].max()
  assert len(np.unique(kept.faces)) == len(kept.vertices)
  same = surface.without_small_parts(mesh, 0.001)
  assert len(same.faces) == len(mesh.faces)


def test_smoothing_takes_noise_and_leaves_size():
  mesh = surface.extract(*_ball(), 0.0)
  random = np.random.default_rng(0)
  rough = surface.Mesh(
    mesh.vertices + random.normal(scale=0.02, size=mesh.vertices.shape),
    mesh.faces,
  )
  smooth = surface.smooth(rough, 10)

  def roughness(one):
    return np.linalg.norm(one.vertices, axis=-1).std()

  assert roughness(smooth) < 0.5 * roughness(rough)
  assert _solid(smooth).volume == pytest.approx(4 / 3 * np.pi, rel=0.02)


def test_simplified_ball_is_still_one():
  pytest.importorskip("fast_simplification")
  mesh = surface.extract(*_ball(), 0.0)
  simple = surface.simplify(mesh, 600)
  assert len(simple.faces) <= 600 < len(mesh.faces)
  solid = _solid(simple)
  assert solid.is_watertight
  assert solid.volume == pytest.approx(4 / 3 * np.pi, rel=0.03)
  assert surface.simplify(simple, 10_000) is simple


def test_turning_over_turns_the_volume():
  mesh = surface.extract(*_ball(), 0.0)
  assert _solid(surface.turned(mesh)).volume == pytest.approx(
    -_solid(mesh).volume
  )
