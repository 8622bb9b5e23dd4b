"""The smooth map of colours that carries one palette into another.

An affine map brings mean and covariance and no more: a print of flat colours on
paper has more than one hill in the cube. Here the map is a table
(`color_tables.py`) whose images of the content's colours lie as the painting's
do, by the sliced Wasserstein distance (Bonneel et al. 2015; Pitie et al. 2007
move colours along slices in this way), and which is as smooth as it must be.
It begins with the optimal map between Gaussians,

  A = S_c^(-1/2) (S_c^(1/2) S_s S_c^(1/2))^(1/2) S_c^(-1/2),  b = m_s - A m_c,

symmetric and without negative eigenvalues, so that nothing is turned around,
and adds a displacement D of the lattice. In each round every colour x, now at
z = A x + b + D(x), is pulled to the mean over directions of where its rank in
that direction lies among the painting's colours, and D is the minimum of

  mean |A x + b + D(x) - pulled|^2 + w |second derivatives of D|^2
    + v |first derivatives of D|^2,

a sparse linear system whose factors serve all rounds. Where that makes the map
too steep, or turns it back, D counts for less: the affine map is neither, so
that there is a share of D with which noise is not blown up and a ramp of
colours stays a ramp.
"""

import functools

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from stylized_nerf_jax.stylizer import color_tables, palette

_COLORS = 4096  # of each palette
_DIRECTIONS = 32
_ROUNDS = 16
_BEND = 1e-4  # w
_STRETCH = 1e-3  # v
_STEEPEST = 4.0
_HALVINGS = 6  # of the share of D
_STEEPEST_AFFINE = 3.0
# A deviation of 1 in 100: finer differences of a picture are its noise.
_SMALLEST_VARIANCE = 1e-4


