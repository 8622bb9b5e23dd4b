#!/usr/bin/env bash
# @mkkellogg/gaussian-splats-3d 0.4.7 (npm, with three 0.187.0), `Viewer`: the
# half difference of an ellipse's two variances is held at sqrt(0.1) square
# pixels at least, also where it is drawn (Kerbl et al. hold it there to bound
# the radius alone). A splat that is round in the picture is therefore drawn
# upright: the smaller, the more. Of variance 0.55, blur included, it becomes
# 0.23 across by 0.87; of 8.3 nothing is to be seen.
# Expected: as wide as high, whatever the size. Seen: small ones are drawn half
# as wide as high, large ones 0.98 times.
# Needs Node, and Debian's chromium, which draws by SwiftShader.
set -euo pipefail
chromium=$(command -v chromium)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm install --silent --prefix "$work" three@0.187.0 \
  @mkkellogg/gaussian-splats-3d@0.4.7
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  numpy==2.4.6 pillow==13.0.0 playwright==1.61.0
"$work/venv/bin/python" - "$work" "$chromium" <<'PY'
import base64
import io
import pathlib
import sys

import numpy as np
from PIL import Image
from playwright import sync_api

WORK, CHROMIUM = pathlib.Path(sys.argv[1]), sys.argv[2]
SIDE, APART, FOCAL, FAR = 160, 20, 200.0, 10.0
HOST = "http://splats.test"
PAGE = """
<body style="margin: 0"><div id="root" style="width: 160px; height: 160px">
</div><script type="importmap">{"imports": {
"three": "/node_modules/three/build/three.module.js",
"splats": "/node_modules/@mkkellogg/gaussian-splats-3d/build/gaussian-splats-3d.module.js"
}}</script><script type="module">
import * as THREE from "three";
import * as Splats from "splats";
window.draw = async (url, side, focal) => {
  const root = document.getElementById("root");
  root.replaceChildren();
  const renderer = new THREE.WebGLRenderer({preserveDrawingBuffer: true});
  renderer.setPixelRatio(1);
  renderer.setSize(side, side);
  renderer.setClearColor(0, 1);
  root.appendChild(renderer.domElement);
  const angle = (2 * 180 * Math.atan(side / (2 * focal))) / Math.PI;
  const camera = new THREE.PerspectiveCamera(angle, 1, 0.1, 100);
  camera.updateMatrixWorld(true);
  const viewer = new Splats.Viewer({renderer, camera, rootElement: root,
    selfDrivenMode: false, useBuiltInControls: false,
    sharedMemoryForWorkers: false, gpuAcceleratedSort: false,
    sceneRevealMode: Splats.SceneRevealMode.Instant});
  await viewer.addSplatScene(url, {format: Splats.SceneFormat.Ply,
    showLoadingUI: false, progressiveLoad: false});
  const sorted = async () => {
    while (viewer.sortRunning) await new Promise((f) => setTimeout(f, 10));
  };
  viewer.update();
  await sorted();
  await viewer.runSplatSort(true, true);
  await sorted();
  viewer.update();
  viewer.render();
  return renderer.domElement.toDataURL("image/png");
};
window.ready = true;
</script>
"""


def write(sigma):
  """Round white splats, at middles of pixels, that are sigma pixels wide."""
  middle = np.arange(APART // 2, SIDE, APART) + 0.5
  x, y = (grid.ravel() for grid in np.meshgrid(middle, middle))
  rows = np.zeros((len(x), 14), "<f4")
  rows[:, 0] = (x - SIDE / 2) * FAR / FOCAL
  rows[:, 1] = (SIDE / 2 - y) * FAR / FOCAL
  rows[:, 2] = -FAR
  rows[:, 3:6] = 0.5 / 0.28209479177387814
  rows[:, 6] = 2.0
  rows[:, 7:10] = np.log(sigma * FAR / FOCAL)
  rows[:, 10] = 1.0
  names = "x y z f_dc_0 f_dc_1 f_dc_2 opacity scale_0 scale_1 scale_2 "
  names += "rot_0 rot_1 rot_2 rot_3"
  head = ["ply", "format binary_little_endian 1.0", f"element vertex {len(x)}"]
  head += [f"property float {name}" for name in names.split()]
  text = "\n".join([*head, "end_header", ""])
  (WORK / "splats.ply").write_bytes(text.encode() + rows[:, :14].tobytes())


def serve(route):
  path = route.request.url.removeprefix(HOST)
  if path == "/page.html":
    route.fulfill(body=PAGE, content_type="text/html")
    return
  kind = "text/javascript" if path.endswith("js") else "application/ply"
  file = WORK / path.lstrip("/")
  if file.is_file():
    route.fulfill(body=file.read_bytes(), content_type=kind)
  else:
    route.fulfill(status=404)


def spread(picture):
  """Widths over heights of the blobs: roots of their second moments."""
  inside = np.arange(APART) - APART // 2
  found = []
  for top in range(0, SIDE, APART):
    for left in range(0, SIDE, APART):
      blob = picture[top : top + APART, left : left + APART]
      across = (blob.sum(0) * inside**2).sum()
      along = (blob.sum(1) * inside**2).sum()
      if blob.any():
        found.append(np.sqrt(across / along))
  return float(np.median(found))


with sync_api.sync_playwright() as player:
  browser = player.chromium.launch(
    executable_path=CHROMIUM,
    args=["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
          "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"],
  )
  page = browser.new_page()
  page.route("**/*", serve)
  found = {}
  for sigma in (0.5, 2.83):
    write(sigma)
    page.goto(f"{HOST}/page.html")
    page.wait_for_function("window.ready === true")
    url = page.evaluate(
      "([u, s, f]) => window.draw(u, s, f)",
      [f"{HOST}/splats.ply", SIDE, FOCAL],
    )
    data = base64.b64decode(url.partition(",")[2])
    drawn = np.asarray(Image.open(io.BytesIO(data)).convert("L"), float)
    found[sigma] = round(spread(drawn), 2)
  print("chromium", browser.version, "width over height", found)
  browser.close()
assert 0.4 < found[0.5] < 0.75, found
assert 0.95 < found[2.83] < 1.0, found
PY
