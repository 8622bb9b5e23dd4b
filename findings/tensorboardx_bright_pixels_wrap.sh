#!/usr/bin/env bash
# tensorboardX 2.6.5, pictures of floats: 1 is white, but what is brighter is
# not held at white. It is multiplied by 255 and cut to a byte, so that 1.01 is
# logged as 1 of 255, almost black. A render whose colors go a little over 1 has
# black specks in its highlights, in the log only.
# Expected: 255 for 1.0, 1.01 and 1.5. Seen: 255, 1 and 126, on x86-64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet \
  numpy==2.4.6 pillow==13.0.0 tensorboardX==2.6.5
"$work/venv/bin/python" - <<'PY'
import importlib.metadata
import io

import numpy as np
import tensorboardX.summary
from PIL import Image

values = [0.5, 1.0, 1.01, 1.5]
picture = np.tile(np.float32(values)[None, :, None], (1, 1, 3))
logged = tensorboardX.summary.image("render", picture, dataformats="HWC")
stored = Image.open(io.BytesIO(logged.value[0].image.encoded_image_string))
found = dict(zip(values, np.asarray(stored)[0, :, 0].tolist()))
print("tensorboardX", importlib.metadata.version("tensorboardX"), found)
assert found == {0.5: 127, 1.0: 255, 1.01: 1, 1.5: 126}
PY
