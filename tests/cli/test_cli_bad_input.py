"""Bad input: one line on stderr, exit status 2, nothing damaged."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tiny_run
from PIL import Image

from stylized_nerf_jax.cli import main
from stylized_nerf_jax.rows import device_memory
from stylized_nerf_jax.stylizer import pretrained, weights_file


@pytest.fixture
def refused(capsys):
  """Function: runs a command that must fail, and returns its one line."""

  def run(command, *arguments):
    capsys.readouterr()
    assert main.main([command, *map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"stylized-nerf {command}: ")
    assert printed.err.count("\n") == 1 and printed.err.endswith("\n")
    assert "Traceback" not in printed.err and not printed.out
    return printed.err

  return run


@pytest.fixture
def refused_scene(refused, tmp_path):
  """Function: trains on a scene that must be refused."""

  def run(scene, *arguments):
    workdir = tmp_path / "new"
    line = refused(
      "train",
      f"--config.scene.path={scene}",
      f"--workdir={workdir}",
      *arguments,
    )
    assert not workdir.exists()
    return line

  return run


def _snapshot(folder: pathlib.Path) -> dict[str, bytes]:
  return {
    str(path.relative_to(folder)): path.read_bytes()
    for path in sorted(folder.rglob("*"))
    if path.is_file()
  }


def _write_llff(root: pathlib.Path) -> np.ndarray:
  """Writes four pictures and poses; returns the table, not yet spoilt."""
  (root / "images").mkdir(parents=True)
  table = np.zeros((4, 17))
  for i in range(4):
    pose = [[0, 1, 0, 0.1 * i, 12], [-1, 0, 0, 0, 16], [0, 0, 1, 0, 20]]
    table[i] = [*np.ravel(pose), 2, 10]
    Image.new("RGB", (16, 12)).save(root / "images" / f"{i}.png")
  np.save(root / "poses_bounds.npy", table)
  return table


def test_folders_without_a_scene(refused_scene, tmp_path):
  empty = tmp_path / "empty"
  empty.mkdir()
  assert "absent: no such folder" in refused_scene(tmp_path / "absent")
  assert "empty: the folder is empty" in refused_scene(empty)
  (empty / "notes.txt").write_text("x")
  assert "no camera poses; expected one of" in refused_scene(empty)
  root = tmp_path / "llff"
  _write_llff(root)
  for picture in (root / "images").iterdir():
    picture.unlink()
  assert "llff/images: no images; expected" in refused_scene(root)


@pytest.mark.parametrize(
  "row, column, value, message",
  [
    (1, 0, np.nan, "row 1"),
    (2, 1, 3.0, "row 2"),
    (3, 14, 0.0, "row 3"),
    (1, 15, 20.0, "row 1: near bound is 20 and far bound 10; expected 0 <"),
  ],
  ids=("nan", "no-rotation", "focal-zero", "near-behind-far"),
)
def test_llff_numbers(refused_scene, tmp_path, row, column, value, message):
  table = _write_llff(tmp_path / "llff")
  table[row, column] = value
  np.save(tmp_path / "llff" / "poses_bounds.npy", table)
  line = refused_scene(tmp_path / "llff")
  assert "poses_bounds.npy" in line and message in line and "expected" in line


def test_llff_counts_and_sizes(refused_scene, tmp_path):
  root = tmp_path / "llff"
  table = _write_llff(root)
  np.save(root / "poses_bounds.npy", table[:3])
  assert "3 poses" in (line := refused_scene(root)) and "4 images" in line
  np.save(root / "poses_bounds.npy", table)
  Image.new("RGB", (18, 12)).save(root / "images" / "2.png")
  line = refused_scene(root)
  assert "2.png" in line and "18x12" in line and "expected one size" in line


def test_corrupt_images(refused_scene, tmp_path):
  root = tmp_path / "llff"
  _write_llff(root)
  picture = root / "images" / "3.png"
  whole = picture.read_bytes()
  for damaged in (b"", b"no picture", whole[:-20]):
    picture.write_bytes(damaged)
    assert "3.png" in refused_scene(root)


@pytest.mark.parametrize(
  "fields, message",
  [
    ({"fl_x": 0.0}, "focal lengths are 0 and 0"),
    ({"fl_x": "wide"}, "fl_x"),
    ({"camera_model": "FISHEYE"}, "FISHEYE"),
  ],
)
def test_transforms_fields(refused_scene, tmp_path, fields, message):
  root = tiny_run.write_transforms(tmp_path / "capture", **fields)
  line = refused_scene(root)
  assert "transforms.json" in line and message in line and "expected" in line


def test_transforms_poses(refused_scene, tmp_path):
  root = tiny_run.write_transforms(tmp_path / "capture")
  content = json.loads((root / "transforms.json").read_text())
  content["frames"][2]["transform_matrix"][0][0] = float("nan")
  (root / "transforms.json").write_text(json.dumps(content))
  assert "frame 2 (images/2.png)" in refused_scene(root)
  content["frames"][2]["transform_matrix"] = (2 * np.eye(4)).tolist()
  (root / "transforms.json").write_text(json.dumps(content))
  assert "frame 2 (images/2.png)" in refused_scene(root)


def test_files_that_lie_about_themselves(refused_scene, tmp_path):
  model = tmp_path / "scene" / "sparse" / "0"
  model.mkdir(parents=True)
  (model / "cameras.bin").write_bytes(b"\xff" * 8)
  (model / "images.bin").write_bytes(bytes(8))
  line = refused_scene(tmp_path / "scene")
  assert "cameras.bin: 8 bytes, and they claim 18446744073709551615" in line
  (tmp_path / "scene.npz").write_bytes(b"PK")
  line = refused_scene(tmp_path / "scene.npz")
  assert "scene.npz: not a readable .npz file" in line
  root = tiny_run.write_transforms(tmp_path / "capture")
  text = (root / "transforms.json").read_text()
  (root / "transforms.json").write_text(text.replace("images/1", "../1"))
  assert "frame 1 (../1.png): file_path is" in refused_scene(root)


@pytest.mark.parametrize(
  "argument, message",
  [
    ("--config.mutual_learnin.steps=3", "did you mean 'mutual_learning.steps'"),
    ("--config.scene.downsample=half", "downsample"),
    ("--config.scene.downsample=0", "downsample is 0.0; expected"),
    ("--config.scene.path=", "config.scene.path is empty; expected the folder"),
    ("--config=configs/absent.py", "configs/absent.py does not exist"),
    ("--phase=4", "invalid choice"),
    ("--stepps=4", "unknown argument '--stepps=4'"),
  ],
)
def test_options(refused_scene, argument, message):
  assert message in refused_scene("synthetic", argument)


@pytest.mark.parametrize("place", ["file/run", "file"])
def test_workdir_that_cannot_be_made(refused, tmp_path, place):
  (tmp_path / "file").write_text("precious")
  line = refused("train", f"--workdir={tmp_path / place}")
  assert f"--workdir {tmp_path / place} cannot be written" in line
  assert (tmp_path / "file").read_text() == "precious"


def _arguments(run: pathlib.Path, **changes) -> list[str]:
  """The run's own config, with fields changed."""
  overrides = [
    f"--config.{name.replace('__', '.')}={value}"
    for name, value in changes.items()
  ]
  config = f"--config={run / 'config.json'}"
  return [config, *overrides, f"--workdir={run}"]


