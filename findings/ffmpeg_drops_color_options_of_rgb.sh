#!/usr/bin/env bash
# ffmpeg 9.0.2 (the one in imageio-ffmpeg 0.8.1), raw RGB frames encoded with
# the output options -colorspace, -color_primaries and -color_trc. Of the three
# only the first is in the file, and no warning says so: a player is left to
# guess the primaries and the curve. The filter setparams writes all three.
# ffmpeg 7.0.2 (imageio-ffmpeg 0.6.0) writes all three both ways.
# Expected: bt709/bt709/iec61966-2-1. Seen: bt709/unknown/unknown.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
for version in 0.6.0 0.8.1; do
  "$work/venv/bin/pip" install --quiet --no-deps --target "$work/$version" \
    imageio-ffmpeg==$version
done
"$work/venv/bin/python" - "$work" <<'PY'
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
WAYS = {
  "options": (
    "-colorspace", "bt709", "-color_primaries", "bt709",
    "-color_trc", "iec61966-2-1",
  ),
  "setparams": (
    "-vf",
    "setparams=colorspace=bt709:color_primaries=bt709:color_trc=iec61966-2-1",
  ),
}  # fmt: skip


def tagged(ffmpeg, way):
  video = root / "video.mp4"
  said = subprocess.run(
    [ffmpeg, "-loglevel", "warning", "-y", "-f", "rawvideo"]
    + ["-pix_fmt", "rgb24", "-s", "64x64", "-i", "-", *way]
    + ["-pix_fmt", "yuv420p", "-c:v", "libx264", video],
    input=bytes(64 * 64 * 3),
    check=True,
    capture_output=True,
  ).stderr.decode()
  about = subprocess.run(
    [ffmpeg, "-hide_banner", "-i", video], capture_output=True
  ).stderr.decode()
  color = re.search(r"yuv420p\((?:tv, )?([^,)]+)", about)[1]
  return color, "color" in said.lower()


found = {}
for package in ("0.6.0", "0.8.1"):
  binaries = root / package / "imageio_ffmpeg" / "binaries"
  (ffmpeg,) = binaries.glob("ffmpeg*")
  banner = subprocess.run([ffmpeg, "-version"], capture_output=True).stdout
  version = re.search(r"version \D?(\d+\.\d+\.\d+)", banner.decode())[1]
  for name, way in WAYS.items():
    found[version, name], warned = tagged(ffmpeg, way)
    print("ffmpeg", version, name, found[version, name])
    assert not warned
all_three = "bt709/bt709/iec61966-2-1"
assert found == {
  ("7.0.2", "options"): all_three,
  ("7.0.2", "setparams"): all_three,
  ("9.0.2", "options"): "bt709/unknown/unknown",
  ("9.0.2", "setparams"): all_three,
}
PY
