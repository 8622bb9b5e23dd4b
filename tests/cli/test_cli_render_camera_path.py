"""`stylized-nerf render --camera-path`, and the size of frames."""

import json

import numpy as np
import pytest
from PIL import Image

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.evaluation import geometry
from stylized_nerf_jax.scenes import camera_path as path_lib
from stylized_nerf_jax.scenes import camera_path_file
from stylized_nerf_jax.tasks import film_plan


@pytest.fixture(scope="module")
def model(finished_run):
  return model_lib.StylizedNerf.load(finished_run)


def write_path(model, file, styles, **options) -> path_lib.CameraPath:
  keys = tuple(
    path_lib.Key(
      0.25 * i, model.scene.cameras[2 * i].camera_to_world, 45.0, one, 1.0
    )
    for i, one in enumerate(styles)
  )
  path = path_lib.CameraPath(keys, width=24, height=16, fps=8.0, **options)
  camera_path_file.write(path, model.scene, file)
  return path


def _render(run, out, *arguments) -> int:
  return main.main(["render", str(run), f"--out={out}", *map(str, arguments)])


def _pixels(folder, index):
  return np.asarray(Image.open(folder / f"{index:05d}.png")) / 255


def test_a_film_changes_its_painting_on_the_way(model, finished_run, tmp_path):
  file, out = tmp_path / "path.json", tmp_path / "out"
  styles = ({"mosaic": 1.0}, {"ink-wash": 1.0}, {})
  path = write_path(model, file, styles)
  assert _render(finished_run, out, f"--camera-path={file}") == 0
  frames = list(path.frames())
  assert len(frames) == 5
  view = model.nearest_view(frames[2].camera(24, 16))
  for i, frame in enumerate(frames):
    expected = model.render(
      frame.camera(24, 16),
      frame.styles or None,
      intensity=frame.intensity,
      view=view,
    )
    np.testing.assert_allclose(_pixels(out, i), expected.rgb, atol=0.51 / 255)
  named = json.loads((out / "cameras.json").read_text())["frames"]
  assert [frame["style"] for frame in named] == [
    "mosaic",
    "mosaic:0.5,ink-wash:0.5",
    "ink-wash",
    "ink-wash",
    "none",
  ]


def test_a_style_that_is_named_goes_before_the_paths(
  model, finished_run, tmp_path
):
  file, out = tmp_path / "path.json", tmp_path / "out"
  path = write_path(model, file, ({"mosaic": 1.0}, {"mosaic": 1.0}))
  arguments = (f"--camera-path={file}", "--style=none")
  assert _render(finished_run, out, *arguments) == 0
  camera = path.at(0.0).camera(24, 16)
  expected = model.render(camera, None).rgb
  np.testing.assert_allclose(_pixels(out, 0), expected, atol=0.51 / 255)


def test_size_scale_loop_and_rate(model, finished_run, tmp_path):
  file, out = tmp_path / "path.json", tmp_path / "out"
  write_path(model, file, (None, None, None))
  arguments = ("--loop", "--size=30x12", "--scale=0.5", "--fps=4")
  arguments = (*arguments, "--save-depth")
  assert _render(finished_run, out, f"--camera-path={file}", *arguments) == 0
  cameras = geometry.read_geometry(out).cameras
  assert len(cameras) == 3  # 0.75 s, whose end is the beginning again
  assert (cameras[0].width, cameras[0].height) == (15, 6)
  fov = path_lib.fov_of(cameras[0])
  assert fov == pytest.approx(45.0)


def test_size_of_a_path_that_is_made(model):
  small = film_plan.make(model, "orbit", num_frames=2, size=(20, 10))
  usual = film_plan.make(model, "orbit", num_frames=2)
  for one, other in zip(small.cameras, usual.cameras):
    assert (one.width, one.height) == (20, 10)
    fovs = path_lib.fov_of(one), path_lib.fov_of(other)
    assert fovs[0] == pytest.approx(fovs[1])
  half = film_plan.make(model, "test", scale=0.5).cameras[0]
  assert (half.width, half.height) == (16, 12)


def test_interpolation_that_returns(model):
  cameras = film_plan.path_cameras(model, "interpolate", 50, loop=True)
  train = model.scene.split("train")
  assert len(cameras) == 50
  np.testing.assert_allclose(
    cameras[0].camera_to_world, train[0].camera_to_world, atol=1e-9
  )
  # The last frame is on its way from the last photograph to the first.
  last = cameras[-1].camera_to_world[:3, 3]
  ends = train.centers[[-1, 0]]
  share = np.linalg.norm(last - ends[0]) / np.linalg.norm(ends[1] - ends[0])
  assert 0 < share < 1


@pytest.mark.parametrize(
  ("arguments", "message"),
  [
    (["--size=30"], "expected WIDTHxHEIGHT"),
    (["--size=0x5"], "expected sides of 1 to"),
    (["--scale=-1"], "expected sides of 1 to"),
    (["--scale=nan"], "expected sides of 1 to"),
    (["--loop", "--path=test"], "do not close"),
    (["--force"], "--force is for --camera-path"),
    (["--camera-path=FILE", "--path=orbit"], "give one of them"),
    (["--camera-path=FILE", "--frames=3"], "leave --frames out"),
    (["--camera-path=absent.json"], "absent.json: cannot be read"),
    (["--camera-path=FILE"], "style 'unknown', which is neither"),
  ],
)
def test_bad_options_end_in_one_line(
  model, finished_run, tmp_path, capsys, arguments, message
):
  file = tmp_path / "path.json"
  write_path(model, file, ({"unknown": 1.0},))
  arguments = [a.replace("FILE", str(file)) for a in arguments]
  assert _render(finished_run, tmp_path / "out.gif", *arguments) == 2
  line = capsys.readouterr().err
  assert message in line and line.count("\n") == 1
  assert not (tmp_path / "out.gif").exists()
