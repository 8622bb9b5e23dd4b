#!/usr/bin/env bash
# trimesh 5.2.0, reading PLY with vertex colors. Colors of floats are taken as 0
# to 1 and become bytes. Colors of "ushort", 0 to 65,535, become bytes as well,
# but by their remainder of 256: white (65,535) stays white, mid grey (32,768)
# turns black, and 300 is 44. meshio 5.3.5 gives the 16 bits as they are in the
# file.
# Expected: 128 for 32,768. Seen: 0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  meshio==5.3.5 numpy==2.4.6 trimesh==5.2.0
"$work/venv/bin/python" - "$work" <<'PY'
import pathlib
import sys

import meshio
import numpy as np
import trimesh

HEADER = """ply
format ascii 1.0
element vertex 3
property float x
property float y
property float z
property {kind} red
property {kind} green
property {kind} blue
element face 1
property list uchar int vertex_indices
end_header
"""


def written(kind, color):
  path = pathlib.Path(sys.argv[1]) / f"{kind}.ply"
  corners = ("0 0 0", "1 0 0", "0 1 0")
  rows = "".join(f"{corner} {color}\n" for corner in corners)
  path.write_text(HEADER.format(kind=kind) + rows + "3 0 1 2\n")
  return path


def read(path):
  return np.asarray(trimesh.load(path).visual.vertex_colors)[0, :3].tolist()


found = {
  "float": read(written("float", "0.5 1 0")),
  "ushort": read(written("ushort", "32768 65535 300")),
}
data = meshio.read(written("ushort", "32768 65535 300")).point_data
stored = [int(data[name][0]) for name in ("red", "green", "blue")]
print("trimesh", trimesh.__version__, found)
print("meshio", meshio.__version__, stored)
assert stored == [32768, 65535, 300]
assert found == {"float": [128, 255, 0], "ushort": [0, 255, 44]}
PY
