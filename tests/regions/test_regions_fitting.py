"""Fields of regions, against distances to a plane and a ball."""

import jax
import numpy as np
import pytest

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import region_field
from stylized_nerf_jax.regions import fitting, surfaces


def _nodes(points: np.ndarray, size: float) -> surfaces.Nodes:
  like = np.zeros_like(points)
  sizes = np.full(len(points), size)
  node = np.arange(len(points))
  return surfaces.Nodes(points, points, sizes, like, like, node, [])


def _plane() -> surfaces.Nodes:
  """A square of the plane z = 0, a node at every 1/40."""
  x, y = np.meshgrid(np.linspace(-1, 1, 81), np.linspace(-1, 1, 81))
  points = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
  return _nodes(points, 1 / 40)


@pytest.fixture(scope="module")
def disc():
  """A disc of the plane, fitted in fewer and smaller steps than scenes are."""
  nodes = _plane()
  inside = np.linalg.norm(nodes.points, axis=-1) < 0.5
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(fitting, "_EXAMPLES", 1 << 15)
    patch.setattr(fitting, "_BATCH", 1 << 11)
    return nodes, inside, fitting.fit(nodes, inside)


def _signed(fitted, points) -> np.ndarray:
  module = region_field.RegionField(**fitted.options)
  points = np.asarray(points, np.float32)
  return np.asarray(jax.jit(module.apply)({"params": fitted.params}, points))


def test_half_the_distance_between_the_two_kinds_is_learned(disc):
  _, _, fitted = disc
  radius = np.linspace(0.3, 0.7, 9)
  angle = np.linspace(0, 5, 9)
  points = np.stack(
    [radius * np.cos(angle), radius * np.sin(angle), 0 * angle], axis=-1
  )
  exact = np.clip((0.5 - radius) / 2 / fitted.reach, -1, 1)
  np.testing.assert_allclose(_signed(fitted, points), exact, atol=0.2)
  assert fitted.error < 0.05


def test_nodes_are_told_apart(disc):
  nodes, inside, fitted = disc
  found = _signed(fitted, nodes.points) > 0
  assert np.sum(found & inside) / np.sum(found | inside) > 0.97


def test_beyond_its_box_nothing_belongs_to_it(disc):
  far = np.array([[3.0, 0, 0], [0, 0, -2.0], [0.9, 0.9, 0]])
  np.testing.assert_array_less(_signed(disc[2], far), -0.9)


def test_the_same_again(disc, monkeypatch):
  nodes, inside, _ = disc
  for name, value in (("_EXAMPLES", 1 << 9), ("_BATCH", 64), ("_STEPS", 3)):
    monkeypatch.setattr(fitting, name, value)
  one, two = fitting.fit(nodes, inside), fitting.fit(nodes, inside)
  jax.tree.map(np.testing.assert_array_equal, one.params, two.params)


@pytest.mark.parametrize("value, said", ((True, "every"), (False, "no place")))
def test_all_or_nothing_is_no_region(value, said):
  nodes = _plane()
  with pytest.raises(user_error.UserError, match=said):
    fitting.fit(nodes, np.full(len(nodes.points), value))
