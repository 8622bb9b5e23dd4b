#!/usr/bin/env bash
# jax 0.10.2, `jax.scipy.spatial.transform.Rotation`. The rotation by the vector
# zero is right, its derivative is not a number, forwards and backwards, and so
# is that of `as_rotvec` and `magnitude` at the identity. It is where a
# refinement of poses starts, so that the first step makes them all NaN. A
# vector of length 1e-6 is fine. `from_mrp`, `from_euler` and jaxlie 1.5.0's
# `SO3.exp` are fine at zero.
# Expected: the generators of the rotations. Seen: NaN.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  jax==0.10.2 jaxlib==0.10.2 jaxlie==1.5.0 numpy==2.4.6 scipy==1.17.1
JAX_PLATFORMS=cpu "$work/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp
import jaxlie
import numpy as np
from jax.scipy.spatial.transform import Rotation


def near_identity(vector):
  """The unit quaternion (x, y, z, w) whose first part is the vector."""
  scalar = jnp.sqrt(1 - jnp.sum(vector**2))
  return Rotation.from_quat(jnp.append(vector, scalar))


FUNCTIONS = {
  "from_rotvec": lambda v: Rotation.from_rotvec(v).as_matrix(),
  "as_rotvec": lambda v: near_identity(v).as_rotvec(),
  "magnitude": lambda v: near_identity(v).magnitude(),
  "from_mrp": lambda v: Rotation.from_mrp(v).as_matrix(),
  "from_euler": lambda v: Rotation.from_euler("xyz", v).as_matrix(),
  "jaxlie": lambda v: jaxlie.SO3.exp(v).as_matrix(),
}
ZERO, SMALL = jnp.zeros(3), jnp.array([1e-6, 0.0, 0.0])
print("jax", jax.__version__, "derivative is a number (at 0, at 1e-6)")
found = {}
for name, function in FUNCTIONS.items():
  assert np.isfinite(function(ZERO)).all()
  at_zero, at_small = (
    all(
      np.isfinite(derivative(function)(point)).all()
      for derivative in (jax.jacfwd, jax.jacrev)
    )
    for point in (ZERO, SMALL)
  )
  found[name] = (at_zero, at_small)
  print(name, *found[name])
exact = np.zeros((3, 3, 3))  # of the rotation about each axis, at no angle
exact[[2, 0, 1], [1, 2, 0], [0, 1, 2]] = 1
exact[[1, 2, 0], [2, 0, 1], [0, 1, 2]] = -1
assert np.allclose(jax.jacfwd(FUNCTIONS["jaxlie"])(ZERO), exact)
assert found == {
  "from_rotvec": (False, True),
  "as_rotvec": (False, True),
  "magnitude": (False, True),
  "from_mrp": (True, True),
  "from_euler": (True, True),
  "jaxlie": (True, True),
}
PY
