"""`stylized-nerf export-tfds`: what is printed loads; what is refused."""

import re
import shlex

import numpy as np
import pytest
import tiny_run

from stylized_nerf_jax.cli import main
from stylized_nerf_jax.scenes.pictures import styles
from stylized_nerf_jax.scenes.readers.formats import load_scene


def _run(command, *arguments):
  return main.main([command, *map(str, arguments)])


def _address(printed, field):
  """Reads the address from the command that is to be copied."""
  line = printed.err.splitlines()[-1]
  words = shlex.split(line.partition("`")[2].rpartition("`")[0])
  start = f"--config.{field}.path="
  (argument,) = [word for word in words if word.startswith(f"{start}tfds:")]
  return argument.removeprefix(start)


def test_a_scene_and_its_styles(tmp_path, capsys):
  root = tiny_run.write_transforms(tmp_path / "my capture")
  out = tmp_path / "the sets"
  assert _run("export-tfds", root, "--out", out, "--downsample=2") == 0
  printed = capsys.readouterr()
  assert f"wrote {out}, a dataset of 8 images" in printed.out
  address = _address(printed, "scene")
  assert address.startswith("tfds:posed_scene/my_capture?")
  expected, found = load_scene(root, downsample=2), load_scene(address)
  np.testing.assert_array_equal(found.images[3], expected.images[3])
  assert found.name == "my capture"
  pictures = root / "images"
  arguments = ("--styles", pictures, "--out", out, "--name", "few")
  assert _run("export-tfds", *arguments) == 0
  printed = capsys.readouterr()
  address = _address(printed, "styles")
  assert address.startswith("tfds:style_images/few?")
  expected = styles.load_style_set(pictures, style_size=16)
  found = styles.load_style_set(address, style_size=16)
  assert found.content_hashes == expected.content_hashes
  # Nothing of TFDS's own is printed.
  assert not re.search("Dataset|Generating|absl|OpenCV", printed.err)
  assert sorted(p.name for p in out.iterdir()) == [
    "posed_scene",
    "style_images",
  ]


@pytest.mark.parametrize(
  "arguments, message",
  [
    ([], "required: --out"),
    (["--out=sets"], "expected either a SCENE or --styles"),
    (["capture", "--styles=x", "--out=sets"], "expected either a SCENE or"),
    (["absent", "--out=sets"], "absent: no such folder"),
    (["--styles=absent", "--out=sets"], "absent: no such file or folder"),
    (["capture", "--out=sets", "--nam=x"], "unknown argument '--nam=x'"),
    (["--styles=capture", "--out=sets", "--config.seed=1"], "unknown argument"),
    (["capture", "--out=capture/transforms.json"], "cannot be written"),
  ],
)
def test_what_is_refused(arguments, message, tmp_path, monkeypatch, capsys):
  monkeypatch.chdir(tmp_path)
  tiny_run.write_transforms(tmp_path / "capture")
  assert _run("export-tfds", *arguments) == 2
  error = capsys.readouterr().err
  assert message in error, error
  assert "Traceback" not in error and not (tmp_path / "sets").exists()


@pytest.mark.parametrize("command", ["inspect", "train"])
@pytest.mark.parametrize(
  "address, message",
  [
    ("tfds:none?data_dir=sets", "no such dataset was prepared there"),
    ("tfds:posed_scene/capture", "data_dir is missing"),
    ("tfds:style_images/few?data_dir=sets", "is no posed scene (it has no c"),
    ("tfds:posed_scene/capture?data_dir=sets", "record 1 of 7 cannot be read"),
  ],
)
def test_scenes_that_cannot_be_read(
  command, address, message, tmp_path, monkeypatch, capsys
):
  monkeypatch.chdir(tmp_path)
  root = tiny_run.write_transforms(tmp_path / "capture")
  assert _run("export-tfds", root, "--out=sets") == 0
  assert (
    _run("export-tfds", f"--styles={root}", "--out=sets", "--name=few") == 0
  )
  file = next(tmp_path.rglob("posed_scene-train.array_record*"))
  data = bytearray(file.read_bytes())
  place = [m.start() for m in re.finditer(b"\x89PNG", data)][1]
  data[place + 60] ^= 1
  file.write_bytes(data)
  capsys.readouterr()
  arguments = [address]
  if command == "train":
    arguments = [f"--config.scene.path={address}", "--workdir=run"]
  assert _run(command, *arguments) == 2
  printed = capsys.readouterr()
  assert printed.err.count("\n") == 1 and not printed.out, printed
  assert not (tmp_path / "run").exists()
  assert message in printed.err, printed.err
