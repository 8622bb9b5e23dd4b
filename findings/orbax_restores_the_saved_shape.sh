#!/usr/bin/env bash
# orbax-checkpoint 0.12.8, `StandardCheckpointer.restore` against a target whose
# array has another shape than what was saved. A jax array, or a ShapeDtypeStruct
# with a sharding, raises ValueError. A numpy array, or a ShapeDtypeStruct without
# one, gets the array in the saved shape, and nothing is said.
# Expected: an error in all four cases. Seen: in two.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 orbax-checkpoint==0.12.8
JAX_PLATFORMS=cpu "$work/venv/bin/python" - "$work/saved" <<'PY'
import importlib.metadata
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

place = jax.sharding.SingleDeviceSharding(jax.devices()[0])
TARGETS = {
  "numpy": np.zeros((4, 5), np.float32),
  "struct": jax.ShapeDtypeStruct((4, 5), np.float32),
  "struct with sharding": jax.ShapeDtypeStruct(
    (4, 5), np.float32, sharding=place
  ),
  "jax": jnp.zeros((4, 5)),
}
found = {}
with ocp.StandardCheckpointer() as checkpointer:
  folder = pathlib.Path(sys.argv[1])
  checkpointer.save(folder, {"w": np.ones((2, 3), np.float32)})
  checkpointer.wait_until_finished()
  for name, target in TARGETS.items():
    try:
      found[name] = checkpointer.restore(folder, {"w": target})["w"].shape
    except ValueError:
      found[name] = "ValueError"
print("orbax-checkpoint", importlib.metadata.version("orbax-checkpoint"), found)
assert found == {
  "numpy": (2, 3),
  "struct": (2, 3),
  "struct with sharding": "ValueError",
  "jax": "ValueError",
}
PY
