"""Random walks against closed forms, and objects that are known exactly."""

import numpy as np
import pytest
from scipy import sparse

from stylized_nerf_jax.regions import growth, seeds
from stylized_nerf_jax.scenes.synthetic import plaza


def _chain(weights) -> sparse.csr_array:
  count = len(weights) + 1
  one = sparse.coo_array(
    (weights, (np.arange(count - 1), np.arange(1, count))), (count, count)
  ).tocsr()
  return (one + one.T).tocsr()


def test_along_a_chain_walkers_are_as_resistors_have_it(monkeypatch):
  """Between held ends, potentials fall by each edge's resistance."""
  monkeypatch.setattr(growth, "_HOLD", 1e9)
  monkeypatch.setattr(growth, "_PRIOR", 0.0)
  weights = np.array([1.0, 0.5, 0.1, 1.0])
  known = np.array([1.0, 0, 0, 0, 1.0])
  ends = seeds.Seeds(np.array([1.0, 0, 0, 0, 0]), known)
  drops = np.cumsum(1 / weights) / np.sum(1 / weights)
  np.testing.assert_allclose(
    growth.spread(_chain(weights), ends),
    [1.0, *(1.0 - drops)],
    atol=1e-6,
  )


def test_what_nothing_tells_of_is_outside():
  nothing = seeds.Seeds(np.zeros(3), np.zeros(3))
  np.testing.assert_array_equal(growth.spread(_chain([1.0, 1.0]), nothing), 0)


def _two_cliques(size: int) -> sparse.csr_array:
  weights = np.zeros((2 * size, 2 * size))
  weights[:size, :size] = weights[size:, size:] = 1.0
  weights[size - 1, size] = weights[size, size - 1] = 0.05
  np.fill_diagonal(weights, 0.0)
  return sparse.csr_array(weights)


@pytest.mark.parametrize("outside", ((), (15,)))
def test_a_click_takes_the_clique_that_it_lies_in(outside):
  known, inside = np.zeros(20), np.zeros(20)
  known[[3, *outside]], inside[3] = 1.0, 1.0
  found = growth.around(_two_cliques(10), seeds.Seeds(inside, known))
  np.testing.assert_array_equal(found, [1.0] * 10 + [0.0] * 10)


def test_clicks_that_are_not_meant_stay_out():
  known, inside = np.zeros(20), np.zeros(20)
  known[[3, 4]], inside[3] = 1.0, 1.0
  found = growth.around(_two_cliques(10), seeds.Seeds(inside, known))
  assert found[3] == 1.0 and found[4] == 0.0 and not found[10:].any()


def test_edges_are_weak_over_creases_and_changes_of_hue(plaza_nodes, belongs):
  joined = growth.edges(plaza_nodes).tocoo()
  assert joined.data.min() > 0.0 and joined.data.max() <= 1.0
  ball = belongs("ball")
  within = ball[joined.row] & ball[joined.col]
  out_of = ball[joined.row] & ~ball[joined.col]
  assert np.median(joined.data[within]) > 5 * np.median(joined.data[out_of])


@pytest.mark.parametrize(
  "name, given", (("ball", 6), ("tower", 6), ("marble", 4), ("bush", 10))
)
def test_one_mask_finds_an_object_from_all_sides(
  plaza_views, plaza_nodes, belongs, name, given
):
  view = plaza_views[given]
  mask = plaza.object_mask(view.camera, name)
  known = seeds.of_masks(plaza_nodes, plaza_views, [(view, mask)])
  found = growth.spread(growth.edges(plaza_nodes), known) > 0.5
  exact = belongs(name)
  assert np.sum(found & exact) / np.sum(found | exact) > 0.9
