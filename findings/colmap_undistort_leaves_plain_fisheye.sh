#!/usr/bin/env bash
# pycolmap 4.2.1, `undistort_images`. A camera whose distortion coefficients are
# all zero, or that has none, counts as free of distortion, and its pictures are
# copied. That is right for the perspective models and wrong for the fisheye
# ones: without coefficients they are still equidistant, r = f * angle, and no
# pinhole. So FISHEYE and SIMPLE_FISHEYE are never undistorted, and
# OPENCV_FISHEYE, SIMPLE_RADIAL_FISHEYE and the others are not while k is 0, as
# it is in a model made from a nominal lens. No warning is given; the log, at
# the level of information, speaks of an image that is undistorted already.
# Expected: PINHOLE for every model, or an error. Seen: the model that came in,
# with the picture unchanged; with k = 0.001 it is PINHOLE.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  numpy==2.4.6 pillow==13.0.0 pycolmap==4.2.1
"$work/venv/bin/python" - "$work" 2>"$work/said" <<'PY'
import pathlib
import sys

import numpy as np
from PIL import Image

import pycolmap  # isort: skip

WIDTH, HEIGHT, FOCAL = 160, 120, 100.0
root = pathlib.Path(sys.argv[1])
(root / "pictures").mkdir()
random = np.random.default_rng(0)
Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)).save(
  root / "pictures" / "a.png"
)


def pixels(folder):
  return np.asarray(Image.open(folder / "a.png"))


def undistorted(name, k):
  camera = pycolmap.Camera.create_from_model_name(1, name, FOCAL, WIDTH, HEIGHT)
  # 45 degrees off the axis: at r = f * pi / 4 if equidistant, r = f if pinhole
  radius = camera.img_from_cam(np.array([[1.0, 0.0, 1.0]]))[0, 0] - WIDTH / 2
  assert abs(radius - FOCAL * np.pi / 4) < 1e-6, (name, radius)
  if k:
    index = camera.params_info.split(", ").index(
      "k1" if "k1" in camera.params_info else "k"
    )
    params = camera.params
    params[index] = k
    camera.params = params
  model = pycolmap.Reconstruction()
  model.add_camera_with_trivial_rig(camera)
  model.add_image_with_trivial_frame(
    pycolmap.Image(name="a.png", camera_id=1, image_id=1), pycolmap.Rigid3d()
  )
  folder = root / f"{name}_{k}"
  (folder / "in").mkdir(parents=True)
  model.write(folder / "in")
  pycolmap.undistort_images(folder / "out", folder / "in", root / "pictures")
  written = pycolmap.Reconstruction(folder / "out" / "sparse").cameras[1]
  before, after = pixels(root / "pictures"), pixels(folder / "out" / "images")
  return written.model.name, np.array_equal(before, after)


WITH_K = (
  "OPENCV_FISHEYE",
  "SIMPLE_RADIAL_FISHEYE",
  "RADIAL_FISHEYE",
  "THIN_PRISM_FISHEYE",
)
print("pycolmap", pycolmap.__version__, "model written, picture unchanged")
for name in ("FISHEYE", "SIMPLE_FISHEYE", *WITH_K):
  found = undistorted(name, 0.0)
  print(name, *found)
  assert found == (name, True)
for name in WITH_K:
  found = undistorted(name, 0.001)
  print(name, "with k = 0.001:", *found)
  assert found == ("PINHOLE", False)
PY
test "$(grep -c "already undistorted" "$work/said")" = 6
if grep "^[WE]" "$work/said"; then exit 1; fi
