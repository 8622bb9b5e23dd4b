"""From what is known of some nodes to all: what belongs together is alike.

Nodes are joined to their neighbours, the weaker the more their colours differ
and the deeper the crease between them: things meet where surfaces are concave
(Stein et al. 2014). Inside-ness spreads along these edges as a random walker
does (Grady 2006): the share of walkers from a node that first come to one which
is known to be inside.
"""

import numpy as np
from scipy import sparse, spatial
from scipy.sparse import linalg

from stylized_nerf_jax.regions import seeds as seeds_lib
from stylized_nerf_jax.regions import surfaces

_NEIGHBOURS = 10
# Differences that leave an edge a third of its weight: of colours, whose
# brightness, which light changes, counts less; and of how far normals turn.
_COLOR = 0.1
_BRIGHTNESS = 0.4
_CREASE = 0.2
_WEAKEST = 1e-4
# How strongly what is known holds, beside edges of weight 1.
_HOLD = 10.0
# What nothing tells of is outside.
_PRIOR = 1e-5
# Of clicks alone: walkers that get lost on the way, a step.
_LOST = 1e-3


def edges(nodes: surfaces.Nodes) -> sparse.csr_array:
  """Joins nodes to their neighbours.

  Returns:
    [M, M], symmetric weights in [0, 1].
  """
  count = len(nodes.points)
  near = min(_NEIGHBOURS + 1, count)
  _, index = spatial.cKDTree(nodes.points).query(
    nodes.points, k=near, workers=-1
  )
  start = np.repeat(np.arange(count), near - 1)
  end = index.reshape(count, near)[:, 1:].reshape(-1)
  offset = nodes.points[end] - nodes.points[start]
  length = np.maximum(np.linalg.norm(offset, axis=-1), 1e-12)
  size = np.maximum(nodes.sizes[start], nodes.sizes[end])
  color = _color_difference(nodes.colors[end] - nodes.colors[start])
  turn = nodes.normals[end] - nodes.normals[start]
  crease = np.sum(turn * offset, axis=-1) / length
  weight = np.exp(
    -((color / _COLOR) ** 2) * (1 - np.clip(crease / _CREASE, 0.0, 1.0))
    - (np.maximum(-crease, 0.0) / _CREASE) ** 2
    - (length / (4.0 * size)) ** 2
  )
  weight = np.maximum(weight, _WEAKEST)
  joined = sparse.coo_array((weight, (start, end)), (count, count)).tocsr()
  return joined.maximum(joined.T)


def _color_difference(change: np.ndarray) -> np.ndarray:
  """Measures changes of colour [..., 3], mostly of hue: [...]."""
  brightness = change.mean(axis=-1, keepdims=True)
  hue = np.sum((change - brightness) ** 2, axis=-1)
  return np.sqrt(hue + _BRIGHTNESS**2 * 3 * brightness[..., 0] ** 2)


def spread(joined: sparse.csr_array, seeds: seeds_lib.Seeds) -> np.ndarray:
  """Computes how likely nodes are inside: [M], in [0, 1].

  Args:
    joined: edges of the nodes.
    seeds: what is known of them.
  """
  return _solve(joined, _HOLD * seeds.known, seeds.inside, _PRIOR)


def around(joined: sparse.csr_array, seeds: seeds_lib.Seeds) -> np.ndarray:
  """Finds what belongs to a few nodes: [M], 1 inside, 0 outside.

  Of the sets that walkers reach more often than all others, the one with the
  fewest edges to the rest for its size (Andersen, Chung and Lang 2006).

  Args:
    joined: edges of the nodes.
    seeds: nodes that are inside, and any that are not.
  """
  degree = joined.sum(axis=1)
  reached = _solve(joined, 1e3 * seeds.known, seeds.inside, _LOST * degree)
  order = np.argsort(-reached, kind="stable")
  place = np.empty_like(order)
  place[order] = np.arange(len(order))
  # An edge is cut by the sets that hold one of its ends.
  pairs = sparse.triu(joined, k=1).tocoo()
  ends = np.sort(np.stack([place[pairs.row], place[pairs.col]]), axis=0)
  cut = np.bincount(ends[0], pairs.data, len(order))
  cut = np.cumsum(cut - np.bincount(ends[1], pairs.data, len(order)))
  volume = np.cumsum(degree[order])
  score = cut / np.minimum(volume, volume[-1] - volume + 1e-9)
  is_in = (seeds.known > 0) & (seeds.inside > 0.5)
  is_out = (seeds.known > 0) & (seeds.inside < 0.5)
  first = place[is_in].max()
  last = min(place[is_out].min(initial=len(order)), len(order) - 1)
  if last <= first:
    return (reached > 0.5).astype(np.float64)
  best = first + int(np.argmin(score[first:last]))
  return (place <= best).astype(np.float64)


def _solve(joined, hold, goal, prior) -> np.ndarray:
  """Minimises edges' squared differences and, held, those to the goal."""
  matrix = sparse.csgraph.laplacian(joined).tocsc()
  matrix = matrix + sparse.diags_array(
    hold + np.broadcast_to(prior, hold.shape)
  )
  # Nodes lie on surfaces: as for meshes, the factors stay thin.
  factors = linalg.splu(
    matrix.tocsc(),
    permc_spec="MMD_AT_PLUS_A",
    diag_pivot_thresh=0.0,
    options={"SymmetricMode": True},
  )
  return np.clip(factors.solve(hold * goal), 0.0, 1.0)
