#!/usr/bin/env bash
# viser 1.1.1, `client.get_render(..., fov=)`: meshes are drawn by the field of
# view that is asked for, Gaussian splats by that of the page's own camera, so
# that the two no longer lie on each other. Setting `client.camera.fov` to it
# beforehand brings them together.
# Expected: a box and a wall of splats of one size are as wide, whatever the
# page shows. Seen: the wall two thirds as wide; as wide as the box after it.
# Needs Debian's chromium, which draws by SwiftShader.
set -euo pipefail
chromium=$(command -v chromium)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  numpy==2.4.6 playwright==1.61.0 viser==1.1.1
"$work/venv/bin/python" - "$chromium" <<'PY'
import math
import socket
import sys
import threading
import time

import numpy as np
import viser
from playwright import sync_api

SIDE, FOCAL, FAR = 200, 200.0, 10.0
FOV = 2 * math.atan(SIDE / 2 / FOCAL)  # the page's is 75 degrees
WIDE = 100 * FAR / FOCAL  # of box and wall: 100 pixels
found = {}


def width(client):
  picture = client.get_render(
    SIDE,
    SIDE,
    wxyz=(1.0, 0.0, 0.0, 0.0),
    position=(0.0, 0.0, -FAR),
    fov=FOV,
    transport_format="png",
  )
  return int((picture[..., 3] > 127).any(axis=0).sum())


def look(server):
  """Renders a box, then splats on the same square."""
  while not server.get_clients():
    time.sleep(0.1)
  time.sleep(3)
  (client,) = server.get_clients().values()
  box = server.scene.add_box("/box", dimensions=(WIDE, WIDE, 1e-3))
  time.sleep(2)
  found["box"] = width(client)
  box.remove()
  row = (np.arange(40) + 0.5) * WIDE / 40 - WIDE / 2
  x, y = (grid.ravel() for grid in np.meshgrid(row, row))
  # Turned a little, and not round: level and round splats are another matter.
  turned = np.array([[1.0, 0.1, 0.0], [0.1, 1.2, 0.0], [0.0, 0.0, 1e-4]])
  server.scene.add_gaussian_splats(
    "/wall",
    centers=np.stack([x, y, 0 * x], axis=-1),
    covariances=np.tile(turned * (WIDE / 80) ** 2, (len(x), 1, 1)),
    rgbs=np.ones((len(x), 3)),
    opacities=np.ones((len(x), 1)),
  )
  time.sleep(3)
  found["splats"] = width(client)
  client.camera.fov = FOV
  time.sleep(1)
  found["splats, after the page's own"] = width(client)


with socket.socket() as free:
  free.bind(("127.0.0.1", 0))
  port = free.getsockname()[1]
server = viser.ViserServer(host="127.0.0.1", port=port, verbose=False)
with sync_api.sync_playwright() as play:
  browser = play.chromium.launch(
    executable_path=sys.argv[1],
    args=["--no-sandbox", "--enable-unsafe-swiftshader"],
  )
  page = browser.new_page(viewport={"width": 3 * SIDE, "height": 3 * SIDE})
  page.goto(f"http://127.0.0.1:{port}")
  looking = threading.Thread(target=look, args=(server,), daemon=True)
  looking.start()
  while looking.is_alive():
    page.wait_for_timeout(100)
  browser.close()
server.stop()
print("viser", viser.__version__, "pixels across:", found)
assert abs(found["box"] - 100) <= 2
assert found["splats"] < 80
assert abs(found["splats, after the page's own"] - 100) <= 6
PY
