"""Paintings that are dropped in: kept if they are pictures, and small."""

import io

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.viewer import uploads


def png(side: int = 40) -> bytes:
  data = io.BytesIO()
  pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
  Image.fromarray(pixels).save(data, "PNG")
  return data.getvalue()


def test_a_picture_is_kept_under_a_name_that_is_safe(tmp_path):
  folder = tmp_path / "paintings"
  path, image = uploads.keep(folder, "../my day, 1.PNG", png(), style_size=32)
  assert path == folder / "my-day-1.png" and path.read_bytes() == png()
  assert image.image.shape == (32, 32, 3)
  again, _ = uploads.keep(folder, "my day, 1.png", png(), style_size=32)
  assert again.name == "my-day-1-2.png"


@pytest.mark.parametrize(
  ("name", "content", "message"),
  [
    ("page.html", b"<html>", "expected a picture: "),
    ("picture.png", b"nothing of the kind", "picture.png"),
    ("half.png", png()[:500], "half.png"),
    ("large.png", b"\0" * (uploads.LARGEST + 1), "at most 20 MiB"),
    (".png", b"", "expected a picture"),
  ],
)
def test_what_is_no_picture_leaves_nothing(tmp_path, name, content, message):
  with pytest.raises(ValueError, match=message):
    uploads.keep(tmp_path, name, content, style_size=32)
  assert not list(tmp_path.iterdir())
