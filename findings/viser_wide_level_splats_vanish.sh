#!/usr/bin/env bash
# viser 1.1.1, `scene.add_gaussian_splats`: a splat that lies level in the
# picture and is wider than high is not drawn. Its shader takes the long axis of
# the ellipse from (covariance, larger variance - variance across), which is
# (0, 0) for such a splat, and normalizes it. The same splat upright is drawn,
# and so it is turned by ten degrees.
# Expected: all three. Seen: nothing of the first.
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
ACROSS_AND_UPRIGHT = 8.0, 2.0  # standard deviations, in pixels
TURNS = {"level": 0.0, "upright": 90.0, "turned by 10 degrees": 10.0}
FOV = 2 * math.atan(SIDE / 2 / FOCAL)
found = {}


def covariance(degrees):
  angle = math.radians(degrees)
  cos, sin = round(math.cos(angle), 9), round(math.sin(angle), 9)
  turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
  deviations = np.array([*ACROSS_AND_UPRIGHT, 0.01]) * FAR / FOCAL
  return turn @ np.diag(deviations**2) @ turn.T


def look(server):
  """Draws an opaque splat in the middle, in each of its turns."""
  while not server.get_clients():
    time.sleep(0.1)
  time.sleep(3)
  (client,) = server.get_clients().values()
  client.camera.fov = FOV
  for name, degrees in TURNS.items():
    node = server.scene.add_gaussian_splats(
      "/splat",
      centers=np.zeros((1, 3)),
      covariances=covariance(degrees)[None],
      rgbs=np.ones((1, 3)),
      opacities=np.ones((1, 1)),
    )
    time.sleep(2)
    picture = client.get_render(
      SIDE,
      SIDE,
      wxyz=(1.0, 0.0, 0.0, 0.0),
      position=(0.0, 0.0, -FAR),
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
assert found["level"] == 0
assert found["upright"] > 30 and found["turned by 10 degrees"] > 30
PY
