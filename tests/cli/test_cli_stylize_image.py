"""`stylize-image` from the command line."""

import icc_profiles
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.cli import main as cli


@pytest.fixture
def pictures(tmp_path):
  generator = np.random.default_rng(0)
  for name, shape in (("photo", (40, 33, 3)), ("painting", (50, 64, 3))):
    pixels = generator.integers(0, 255, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"{name}.png")
  return tmp_path


def _run(folder, *more):
  return cli.main(
    [
      "stylize-image",
      "--content",
      str(folder / "photo.png"),
      "--style",
      str(folder / "painting.png"),
      "--style-size",
      "32",
      *more,
    ]
  )


def test_writes_a_picture_of_the_same_size(pictures, capsys):
  out = pictures / "out.png"
  with Image.open(pictures / "painting.png") as image:
    profile = icc_profiles.rgb("adobe_rgb", 2.2)
    image.save(pictures / "painting.png", icc_profile=profile)
  assert _run(pictures, "--out", str(out)) == 0
  with Image.open(out) as image:
    assert image.size == (33, 40)
  said = "converted from adobe_rgb to sRGB: 1 of 2 pictures\n"
  assert capsys.readouterr().err == said


@pytest.mark.parametrize(
  "more, message",
  [
    (["--out", "o.png", "--alpha", "2"], "--alpha is 2.0"),
    (["--out", "o.gif"], "ends in .png"),
    (["--out", "/no/such/folder/o.png"], "does not exist"),
    (["--out", "o.png", "--weights", "/no/such.npz"], "no such weights file"),
    (["--out", "o.png", "--encoder", "vgg.bin"], "ends in one of"),
  ],
)
def test_bad_input_ends_in_one_line(pictures, capsys, more, message):
  assert _run(pictures, *more) == 2
  error = capsys.readouterr().err
  assert message in error and error.count("\n") == 1


def test_unreadable_picture_is_named(pictures, capsys):
  (pictures / "photo.png").write_bytes(b"no picture")
  assert _run(pictures, "--out", str(pictures / "o.png")) == 2
  assert "photo.png" in capsys.readouterr().err
