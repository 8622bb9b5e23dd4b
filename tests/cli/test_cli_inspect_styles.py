"""`stylized-nerf inspect-styles`: what is printed, the sheet, the status."""

import sys

import icc_profiles
import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.cli import main


@pytest.fixture
def paintings(tmp_path):
  folder = tmp_path / "paintings"
  (folder / "sub").mkdir(parents=True)
  for seed, name in enumerate(("a.png", "sub/b.png", "c.png")):
    small = np.random.default_rng(seed).integers(0, 256, (18, 24, 3), np.uint8)
    picture = Image.fromarray(small).resize((160, 120))
    picture.save(folder / name)
  Image.open(folder / "a.png").resize((80, 60)).save(
    folder / "sub" / "copy.jpg"
  )
  return folder


def _inspect(capsys, *arguments):
  status = main.main(["inspect-styles", *map(str, arguments)])
  return status, capsys.readouterr()


def test_copies_and_a_sheet(paintings, tmp_path, capsys):
  pytest.importorskip("imagehash")
  sheet = tmp_path / "out" / "sheet.png"
  status, printed = _inspect(capsys, paintings, "--out", sheet)
  lines = printed.out.splitlines()
  assert status == 0
  assert lines[:2] == ["pictures      4", "short sides   60 to 120 pixels"]
  assert sum(line.startswith("nearly equal") for line in lines) == 1
  assert "nearly equal  a and copy, " in printed.out
  with Image.open(sheet) as picture:
    assert picture.width > 2 * 160 and picture.height > 2 * 120


def test_a_damaged_painting(paintings, capsys):
  (paintings / "d.png").write_bytes((paintings / "a.png").read_bytes()[:500])
  with Image.open(paintings / "c.png") as image:
    profile = icc_profiles.rgb("prophoto", 1.8)
    image.save(paintings / "c.png", icc_profile=profile)
  status, printed = _inspect(capsys, paintings)
  assert status == 1
  said = "note          converted from prophoto to sRGB: 1 of 5 pictures\n"
  assert said in printed.out
  damaged = [x for x in printed.out.splitlines() if x.startswith("damaged")]
  assert len(damaged) == 1 and "d.png: cannot" in damaged[0]
  assert "Traceback" not in printed.err


def test_without_the_library(paintings, capsys, monkeypatch):
  monkeypatch.setitem(sys.modules, "imagehash", None)
  status, printed = _inspect(capsys, paintings)
  assert status == 0
  assert printed.out.count("pip install 'stylized-nerf-jax[styles]'") == 1


@pytest.mark.parametrize(
  "arguments, message",
  [
    (["absent"], "absent: no such file or folder; expected a folder"),
    (["tfds:x"], "data_dir is missing"),
    ([".", "--config.seed=1"], "unknown argument"),
    (["generated", "--out", "sheet.gif"], "ends in .png or .jpg"),
  ],
)
def test_what_is_refused(arguments, message, capsys, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  status, printed = _inspect(capsys, *arguments)
  assert status == 2 and message in printed.err
  assert not list(tmp_path.iterdir())
