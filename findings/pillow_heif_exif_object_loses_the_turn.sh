#!/usr/bin/env bash
# pillow-heif 1.8.1, writing a HEIC that is to be shown turned by a quarter
# (EXIF orientation 6), `save(exif=...)`. With the EXIF as bytes the turn is
# written as HEIF wants it, as the property "irot", and comes back. With the
# same EXIF as Pillow's own object the turn is written nowhere: the picture
# comes back as it is stored, and its orientation reads 1. AVIF, JPEG, PNG and
# WebP of Pillow 13.0.0 keep it in both forms.
# Expected: 32 x 64, upright, both times. Seen: 64 x 32 for the object.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0 pillow-heif==1.8.1
"$work/venv/bin/python" - <<'PY'
import io

import PIL
import pillow_heif
from PIL import ExifTags, Image, ImageOps

pillow_heif.register_heif_opener()


def upright_size(kind, as_bytes):
  exif = Image.Exif()
  exif[ExifTags.Base.Orientation] = 6
  saved = io.BytesIO()
  Image.new("RGB", (64, 32)).save(
    saved, kind, exif=exif.tobytes() if as_bytes else exif
  )
  return ImageOps.exif_transpose(Image.open(saved)).size, (
    b"irot" in saved.getvalue()
  )


found = {
  (kind, form): upright_size(kind, form == "bytes")
  for kind in ("heif", "avif", "jpeg", "png", "webp")
  for form in ("bytes", "object")
}
print("pillow-heif", pillow_heif.__version__, "Pillow", PIL.__version__)
for case, (size, irot) in found.items():
  print(*case, size, "irot" if irot else "")
assert found.pop(("heif", "object")) == ((64, 32), False)
assert found.pop(("heif", "bytes")) == ((32, 64), True)
assert {size for size, _ in found.values()} == {(32, 64)}
PY