def fit(
  content: np.ndarray, style: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
  """Fits the table that gives colours the palette of a painting.

  Args:
    content: [N, 3], colours in [0, 1].
    style: [M, 3], those of the painting.
    weights: [N], none negative, not all zero: how much of the content each
      counts; None: all the same.

  Returns:
    [n, n, n, 3] float32, n = `color_tables.SIZE`; the same for the same
    arguments.
  """
  source = sample(content, weights)
  target = sample(style)
  start = gaussian_map(palette.statistics(source), palette.statistics(target))
  base = color_tables.of_map(start)
  whole = _displacement(source, target, start)
  if _is_smooth(base + whole):
    return (base + whole).astype(np.float32)
  share, step = 0.0, 0.5
  for _ in range(_HALVINGS):
    if _is_smooth(base + (share + step) * whole):
      share += step
    step /= 2.0
  return (base + share * whole).astype(np.float32)


def sample(
  colors: np.ndarray, weights: np.ndarray | None = None, count: int = _COLORS
) -> np.ndarray:
  """Chooses colours that stand for all, each for the same share of weight.

  Args:
    colors: [N, 3].
    weights: [N], as in `fit`.
    count: how many are chosen, some more than once where N is small.

  Returns:
    [count, 3], float64; the same for the same arguments.
  """
  colors = np.asarray(colors, np.float64).reshape(-1, 3)
  if weights is None:
    weights = np.ones(len(colors))
  # Neighbours of a picture are alike: a comb over its rows could miss columns.
  order = np.random.default_rng(0).permutation(len(colors))
  sums = np.cumsum(np.asarray(weights, np.float64)[order])
  comb = (np.arange(count) + 0.5) / count * sums[-1]
  return colors[order[np.searchsorted(sums, comb)]]


def gaussian_map(
  content: palette.Statistics, style: palette.Statistics
) -> palette.ColorMap:
  """Returns the optimal affine map between two Gaussians.

  Args:
    content: of the colours; variances count as those of noise at least.
    style: of the painting.

  Returns:
    A, symmetric, eigenvalues in [0, 3]; and b.
  """
  root = palette.power(content.covariance, 0.5, _SMALLEST_VARIANCE)
  inverse = palette.power(content.covariance, -0.5, _SMALLEST_VARIANCE)
  inner = palette.power(root @ style.covariance @ root, 0.5, 0.0)
  values, vectors = np.linalg.eigh(inverse @ inner @ inverse)
  values = np.clip(values, 0.0, _STEEPEST_AFFINE)
  matrix = (vectors * values) @ vectors.T
  return palette.ColorMap(matrix, style.mean - matrix @ content.mean)


def slopes(table: np.ndarray) -> tuple[float, float]:
  """Measures how steep a table is.

  Args:
    table: [n, n, n, 3].

  Returns:
    The largest singular value of the derivatives at the lattice's cells, and
    the smallest eigenvalue of their symmetric part: not negative where no two
    neighbouring colours change places.
  """
  count = len(table) - 1
  inside = (slice(0, count),) * 3
  derivatives = np.stack(
    [np.diff(table, axis=axis)[inside] * count for axis in range(3)], axis=-1
  )
  steepest = np.linalg.svd(derivatives, compute_uv=False).max()
  symmetric = (derivatives + np.swapaxes(derivatives, -1, -2)) / 2.0
  return float(steepest), float(np.linalg.eigvalsh(symmetric).min())


def _is_smooth(table: np.ndarray) -> bool:
  steepest, flattest = slopes(table)
  return steepest <= _STEEPEST and flattest >= 0.0


def _displacement(source, target, start: palette.ColorMap) -> np.ndarray:
  """Fits D, [n, n, n, 3]."""
  size, count = color_tables.SIZE, len(source)
  index, shares = color_tables.corners(source, size)
  rows = np.repeat(np.arange(count), 8)
  reads = scipy.sparse.csr_matrix(
    (shares.ravel(), (rows, index.ravel())), shape=(count, size**3)
  )
  bending, stretching = _roughness(size)
  system = reads.T @ reads / count + _BEND * bending + _STRETCH * stretching
  # The lattice may move as a whole where the first derivatives allow it.
  system = system + 1e-9 * scipy.sparse.identity(size**3)
  # Symmetric and positive definite: no pivots, half the time.
  factors = scipy.sparse.linalg.splu(
    system.tocsc(),
    permc_spec="MMD_AT_PLUS_A",
    diag_pivot_thresh=0.0,
    options={"SymmetricMode": True},
  )
  base = source @ start.matrix.T + start.offset
  directions = _directions(_DIRECTIONS)
  wanted = np.sort(target @ directions.T, axis=0)
  displacement = np.zeros((size**3, 3))
  for _ in range(_ROUNDS):
    colors = base + reads @ displacement
    pulled = colors + _pull(colors, directions, wanted)
    displacement = factors.solve(reads.T @ (pulled - base) / count)
  return displacement.reshape(size, size, size, 3)


def _pull(colors, directions, wanted) -> np.ndarray:
  """Returns the mean way [N, 3] of colours to their ranks' places."""
  projected = colors @ directions.T
  order = np.argsort(projected, axis=0)
  ways = np.empty_like(projected)
  np.put_along_axis(ways, order, wanted, axis=0)
  # Directions see a third of a way each.
  return 3.0 / len(directions) * (ways - projected) @ directions


def _directions(count: int) -> np.ndarray:
  """Unit vectors [count, 3], evenly over half a sphere, along a spiral."""
  index = np.arange(count)
  height = 1.0 - (index + 0.5) / count
  angle = index * np.pi * (np.sqrt(5.0) - 1.0)
  radius = np.sqrt(1.0 - height**2)
  return np.stack(
    [radius * np.cos(angle), radius * np.sin(angle), height], axis=-1
  )


@functools.lru_cache(maxsize=2)
def _roughness(size: int):
  """Returns the quadratic forms of second and of first derivatives.

  Both are means over the cube of the sum of squares of a function on the
  lattice [n^3], sparse [n^3, n^3].
  """
  second = scipy.sparse.diags(
    [1.0, -2.0, 1.0], [0, 1, 2], shape=(size - 2, size)
  )
  first = scipy.sparse.diags([-1.0, 1.0], [0, 1], shape=(size - 1, size))
  along = {0: scipy.sparse.identity(size), 1: first.T @ first}
  along[2] = second.T @ second

  def form(*orders):
    red, green, blue = (along[order] for order in orders)
    squares = scipy.sparse.kron(scipy.sparse.kron(red, green), blue)
    return squares * float((size - 1) ** (2 * sum(orders))) / size**3

  bending = form(2, 0, 0) + form(0, 2, 0) + form(0, 0, 2)
  bending = bending + 2.0 * (form(1, 1, 0) + form(1, 0, 1) + form(0, 1, 1))
  return bending, form(1, 0, 0) + form(0, 1, 0) + form(0, 0, 1)
