"""Nodes lie on surfaces, and face out of them."""

import numpy as np

from stylized_nerf_jax.regions import surfaces
from stylized_nerf_jax.scenes.synthetic import plaza


def test_nodes_lie_on_the_ball_and_face_out(plaza_nodes, belongs):
  ball = plaza.SHAPES[plaza.OBJECTS["ball"][0]]
  nodes = np.flatnonzero(belongs("ball"))
  assert len(nodes) > 200
  offset = plaza_nodes.file_points[nodes] - ball.centre
  distance = np.linalg.norm(offset, axis=-1)
  # Means of a cell lie a little inside of what is curved.
  np.testing.assert_allclose(distance, ball.radius, atol=0.02)
  facing = np.sum(plaza_nodes.normals[nodes] * offset / distance[:, None], -1)
  assert np.median(facing) > 0.98
  assert np.mean(facing > 0.7) > 0.9


def test_no_node_floats(plaza_nodes):
  """Every node is near to one of the shapes, or to the ground."""
  below = plaza_nodes.file_points - np.array([0.0, 0.0, 1e-3])
  gaps = []
  for direction in (np.eye(3), -np.eye(3)):
    for axis in direction:
      from_there = below - 0.05 * axis
      found, _ = plaza.analytic.trace(
        plaza.SHAPES,
        from_there,
        np.broadcast_to(axis, from_there.shape),
      )
      gaps.append(found)
  assert np.mean(np.min(gaps, axis=0) < 0.1) > 0.99


def test_pixels_at_edges_are_left_out():
  """A step in depth is left out on both sides; planes, however steep, not."""
  x = np.arange(1, 9, dtype=np.float64)
  step = np.where(x < 5, 2.0, 3.0)
  steep = 1.0 / (0.1 + 0.05 * x)
  chosen = surfaces._on_surface(np.stack([step] * 8))
  np.testing.assert_array_equal(chosen[3], [1, 1, 1, 0, 0, 1, 1, 1])
  assert surfaces._on_surface(np.stack([steep] * 8)).all()
  assert not surfaces._on_surface(np.zeros((4, 4))).any()


def test_what_pixels_have_is_averaged_over_nodes(plaza_nodes):
  values = np.arange(len(plaza_nodes.node), dtype=float)
  means = plaza_nodes.mean(values)
  for number in (0, 7, len(means) - 1):
    own = values[plaza_nodes.node == number]
    np.testing.assert_allclose(means[number], own.mean())
    np.testing.assert_allclose(plaza_nodes.total(values)[number], own.sum())
