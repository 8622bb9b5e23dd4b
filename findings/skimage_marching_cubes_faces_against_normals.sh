#!/usr/bin/env bash
# scikit-image 0.26.0, `marching_cubes` of a density: high inside, as a radiance
# field has it. The faces and the normals that one call gives contradict each
# other: by the order of their corners (right-hand rule, as PLY, OBJ and glTF
# viewers have it) the faces look inwards, the normals point outwards. The
# option gradient_direction="ascent" turns the faces and leaves the normals. For
# a distance, low inside, the faces look outwards and the normals point inwards.
# Expected: both on one side. Seen: against each other in each default call.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  numpy==2.4.6 scikit-image==0.26.0 scipy==1.17.1
"$work/venv/bin/python" - <<'PY'
import numpy as np
import skimage
from skimage.measure import marching_cubes

ends = slice(-1, 1, 21j)
density = 0.6 - np.linalg.norm(np.mgrid[ends, ends, ends], axis=0)
VOLUMES = {"density": density, "distance": -density}


def side(vectors, places):
  """1 if all point away from the middle of the ball, -1 if all to it."""
  outward = np.sum(vectors * (places - 10), axis=1)
  outward = outward[np.abs(outward) > 1e-6]  # faces of no area
  (sign,) = set(np.sign(outward).astype(int).tolist())
  return sign


found = {}
for name, volume in VOLUMES.items():
  for direction in ("descent", "ascent"):
    corners, faces, normals, _ = marching_cubes(
      volume, 0, gradient_direction=direction
    )
    a, b, c = (corners[faces[:, i]] for i in range(3))
    found[name, direction] = (
      side(np.cross(b - a, c - a), (a + b + c) / 3),
      side(normals, corners),
    )
print("scikit-image", skimage.__version__, "(faces, normals), 1 is outwards:")
for case, sides in found.items():
  print(*case, sides)
assert found == {
  ("density", "descent"): (-1, 1),
  ("density", "ascent"): (1, 1),
  ("distance", "descent"): (1, -1),
  ("distance", "ascent"): (-1, -1),
}
PY
