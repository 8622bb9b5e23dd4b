#!/usr/bin/env bash
# pycolmap 4.2.1, a model with a picture named "left eye/IMG 1.png", written and
# read back. The binary files keep the name. The text files hold it too, as the
# rest of the line, but `read_text` takes it to the first blank only, and
# nothing is said. So two pictures of one folder "left eye" get one and the same
# name.
# Expected: the names that were written. Seen: "left" twice from the text.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet numpy==2.4.6 pycolmap==4.2.1
"$work/venv/bin/python" - "$work" <<'PY'
import pathlib
import sys

import pycolmap

NAMES = ["left eye/IMG 1.png", "left eye/IMG 2.png"]
model = pycolmap.Reconstruction()
model.add_camera_with_trivial_rig(
  pycolmap.Camera.create_from_model_name(1, "PINHOLE", 100.0, 160, 120)
)
for number, name in enumerate(NAMES, 1):
  model.add_image_with_trivial_frame(
    pycolmap.Image(name=name, camera_id=1, image_id=number),
    pycolmap.Rigid3d(),
  )
found = {}
for kind in ("binary", "text"):
  folder = pathlib.Path(sys.argv[1]) / kind
  folder.mkdir()
  getattr(model, f"write_{kind}")(folder)
  back = pycolmap.Reconstruction()
  getattr(back, f"read_{kind}")(folder)
  found[kind] = [back.images[number].name for number in (1, 2)]
lines = (folder / "images.txt").read_text().splitlines()
assert all(any(line.endswith(name) for line in lines) for name in NAMES)
print("pycolmap", pycolmap.__version__, found)
assert found == {"binary": NAMES, "text": ["left", "left"]}
PY
