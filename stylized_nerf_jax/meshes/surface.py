"""Triangles between what is thick and what is empty.

Faces turn counterclockwise where they are seen from outside.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse, spatial

from stylized_nerf_jax import user_error
from stylized_nerf_jax.meshes.density_grid import Grid

# Points of seen surfaces that say which side of a face was seen.
_AROUND = 6
# Cosine: faces are kept that turn a little away from all of them.
_ASIDE = -0.15
# Taubin 1995: a step that shrinks, and one that swells a little more.
_SHRINK, _SWELL = 0.5, -0.53


class Mesh(NamedTuple):
  """Triangles.

  Attributes:
    vertices: [V, 3].
    faces: [F, 3], numbers of vertices.
  """

  vertices: np.ndarray
  faces: np.ndarray


def check_available() -> None:
  """Raises ValueError where the extra for meshes is not installed."""
  try:
    import fast_simplification  # noqa: F401
    import skimage  # noqa: F401
    import trimesh  # noqa: F401
  except ImportError as error:
    raise user_error.UserError(
      f"meshes need {error.name}: install the extra `mesh` "
      '(pip install "stylized-nerf-jax[mesh]")'
    ) from None


def extract(
  grid: Grid, values: np.ndarray, level: float, mask: np.ndarray | None = None
) -> Mesh:
  """Finds the surface of a level, by marching cubes (Lewiner et al. 2003).

  Args:
    grid: of the values.
    values: of the grid's shape, high inside.
    level: of the surface.
    mask: which of them are known; cubes with a corner that is not have no
      surface. None: all.

  Raises:
    ValueError: nothing reaches the level, or all is above it.
  """
  from skimage import measure

  known = values if mask is None else values[mask]
  if not known.size or not known.min() < level < known.max():
    raise user_error.UserError(
      "the field has no surface where its cameras saw one: train phase 1 "
      "longer, or export splats"
    )
  cubes = None if mask is None else _cubes(mask)
  vertices, faces, _, _ = measure.marching_cubes(
    values, level, mask=cubes, allow_degenerate=False
  )
  # Its faces turn outwards where values are low inside.
  faces = faces[:, ::-1].astype(np.int64)
  return Mesh(grid.lower + grid.step * vertices.astype(np.float64), faces)


def seen_side(mesh: Mesh, points: np.ndarray, normals: np.ndarray) -> Mesh:
  """Drops faces of which cameras can have seen the back alone.

  Args:
    mesh: of surfaces.
    points: [N, 3], on surfaces that were seen, in the mesh's frame.
    normals: [N, 3], unit, towards who saw them.
  """
  count = min(_AROUND, len(points))
  corners = mesh.vertices[mesh.faces]
  _, index = spatial.cKDTree(points).query(corners.mean(axis=1), k=count)
  across = np.cross(
    corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
  )
  size = np.linalg.norm(across, axis=-1, keepdims=True)
  facing = across / np.maximum(size, 1e-30)
  index = np.reshape(index, (-1, count))
  cosines = np.einsum("fi,fki->fk", facing, normals[index])
  return _of_faces(mesh, cosines.max(axis=1) > _ASIDE)


def without_small_parts(mesh: Mesh, share: float) -> Mesh:
  """Drops parts by themselves that have less than a share of all area."""
  count, part = sparse.csgraph.connected_components(
    _neighbours(mesh), directed=False
  )
  of_face = part[mesh.faces[:, 0]]
  corners = mesh.vertices[mesh.faces]
  across = np.cross(
    corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
  )
  areas = np.linalg.norm(across, axis=-1)
  total = np.bincount(of_face, areas, count)
  return _of_faces(mesh, total[of_face] >= share * total.sum())


def smooth(mesh: Mesh, rounds: int) -> Mesh:
  """Takes the steps of the grid out, without shrinking (Taubin 1995)."""
  joined = _neighbours(mesh)
  mean = sparse.diags(1.0 / np.maximum(joined.sum(axis=1).A1, 1)) @ joined
  vertices = mesh.vertices
  for _ in range(rounds):
    for amount in (_SHRINK, _SWELL):
      vertices = vertices + amount * (mean @ vertices - vertices)
  return Mesh(vertices, mesh.faces)


def simplify(mesh: Mesh, most_faces: int) -> Mesh:
  """Joins faces where the surface is flat, by quadric errors (Garland 1997)."""
  import fast_simplification

  if len(mesh.faces) <= most_faces:
    return mesh
  vertices, faces = fast_simplification.simplify(
    mesh.vertices.astype(np.float32),
    mesh.faces.astype(np.int32),
    target_count=most_faces,
  )
  return _of_faces(
    Mesh(vertices.astype(np.float64), faces.astype(np.int64)),
    np.ones(len(faces), bool),
  )


def turned(mesh: Mesh) -> Mesh:
  """Turns all faces over."""
  return Mesh(mesh.vertices, mesh.faces[:, ::-1])


def _cubes(mask: np.ndarray) -> np.ndarray:
  """Marks the first corner of cubes that have all corners in a mask."""
  cubes = mask.copy()
  for axis in range(3):
    following = np.roll(cubes, -1, axis=axis)
    following[(slice(None),) * axis + (-1,)] = False
    cubes &= following
  return cubes


def _neighbours(mesh: Mesh) -> sparse.csr_matrix:
  """Tells which vertices an edge joins: [V, V], 1 where one does."""
  first, second, third = mesh.faces.T
  one = np.concatenate([first, second, third, second, third, first])
  other = np.concatenate([second, third, first, first, second, third])
  count = len(mesh.vertices)
  joined = sparse.coo_matrix((np.ones(len(one)), (one, other)), (count, count))
  joined = joined.tocsr()
  joined.data[:] = 1.0
  return joined


def _of_faces(mesh: Mesh, kept: np.ndarray) -> Mesh:
  """Keeps faces, and the vertices that they have."""
  faces = mesh.faces[kept]
  used, numbers = np.unique(faces, return_inverse=True)
  return Mesh(mesh.vertices[used], numbers.reshape(-1, 3))
