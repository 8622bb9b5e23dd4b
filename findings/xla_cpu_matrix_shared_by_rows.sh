#!/usr/bin/env bash
# jaxlib 0.10.2, CPU, under jit. One 3 x 3 matrix, shared by N vectors, multiplied
# in and summed, then a sum over each result (here: its length). Rows 0 to 10,921
# are right. From row 10,922 on most are wrong, without a warning; 3 x 10,922 is
# just below 2^15. Outside of jit all rows are right, and so they are with a
# matrix product in place of the first sum.
# Expected: the same numbers for every N. Seen: wrong rows once N is 10,923.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$work/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp
import numpy as np


def summed(matrix, vectors):
  turned = (matrix * vectors[:, None, :]).sum(-1)
  return turned / jnp.sqrt((turned**2).sum(-1, keepdims=True))


def product(matrix, vectors):
  turned = vectors @ matrix.T
  return turned / jnp.sqrt((turned**2).sum(-1, keepdims=True))


random = np.random.default_rng(0)
matrix = random.normal(size=(3, 3)).astype(np.float32)
found = {}
for rows in (10_922, 10_923, 40_000):
  vectors = random.normal(size=(rows, 3)).astype(np.float32)
  exact = vectors.astype(np.float64) @ matrix.astype(np.float64).T
  exact /= np.linalg.norm(exact, axis=-1, keepdims=True)

  def wrong(values):
    return np.nonzero(np.abs(np.asarray(values) - exact).max(-1) > 1e-3)[0]

  bad = wrong(jax.jit(summed)(matrix, vectors))
  found[rows] = (len(bad), int(bad[0]) if len(bad) else None)
  assert not len(wrong(summed(matrix, vectors)))
  assert not len(wrong(jax.jit(product)(matrix, vectors)))
print("jaxlib", jax.lib.__version__, "rows: (wrong, first wrong)", found)
assert found[10_922] == (0, None)
assert found[10_923] == (1, 10_922)
assert found[40_000][0] > 20_000 and found[40_000][1] == 10_922
PY
