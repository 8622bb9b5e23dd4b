#!/usr/bin/env bash
# gsply 0.4.6 and @playcanvas/splat-transform 2.7.1, Gaussians as SPZ. The axes
# of SPZ are right, up and back (README of the format), those of a PLY of
# Gaussians mostly right, down and front. splat-transform turns the scene by
# half a turn about x when it writes or reads SPZ. gsply does not: it stores the
# numbers of the PLY. Each reads its own file well; what one has written is
# upside down and back to front in the other, both ways.
# Expected: (1, 2, 3) from all four. Seen: (1, -2, -3) from the two that cross.
# Needs Node (seen with 20.20) and npm too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  gsply==0.4.6 llvmlite==0.50.0 numba==0.68.1 numpy==2.4.6 zstandard==0.25.0
cd "$work"
npm install --silent --prefix "$work" @playcanvas/splat-transform@2.7.1
turn() { "$work/node_modules/.bin/splat-transform" -w "$@" >/dev/null 2>&1; }
"$work/venv/bin/python" - <<'PY'
import gsply
import numpy as np

gsply.plywrite(
  "scene.ply",
  np.float32([[1, 2, 3], [4, 5, 6]]),
  np.full((2, 3), -3, np.float32),
  np.tile(np.float32([1, 0, 0, 0]), (2, 1)),
  np.float32([-2, 2]),
  np.zeros((2, 3), np.float32),
)
gsply.write_spz("by_gsply.spz", gsply.plyread("scene.ply"))
PY
turn scene.ply by_splat_transform.spz
turn by_gsply.spz by_gsply.csv
turn by_splat_transform.spz by_splat_transform.csv
"$work/venv/bin/python" - <<'PY'
import csv
import pathlib

import gsply

found = {}
for writer in ("gsply", "splat_transform"):
  first = gsply.read_spz(f"by_{writer}.spz").means[0]
  found[writer, "gsply"] = tuple(float(x) for x in first)
  lines = pathlib.Path(f"by_{writer}.csv").read_text().splitlines()
  row = next(csv.DictReader(lines))
  found[writer, "splat_transform"] = tuple(float(row[axis]) for axis in "xyz")
print("gsply", gsply.__version__, "(written by, read by): first center")
for case, center in found.items():
  print(case, center)
assert found == {
  ("gsply", "gsply"): (1, 2, 3),
  ("gsply", "splat_transform"): (1, -2, -3),
  ("splat_transform", "gsply"): (1, -2, -3),
  ("splat_transform", "splat_transform"): (1, 2, 3),
}
PY
