"""Which splats each tile of a picture draws, nearest first.

A plan holds for as long as splats stay about where they are: it is made on the
host, and drawing takes it as constant arrays of one shape.
"""

from typing import NamedTuple

import numpy as np

from stylized_nerf_jax.splatting import projection

# Pixels, sides of a tile. Splats of a few pixels' size touch few small tiles.
SIDE = 8


class Plan(NamedTuple):
  """What T tiles draw.

  Attributes:
    index: [T, M] int32, splats of each tile, nearest first; what is behind
      `counts` is 0 and not drawn.
    counts: [T] int32, at most M.
    tile: [T] int32, tiles as counted row by row over the picture: those that
      draw most stand first, so that tiles that are worked on together have
      about the same to do.
    dropped: pairs of tile and splat that did not fit into M: the farthest of
      their tiles.
  """

  index: np.ndarray
  counts: np.ndarray
  tile: np.ndarray
  dropped: int


def grid(size: tuple[int, int]) -> tuple[int, int]:
  """Returns rows and columns of tiles that cover a picture [H, W]."""
  return -(-size[0] // SIDE), -(-size[1] // SIDE)


def plan(
  ellipses: projection.Ellipses,
  size: tuple[int, int],
  most: int,
  *,
  margin: float = 0.0,
) -> Plan:
  """Finds which splats tiles draw.

  Args:
    ellipses: of the picture.
    size: its height and width.
    most: splats of a tile, M.
    margin: pixels that splats may move or grow by before a new plan is due.
  """
  rows, columns = grid(size)
  reach = np.asarray(ellipses.reach)
  drawn = np.flatnonzero((reach > 0).all(axis=-1))
  xy, reach = np.asarray(ellipses.xy)[drawn], reach[drawn] + margin
  limits = np.array([columns, rows])
  first = np.clip(np.floor((xy - reach) / SIDE), 0, limits).astype(np.int64)
  last = np.clip(np.ceil((xy + reach) / SIDE), 0, limits).astype(np.int64)
  spans = np.maximum(last - first, 0)
  count = spans[:, 0] * spans[:, 1]
  splat = np.repeat(np.arange(len(drawn)), count)
  within = np.arange(len(splat)) - np.repeat(np.cumsum(count) - count, count)
  column = first[splat, 0] + within % spans[splat, 0]
  row = first[splat, 1] + within // spans[splat, 0]
  number = row * columns + column
  near = np.argsort(np.asarray(ellipses.depth)[drawn], kind="stable")
  rank = np.empty(len(drawn), np.int64)
  rank[near] = np.arange(len(drawn))
  order = np.argsort(number * max(len(drawn), 1) + rank[splat], kind="stable")
  number, splat = number[order], drawn[splat[order]]
  total = np.bincount(number, minlength=rows * columns)
  place = np.arange(len(number)) - (np.cumsum(total) - total)[number]
  kept = place < most
  index = np.zeros((rows * columns, most), np.int32)
  index[number[kept], place[kept]] = splat[kept]
  busiest = np.argsort(-total, kind="stable")
  return Plan(
    index=index[busiest],
    counts=np.minimum(total, most)[busiest].astype(np.int32),
    tile=busiest.astype(np.int32),
    dropped=int(len(number) - kept.sum()),
  )
