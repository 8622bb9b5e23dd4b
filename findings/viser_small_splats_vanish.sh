#!/usr/bin/env bash
# viser 1.1.1, `scene.add_gaussian_splats`: splats go out as they become small.
# Its shader leaves out whatever has less than 0.25 of opacity times
# determinant, in pixels to the fourth, of the covariance in the picture; a
# blur of 0.3 is in it, so an opaque splat far away comes to 0.09. A surface of
# opaque splats, two deviations from one to the next, therefore disappears as
# one steps back, though it has no hole; elsewhere every splat is drawn, by its
# blur at least.
# Expected: from 24 times as far away some three pixels across. Seen: nothing,
# though a wall 24 times as large is drawn there as the first is from near.
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

SIDE, FOCAL, NEAR = 200, 200.0, 10.0
COUNT, APART, DEVIATION = 12, 6.0, 3.0  # of a row; in pixels from near
# Distance, and size of the wall.
WALLS = {
  "near": (NEAR, 1),
  "24 times as far": (24 * NEAR, 1),
  "as far, as much larger": (24 * NEAR, 24),
}
FOV = 2 * math.atan(SIDE / 2 / FOCAL)
found = {}


def look(server):
  """Draws a wall of opaque splats from near and from far."""
  while not server.get_clients():
    time.sleep(0.1)
  time.sleep(3)
  (client,) = server.get_clients().values()
  client.camera.fov = FOV
  # Turned a little, and not round: level and round splats are another matter.
  turned = np.array([[1.0, 0.1, 0.0], [0.1, 1.2, 0.0], [0.0, 0.0, 1e-4]])
  for name, (distance, size) in WALLS.items():
    pixel = size * NEAR / FOCAL
    row = (np.arange(COUNT) - COUNT / 2) * APART * pixel
    x, y = (grid.ravel() for grid in np.meshgrid(row, row))
    node = server.scene.add_gaussian_splats(
      "/wall",
      centers=np.stack([x, y, 0 * x], axis=-1),
      covariances=np.tile(turned * (DEVIATION * pixel) ** 2, (len(x), 1, 1)),
      rgbs=np.ones((len(x), 3)),
      opacities=np.ones((len(x), 1)),
    )
    time.sleep(3)
    picture = client.get_render(
      SIDE,
      SIDE,
      wxyz=(1.0, 0.0, 0.0, 0.0),
      position=(0.0, 0.0, -distance),
      fov=FOV,
      transport_format="png",
    )
    found[name] = int((picture[..., 3] > 25).sum())
    node.remove()


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
print("viser", viser.__version__, "pixels that are drawn:", found)
assert found["near"] > (COUNT * APART) ** 2 / 2
assert found["as far, as much larger"] > (COUNT * APART) ** 2 / 2
assert found["24 times as far"] == 0
PY
