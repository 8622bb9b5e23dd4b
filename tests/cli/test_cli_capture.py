"""`stylized-nerf capture`: what it refuses, in one line and without harm."""

import json
import sys
import wave

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.captures import structure
from stylized_nerf_jax.cli import main


@pytest.fixture
def refused(capfd):
  """Function: runs a capture that must fail; returns its line."""

  def run(*arguments):
    capfd.readouterr()
    assert main.main(["capture", *map(str, arguments)]) == 2
    printed = capfd.readouterr()
    line = printed.err.splitlines()[-1]
    assert line.startswith("stylized-nerf capture: ")
    # The BLAS of pycolmap's wheel says now and then that it frees twice.
    own = [x for x in printed.out.splitlines() if not x.startswith("BLAS : ")]
    assert "Traceback" not in printed.err and not own
    # What COLMAP has to say lies in a file.
    assert "colmap/" not in printed.err and ".cc:" not in printed.err
    return line

  return run


@pytest.fixture
def photos(tmp_path):
  """A folder of three pictures of noise, which have nothing in common."""
  folder = tmp_path / "photos"
  folder.mkdir()
  for i in range(3):
    random = np.random.default_rng(i)
    pixels = random.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / f"{i}.png")
  return folder


def test_sources_that_cannot_be_used(refused, tmp_path, photos):
  out = tmp_path / "scene"
  (tmp_path / "empty").mkdir()
  (tmp_path / "letter.mp4").write_text("dear all")
  with wave.open(str(tmp_path / "speech.mov"), "wb") as file:
    file.setparams((1, 2, 8000, 0, "NONE", ""))
    file.writeframes(bytes(8000))
  for name, words in (
    ("absent", "absent: no such file or folder; expected a folder of photo"),
    ("empty", "empty: the folder is empty; expected photographs"),
    ("letter.mp4", "letter.mp4: cannot be read as a video; expected a video"),
    ("speech.mov", "speech.mov: no video stream (found: audio)"),
    ("photos/0.png", "0.png: a single picture; expected a folder"),
  ):
    assert words in refused(tmp_path / name, f"--out={out}")
  (photos / "2.png").write_bytes(b"no picture")
  assert "2.png: not a readable image" in refused(photos, f"--out={out}")
  (photos / "2.png").unlink()
  assert "2 photographs; expected 3" in refused(photos, f"--out={out}")
  assert not out.exists()


@pytest.mark.parametrize(
  ("argument", "words"),
  [
    ("--lens=telescope", "--lens is 'telescope'; expected one of opencv, "),
    ("--threads=0", "--threads is 0; expected at least 1"),
    ("--frames=5", "--frames is 5, but "),
    ("--frames=few", "argument --frames: invalid int value: 'few'"),
    ("--config.seed=1", "unknown argument '--config.seed=1'"),
  ],
)
def test_options(refused, photos, tmp_path, argument, words):
  assert words in refused(photos, f"--out={tmp_path / 'scene'}", argument)
  assert not (tmp_path / "scene").exists()


def test_places_that_cannot_be_written(refused, photos, tmp_path):
  (tmp_path / "file").write_text("precious")
  (tmp_path / "full").mkdir()
  (tmp_path / "full" / "letter").write_text("precious")
  for name in ("file", "full", "photos"):
    line = refused(photos, f"--out={tmp_path / name}")
    assert f"{name} is there already, and no capture" in line
  line = refused(photos, f"--out={tmp_path / 'file' / 'scene'}")
  assert "cannot be written (Not a directory); choose another place" in line
  assert (tmp_path / "file").read_text() == "precious"
  assert [p.name for p in (tmp_path / "full").iterdir()] == ["letter"]
  assert len(list(photos.iterdir())) == 3
  assert "required: --out" in refused(photos)


def test_the_extra_that_is_missing_is_named(
  refused, photos, tmp_path, monkeypatch
):
  monkeypatch.setitem(sys.modules, "pycolmap", None)
  line = refused(photos, f"--out={tmp_path / 'scene'}")
  assert "pip install 'stylized-nerf-jax[colmap]'" in line


@pytest.fixture
def colmap():
  """Skips where pycolmap is not installed."""
  return pytest.importorskip("pycolmap")


def test_photographs_of_which_none_can_be_placed(
  colmap, refused, photos, tmp_path
):
  Image.new("RGB", (128, 96), (90, 90, 90)).save(photos / "3.png")
  out = tmp_path / "scene"
  line = refused(photos, f"--out={out}", "--threads=2")
  assert "photos: none of the 4 photographs could be placed" in line
  assert "1 show nothing to hold on to (3.png)" in line
  assert "expected pictures of one still scene" in line
  assert list((out / "colmap").glob("log.*"))
  assert not (out / "transforms.json").exists()
  # The same again finds what was done, and says the same.
  assert refused(photos, f"--out={out}", "--threads=2") == line


def test_a_folder_of_another_capture_is_left_alone(
  colmap, refused, photos, tmp_path
):
  out = tmp_path / "scene"
  refused(photos, f"--out={out}")
  before = (out / "capture.json").read_bytes()
  words = "holds a capture of something else (lens differs)"
  assert words in refused(photos, f"--out={out}", "--lens=radial")
  (photos / "1.png").rename(photos / "4.png")
  words = "holds a capture of something else (photographs differs)"
  assert words in refused(photos, f"--out={out}")
  assert (out / "capture.json").read_bytes() == before
  for content in ("{", "[]", "{}", '{"inputs": 3}', json.dumps([1])):
    (out / "capture.json").write_text(content)
    line = refused(photos, f"--out={out}")
    assert "capture.json: not the record of a capture" in line


def test_every_lens_can_be_started_with(colmap, photos, tmp_path):
  for lens in structure.LENSES:
    work = tmp_path / lens
    work.mkdir()
    structure.add_images(work, photos, [["0.png", "1.png"]], lens=lens)
    with colmap.Database.open(work / "database.db") as database:
      (camera,) = database.read_all_cameras()
    assert camera.model.name == structure.LENSES[lens]
