#!/usr/bin/env bash
# viser 1.1.1, `scene.set_background_image(..., depth=...)`, which lets a
# rendered picture and the objects of the scene hide each other. The depth is
# sent in 24 bits as multiples of 1e-5, whatever the scene: it ends at
# 167.77215, and what is farther is held there without a word: by the depth that
# is sent, a background at 1,000 lies in front of an object at 200. The docstring
# names no limit. A scene must be scaled to be shown so.
# Expected: 168 and 1,000 apart. Seen: both 167.77215.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  msgspec==0.23.0 numpy==2.4.6 pillow==13.0.0 viser==1.1.1 zstandard==0.25.0
"$work/venv/bin/python" - <<'PY'
import io
import socket

import msgspec
import numpy as np
import viser
import zstandard
from PIL import Image

DEPTH = [1.0, 100.0, 167.0, 168.0, 1000.0]
with socket.socket() as free:
  free.bind(("127.0.0.1", 0))
  port = free.getsockname()[1]
server = viser.ViserServer(host="127.0.0.1", port=port, verbose=False)
server.scene.set_background_image(
  np.zeros((1, len(DEPTH), 3), np.uint8), depth=np.array([DEPTH])
)
recording = server.get_scene_serializer().serialize()
server.stop()
# 8 bytes of size, then zstd: 8 bytes of size, then msgpack
data = zstandard.ZstdDecompressor().decompressobj().decompress(recording[8:])
size = int.from_bytes(data[:8], "little")
messages = msgspec.msgpack.decode(data[8 : 8 + size])["messages"]
(sent,) = (
  message["depth_data"]
  for _, message in messages
  if message["type"] == "BackgroundImageMessage"
)
channels = np.asarray(Image.open(io.BytesIO(sent)))[0, :, :3].astype(int)
found = (channels @ [65536, 256, 1] / 1e5).tolist()
print("viser", viser.__version__, dict(zip(DEPTH, found)))
assert found == [1.0, 100.0, 167.0, 167.77215, 167.77215]
PY