def test_a_run_survives_what_is_refused(refused, run_copy, tmp_path):
  other = tiny_run.write_transforms(tmp_path / "other")
  wrong, empty = tmp_path / "wrong.npz", tmp_path / "empty"
  empty.mkdir()
  layout, strange = tmp_path / "layout.npz", tmp_path / "strange.npz"
  wrong.write_bytes(b"no weights")
  encoder = {"encoder_sha256": pretrained.load_encoder().sha256}
  weights_file.save_weights(layout, {"decoder": {"x": np.ones(3)}}, encoder)
  weights_file.save_weights(
    strange, {"decoder": {"x": np.ones(3)}}, {"encoder_sha256": "other"}
  )
  before = _snapshot(run_copy)
  space = {"scene__space": "contracted"}
  for changes, messages in (
    ({"scene__path": other}, ("from the scene synthetic", str(other))),
    ({"styles__path": tmp_path / "none", **space}, ("none: no such file",)),
    ({"styles__path": empty, **space}, ("empty: holds no picture",)),
    ({"styles__names": "mosiac", **space}, ("did you mean 'mosaic'",)),
    ({"weights__decoder": wrong}, ("wrong.npz",)),
    ({"weights__decoder": tmp_path / "no.npz"}, ("no.npz: no such weights",)),
    ({"weights__decoder": layout}, ("layout.npz", "weights of another layout")),
    ({"weights__decoder": strange}, ("strange.npz", "other", "use weights")),
    ({"seed": 1.5}, ("seed",)),
  ):
    line = refused("train", *_arguments(run_copy, **changes))
    assert all(message in line for message in messages), line
    assert _snapshot(run_copy) == before


def test_a_phase_needs_those_before_it(refused, run_copy):
  before = _snapshot(run_copy)
  # What the phase before was made from differs: it must be made again.
  for phase, missing, changes in (
    ("stylizer", "radiance_field", {"field__hash_grid__width": 16}),
    ("mutual_learning", "stylizer", {"stylizer__steps": 3}),
    ("mutual_learning", "stylizer", {"styles__names": "woodcut"}),
  ):
    arguments = _arguments(run_copy, **changes)
    line = refused("train", *arguments, f"--phase={phase}")
    assert f"stylized-nerf train --phase {missing} --workdir" in line
    assert "changed" in line
    assert _snapshot(run_copy) == before


