#!/usr/bin/env bash
# gsply 0.4.6, `plywrite` of arrays of Gaussians. A PLY of Gaussians holds the
# logarithm of scales and the logit of opacities. Whether an array is that
# already is guessed from its values: scales that are all from 0 to 10 are taken
# as plain scales, and so are opacities that are nearly all from 0 to 1. If one
# of the two is guessed so, both are converted. Right arrays come out wrong,
# without a word:
# - scales of 2 units (log 0.69, say a scene in centimeters): the logarithm is
#   taken twice, and logits of -2 and 2 become -9.2 and 9.2;
# - opacities of 0.6 (logit 0.41): the logarithm of the scales is taken twice;
#   being negative, they end as log(1e-9), so that no Gaussian is to be seen.
# Expected: the file holds what was given. Seen: only if neither guess is wrong.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  gsply==0.4.6 llvmlite==0.50.0 numba==0.68.1 numpy==2.4.6 plyfile==1.1.5
"$work/venv/bin/python" - "$work" <<'PY'
import pathlib
import sys

import gsply
import numpy as np
import plyfile


def stored(scale, opacities):
  """The log scale and the logits that the file holds, read by plyfile."""
  count = len(opacities)
  opacities = np.float32(opacities)
  path = pathlib.Path(sys.argv[1]) / "scene.ply"
  gsply.plywrite(
    path,
    np.arange(3 * count, dtype=np.float32).reshape(count, 3),
    np.full((count, 3), np.log(scale), np.float32),
    np.tile(np.float32([1, 0, 0, 0]), (count, 1)),
    np.log(opacities / (1 - opacities)),
    np.zeros((count, 3), np.float32),
  )
  rows = plyfile.PlyData.read(path)["vertex"]
  (log_scale,) = set(rows["scale_0"].round(2).tolist())
  return round(log_scale, 2), [round(float(x), 2) for x in rows["opacity"]]


LOW, HIGH = 0.1192, 0.8808  # logits of -2 and 2
found = {
  "scale 0.05, opacity 0.12 and 0.88": stored(0.05, [LOW, HIGH]),
  "scale 2, opacity 0.12 and 0.88": stored(2.0, [LOW, HIGH]),
  "scale 0.05, opacity 0.6": stored(0.05, [0.6, 0.6]),
}
print("gsply", gsply.__version__, "(log scale, logits) in the file:")
for case, values in found.items():
  print(case, values)
rounded = {
  case: (round(scale, 1), [round(logit, 1) for logit in logits])
  for case, (scale, logits) in found.items()
}
right, centimeters, half_seen = rounded.values()
assert right == (-3.0, [-2.0, 2.0])
assert centimeters == (-0.4, [-9.2, 9.2])  # log(log(2))
assert half_seen == (-20.7, [-0.4, -0.4])  # log(1e-9), logit(0.41)
PY
