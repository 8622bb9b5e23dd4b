"""Many rows under one small matrix: one compiler release got them wrong.

Rows from the 10,922nd on, where a matrix that they share is multiplied in and
summed, and the result is summed over the row again. All places of the package
that work so are held to what they make of few rows.
"""

import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stylized_nerf_jax
from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import shared_matrix
from stylized_nerf_jax.scenes import normalization
from stylized_nerf_jax.stylizer import palette

_ROWS, _PARTS = 40_000, 8
_SPACE = normalization.RaySpace(
  "box", 0.5, 6.0, 1.0, 1.0, (-1.0, -1.0, -1.0), (1.0, 1.5, 2.0)
)
_RANDOM = np.random.default_rng(0)
_MATRIX = _RANDOM.normal(size=(3, 3)).astype(np.float32)
_OFFSET = _RANDOM.normal(size=3).astype(np.float32)
_CAMERA = rays_lib.CameraArrays(
  jnp.asarray(np.c_[np.linalg.qr(_MATRIX)[0], _OFFSET], jnp.float32),
  jnp.asarray([30.0, 31.0, 20.0, 15.0]),
  jnp.zeros(4),
)


def _cast(rows):
  rays = rays_lib.cast_rays(_CAMERA, 20 * rows[:, :2], _SPACE)
  return rays.directions, rays.near, rays.far


_PLACES = {
  "product": lambda rows: shared_matrix.apply(_MATRIX, rows),
  "palette": lambda rows: palette.apply(rows, _MATRIX, _OFFSET),
  "rays": _cast,
  "pixels": lambda rows: rays_lib.project(5 * rows, _CAMERA),
  "points": lambda rows: rays_lib.unproject_depth(
    _CAMERA, 20 * rows[:, :2], rows[:, 2]
  ),
  "luma": lambda rows: stylization._luma_and_chroma(rows, 2.0),
}


def _summed(place):
  """What a place makes of rows, and sums of it over the rows."""

  def compute(rows):
    results = jax.tree.leaves(_PLACES[place](rows))
    rows_of = [r.reshape(len(rows), -1) for r in results]
    return [
      *rows_of,
      *(jnp.sum(r, axis=-1) for r in rows_of),
      *(r / jnp.linalg.norm(r, axis=-1, keepdims=True) for r in rows_of),
    ]

  return jax.jit(compute)


@pytest.mark.parametrize("place", _PLACES)
def test_many_rows_are_as_few(place):
  rows = _RANDOM.uniform(0.1, 1, (_ROWS, 3)).astype(np.float32)
  compute = _summed(place)
  parts = [compute(part) for part in np.split(rows, _PARTS)]
  for number, many in enumerate(compute(rows)):
    few = np.concatenate([part[number] for part in parts])
    np.testing.assert_allclose(many, few, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 3), (3, 5), (5, 5), (2, 3)])
def test_products_equal_numpys(shape):
  matrix = _RANDOM.normal(size=shape)
  rows = _RANDOM.normal(size=(_ROWS, shape[1]))

  def compute(rows):
    return jnp.sum(shared_matrix.apply(jnp.float32(matrix), rows) ** 2, axis=-1)

  wanted = np.sum((rows @ matrix.T) ** 2, axis=-1)
  found = jax.jit(compute)(jnp.float32(rows))
  np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


def test_matrices_of_each_row():
  matrices = _RANDOM.normal(size=(4, 1, 2, 3))
  rows = _RANDOM.normal(size=(5, 3))
  np.testing.assert_allclose(
    shared_matrix.apply(matrices, rows),
    np.einsum("axij,xbj->abi", matrices, rows[None]),
  )


def test_no_other_product_is_summed_so():
  """As `jnp.sum(matrix * rows[..., None, :], axis=-1)`, on any line."""
  summed = re.compile(
    r"sum\(\s*[^()]*\*[^()]*None, :\][^()]*axis=-1|None, :\]\)\.sum\(\s*-1"
  )
  assert summed.search("jnp.sum(m * rows[:, None, :], axis=-1)")
  assert summed.search("(m * rows[..., None, :]).sum(-1)")
  package = pathlib.Path(stylized_nerf_jax.__file__).parent
  found = [
    path
    for path in package.rglob("*.py")
    if path.name != "shared_matrix.py" and summed.search(path.read_text())
  ]
  assert not found