def test_a_device_that_is_too_small(run_copy, monkeypatch, capsys):
  earlier = _snapshot(run_copy / "stylizer")
  monkeypatch.setattr(device_memory, "limit_bytes", lambda: 10_000)
  # One ray a device: no fewer could be tried.
  changed = _arguments(
    run_copy, mutual_learning__steps=3, mutual_learning__rays_per_step=4
  )
  assert main.main(["train", *changed]) == 2
  line = capsys.readouterr().err.splitlines()[-1]
  assert line.startswith("stylized-nerf train: mutual_learning: out of memory")
  assert "lower mutual_learning.decoder_crop" in line
  assert _snapshot(run_copy / "stylizer") == earlier


@pytest.mark.usefixtures("small_networks")
def test_a_phase_without_any_before_it(refused, small_weights, tmp_path):
  workdir = tmp_path / "new"
  for phase in ("stylizer", "mutual_learning"):
    line = refused(
      "train",
      f"--config.weights.decoder={small_weights / 'decoder.npz'}",
      f"--config.weights.vae={small_weights / 'vae.npz'}",
      f"--workdir={workdir}",
      f"--phase={phase}",
    )
    assert "phase radiance_field is not finished" in line
    assert f"train --phase radiance_field --workdir {workdir}" in line


@pytest.mark.parametrize(
  "arguments, messages",
  [
    (["--style=mosiac"], ["'mosiac'", "known styles: mosaic, ink-wash"]),
    (["--style=mosaic:0.5,x:1"], ["'x'", "known styles: mosaic, ink-wash"]),
    (["--style=mosaic:0.5,ink-wash"], ["'ink-wash' has no weight"]),
    (["--style=mosaic:-1,ink-wash:2"], ["none negative"]),
    (["--style=mosaic", "--intensity=2"], ["intensity is 2.0"]),
    (["--style=mosaic", "--spread=-1"], ["spread is -1.0"]),
    (["--frames=0"], ["num_frames is 0; expected at least 1"]),
    (["--path=round"], ["--path: invalid choice: 'round'"]),
    (["--stile=mosaic"], ["unknown argument '--stile=mosaic'"]),
  ],
)
def test_render_options(refused, finished_run, tmp_path, arguments, messages):
  out = tmp_path / "out"
  line = refused(
    "render", f"--workdir={finished_run}", f"--out={out}", *arguments
  )
  assert all(message in line for message in messages), line
  assert not any(out.glob("*.png"))


def test_render_places(refused, finished_run, tmp_path):
  (tmp_path / "file").write_text("precious")
  workdir = f"--workdir={finished_run}"
  line = refused("render", workdir, f"--out={tmp_path / 'file'}")
  assert "file" in line and "cannot be written" in line
  line = refused("render", workdir, "--out=x.mp4", "--save-depth")
  assert "depth maps need a folder" in line
  for name in ("file", "absent"):
    line = refused("render", f"--workdir={tmp_path / name}", "--out=x")
    assert name in line
  assert (tmp_path / "file").read_text() == "precious"
  holder = tmp_path / "album"
  holder.mkdir()
  Image.new("RGB", (4, 4)).save(holder / "holiday.png")
  line = refused("render", workdir, f"--out={holder}")
  assert "album holds holiday.png" in line and "choose an empty folder" in line


def test_an_unfinished_run_says_what_to_do(refused, run_copy):
  manifest = json.loads((run_copy / "manifest.json").read_text())
  manifest["phases"]["mutual_learning"]["finished"] = False
  (run_copy / "manifest.json").write_text(json.dumps(manifest))
  line = refused("render", f"--workdir={run_copy}", "--out=x", "--style=mosaic")
  assert "stylized-nerf train --phase mutual_learning" in line
  manifest["phases"]["radiance_field"]["finished"] = False
  (run_copy / "manifest.json").write_text(json.dumps(manifest))
  line = refused("render", f"--workdir={run_copy}", "--out=x")
  assert "stylized-nerf train --phase radiance_field" in line
  (run_copy / "manifest.json").write_text('{"phases": ')
  line = refused("render", f"--workdir={run_copy}", "--out=x")
  assert "manifest.json is damaged" in line


def test_info_options(refused, finished_run, tmp_path):
  line = refused("info", f"--workdir={tmp_path}")
  assert "is no run" in line and "stylized-nerf train" in line
  line = refused("info", f"--workdir={finished_run}", "--config.seed=1")
  assert "either a RUN or --config" in line


@pytest.mark.parametrize(
  "arguments, message",
  [
    (["train", "--workdir=w", "--config.scene.path=absent"], "absent: no such"),
    (["render", "--workdir=absent", "--out=x"], "stylized-nerf train"),
  ],
)
def test_the_process_ends_with_status_2(tmp_path, arguments, message):
  result = subprocess.run(
    [sys.executable, "-m", "stylized_nerf_jax.cli.main", *arguments],
    cwd=tmp_path,
    env={
      "PATH": "",
      "PYTHONPATH": str(pathlib.Path(main.__file__).parents[2]),
      "JAX_PLATFORMS": "cpu",
    },
    capture_output=True,
    text=True,
  )
  assert result.returncode == 2 and not result.stdout
  assert result.stderr.startswith("stylized-nerf ")
  assert result.stderr.count("\n") == 1 and message in result.stderr
  assert not any(tmp_path.iterdir())
