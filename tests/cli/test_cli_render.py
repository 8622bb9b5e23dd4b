"""`stylized-nerf render`: folders that anyone can score, and videos."""

import json

import numpy as np
import pytest
import tiny_run
from PIL import Image, ImageSequence

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.evaluation import geometry
from stylized_nerf_jax.outputs import video
from stylized_nerf_jax.phases import run_styles
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.readers import formats
from stylized_nerf_jax.tasks import film_plan

_KEYS = {
  *("file_path", "depth_path", "transform_matrix", "style", "source"),
  *("fl_x", "fl_y", "cx", "cy", "w", "h", "k1", "k2", "p1", "p2"),
}


@pytest.fixture(scope="module")
def model(finished_run):
  return model_lib.StylizedNerf.load(finished_run)


def _render(run, out, *arguments):
  command = ["render", f"--workdir={run}", f"--out={out}", *arguments]
  assert main.main([*map(str, command)]) == 0


def _frames(folder) -> list[dict]:
  content = json.loads((folder / "cameras.json").read_text())
  assert set(content) == {"frames"}
  return content["frames"]


def test_a_folder_of_frames_cameras_and_depth(model, finished_run, tmp_path):
  out = tmp_path / "out"
  arguments = ("--path=orbit", "--frames=3", "--style=mosaic", "--save-depth")
  _render(finished_run, out, *arguments)
  frames = _frames(out)
  assert len(frames) == 3
  for i, frame in enumerate(frames):
    assert set(frame) == _KEYS
    assert frame["file_path"] == f"{i:05d}.png"
    assert frame["depth_path"] == f"depth/{i:05d}.npy"
    assert np.shape(frame["transform_matrix"]) == (4, 4)
    assert (frame["w"], frame["h"]) == (32, 24)
    assert [frame[key] for key in ("k1", "k2", "p1", "p2")] == [0] * 4
    assert frame["style"] == "mosaic" and "orbit" in frame["source"]
    depth = np.load(out / frame["depth_path"])
    assert depth.shape == (24, 32) and depth.dtype == np.float32
  # The file is enough to render the same frame again.
  camera = geometry.read_geometry(out).cameras[1]
  again = model.render(camera, "mosaic")
  pixels = np.asarray(Image.open(out / "00001.png"))
  np.testing.assert_allclose(pixels / 255, again.rgb, atol=0.51 / 255)
  np.testing.assert_array_equal(np.load(out / "depth/00001.npy"), again.depth)
  names = sorted(path.name for path in out.iterdir())
  assert names == [
    "00000.png",
    "00001.png",
    "00002.png",
    "cameras.json",
    "depth",
  ]


def test_all_styles_at_once(model, finished_run, tmp_path):
  dials = ("--frames=2", "--intensity=0.5", "--spread=0.5")
  arguments = ("--style=all", "--path=orbit", *dials)
  _render(finished_run, tmp_path / "out", *arguments, "--save-depth")
  for name in model.styles:
    single = tmp_path / name
    options = (f"--style={name}", "--path=orbit", *dials, "--save-depth")
    _render(finished_run, single, *options)
    together = tmp_path / "out" / name
    assert _frames(together) == _frames(single)
    for i in range(2):
      found, wanted = (
        np.asarray(Image.open(folder / f"{i:05d}.png")).astype(int)
        for folder in (together, single)
      )
      np.testing.assert_allclose(found, wanted, atol=1)
      np.testing.assert_allclose(
        np.load(together / f"depth/{i:05d}.npy"),
        np.load(single / f"depth/{i:05d}.npy"),
        rtol=1e-5,
      )
  _render(finished_run, tmp_path / "tour.mp4", *arguments)
  assert all((tmp_path / f"tour-{n}.mp4").is_file() for n in model.styles)


def test_the_photographs_own_views(model, finished_run, tmp_path):
  _render(finished_run, tmp_path / "out", "--path=test", "--style=none")
  frames = _frames(tmp_path / "out")
  test = model.scene.split("test")
  assert len(frames) == len(test) == 4
  for frame, camera in zip(frames, test, strict=True):
    np.testing.assert_array_equal(
      frame["transform_matrix"], camera.camera_to_world
    )
    assert frame["style"] is None and frame["depth_path"] is None
    assert frame["source"] == f"test/{camera.name}"


def test_distortion_is_kept_for_photographs_only(model, tmp_path):
  # A model whose scene has a lens: the field does not matter here.

  scene = formats.load_scene(tiny_run.write_transforms(tmp_path / "capture"))
  record = scene_record.make_scene_record(scene)
  lens = model_lib.StylizedNerf(model.config, record, model.params)
  for kind in ("train", "test"):
    cameras = film_plan.path_cameras(lens, kind)
    assert (cameras.distortion == [0.05, 0, 0, 0.01]).all()
    assert set(cameras.models) == {"opencv"}
    geometry.write_cameras(tmp_path, cameras)
    for frame in _frames(tmp_path):
      assert [frame[k] for k in ("k1", "k2", "p1", "p2")] == [0.05, 0, 0, 0.01]
  for kind in ("spiral", "orbit", "interpolate"):
    cameras = film_plan.path_cameras(lens, kind, 3)
    assert len(cameras) == 3 and not cameras.distortion.any()


def test_a_video_shows_the_frames(model, finished_run, tmp_path):
  pytest.importorskip("imageio_ffmpeg", reason="extra `video` is missing")
  out = tmp_path / "out.mp4"
  style = ("--style=mosaic:2,ink-wash:2",)
  _render(finished_run, out, "--path=interpolate", "--frames=2", *style)
  shown = list(video.read_video(out))
  assert len(shown) == 2

  cameras = film_plan.path_cameras(model, "interpolate", 2)
  for frame, camera in zip(shown, cameras):
    wanted = model.render(camera, {"mosaic": 0.5, "ink-wash": 0.5})
    assert np.abs(frame / 255 - wanted.rgb).mean() < 0.05
    assert frame.mean() > 20
  assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def _refused(capsys, run, out, *arguments) -> str:
  command = ["render", f"--workdir={run}", f"--out={out}", *arguments]
  assert main.main([*map(str, command)]) == 2
  assert not out.exists()
  return capsys.readouterr().err


def test_without_a_style_the_first_is_shown(finished_run, tmp_path, capsys):
  shown = ("--path=orbit", "--frames=1")
  _render(finished_run, tmp_path / "first", *shown)
  told = capsys.readouterr().err
  assert "style: mosaic, the first of 2; --style takes" in told
  assert f"wrote {tmp_path / 'first'}" in told
  assert _frames(tmp_path / "first")[0]["style"] == "mosaic"
  _render(finished_run, tmp_path / "none", *shown, "--style=none")
  assert _frames(tmp_path / "none")[0]["style"] is None


def test_a_part_of_a_styles_name_will_do(finished_run, tmp_path, capsys):
  shown = ("--path=orbit", "--frames=1")
  _render(finished_run, tmp_path / "part", *shown, "--style=wash")
  _render(finished_run, tmp_path / "whole", *shown, "--style=ink-wash")
  one, other = (
    (tmp_path / name / "00000.png").read_bytes() for name in ("part", "whole")
  )
  assert one == other
  assert "style: ink-wash" in capsys.readouterr().err
  assert _frames(tmp_path / "part")[0]["style"] == "ink-wash"
  told = _refused(capsys, finished_run, tmp_path / "o", "--style=s")
  assert "'s' is a part of several names: mosaic, ink-wash" in told
  told = _refused(capsys, finished_run, tmp_path / "o", "--style=mosiac")
  assert "did you mean 'mosaic'?" in told


@pytest.mark.parametrize(
  ("out", "arguments", "said"),
  [
    ("tour.avi", (), ".avi is not written; name a file that ends in .mp4"),
    ("tour.gif", ("--fps=60",), "fps is 60.0; expected above 0, up to 50"),
    ("tour.gif", ("--save-depth",), "name one without .gif"),
    ("out", ("--path=test", "--frames=3"), "the 4 photographs' own views"),
    ("out", ("--style=mosaic:1,wash:x",), "'wash:x' has no weight"),
    ("out", ("--style=mosaic:1,mos:1",), "named twice in mosaic, mosaic"),
  ],
)
def test_what_cannot_be_rendered_is_refused(
  finished_run, tmp_path, capsys, out, arguments, said
):
  assert said in _refused(capsys, finished_run, tmp_path / out, *arguments)


@pytest.mark.usefixtures("small_networks")
def test_a_picture_can_be_mixed_with_a_style(
  model, finished_run, tmp_path, capsys
):
  pixels = np.random.default_rng(0).integers(0, 255, (70, 80, 3))
  picture = tmp_path / "new.png"
  Image.fromarray(pixels.astype(np.uint8)).save(picture)
  out = tmp_path / "out"
  mix = f"--style=mosaic:3,{picture}:1"
  _render(finished_run, out, "--path=orbit", "--frames=1", mix)
  assert "weights sum to 4 and are divided by it" in capsys.readouterr().err
  (camera,) = film_plan.path_cameras(model, "orbit", 1)
  wanted = model.render(camera, {"mosaic": 0.75, picture: 0.25}).rgb
  pixels = np.asarray(Image.open(out / "00000.png")) / 255
  np.testing.assert_allclose(pixels, wanted, atol=0.51 / 255)


@pytest.mark.usefixtures("small_networks")
def test_a_painting_never_trained_on(model, finished_run, tmp_path, capsys):
  pixels = np.random.default_rng(0).integers(0, 255, (70, 80, 3))
  picture = tmp_path / "new.png"
  Image.fromarray(pixels.astype(np.uint8)).save(picture)
  shown = ("--path=orbit", "--frames=1", f"--style={picture}")
  _render(finished_run, tmp_path / "out", *shown)
  told = capsys.readouterr().err
  assert f"{picture} was never trained: its palette is put on by a" in told
  assert _frames(tmp_path / "out")[0]["style"] == str(picture)
  _render(finished_run, tmp_path / "none", *shown, "--transfer=none")
  assert "its palette is a guess" in capsys.readouterr().err
  (camera,) = film_plan.path_cameras(model, "orbit", 1)
  for name, transfer in (("out", None), ("none", "none")):
    wanted = model.render(camera, picture, transfer=transfer).rgb
    found = np.asarray(Image.open(tmp_path / name / "00000.png")) / 255
    np.testing.assert_allclose(found, wanted, atol=0.51 / 255)
  told = _refused(capsys, finished_run, tmp_path / "o", *shown, "--palette=2")
  assert "palette is 2.0; expected a number in [0, 1]" in told


def test_recoloured(model, finished_run, tmp_path, capsys):
  pixels = np.random.default_rng(0).integers(0, 255, (70, 80, 3))
  picture = tmp_path / "new.png"
  Image.fromarray(pixels.astype(np.uint8)).save(picture)
  shown = ("--path=orbit", "--frames=1", f"--recolour={picture}")
  _render(finished_run, tmp_path / "out", *shown, "--palette=0.6")
  assert _frames(tmp_path / "out")[0]["style"] == str(picture)
  (camera,) = film_plan.path_cameras(model, "orbit", 1)
  wanted = model.render(camera, recolor=picture, palette=0.6).rgb
  found = np.asarray(Image.open(tmp_path / "out" / "00000.png")) / 255
  np.testing.assert_allclose(found, wanted, atol=0.51 / 255)
  told = _refused(
    capsys, finished_run, tmp_path / "o", "--recolour", str(tmp_path / "no.png")
  )
  assert "no.png cannot be read" in told and not (tmp_path / "o").exists()


def test_colours_of_trained_styles_are_transferred(run_copy, tmp_path, capsys):
  tiny_run.drop_finish(run_copy)
  model = model_lib.StylizedNerf.load(run_copy)
  shown = ("--path=orbit", "--frames=1", "--style=mosaic", "--transfer=affine")
  _render(run_copy, tmp_path / "out", *shown)
  capsys.readouterr()
  paintings = run_styles.stored(run_folder.RunFolder(run_copy))
  (camera,) = film_plan.path_cameras(model, "orbit", 1)
  mapped = model.fit_style_maps(paintings)
  wanted = mapped.render(camera, "mosaic", transfer="affine").rgb
  found = np.asarray(Image.open(tmp_path / "out" / "00000.png")) / 255
  np.testing.assert_allclose(found, wanted, atol=0.51 / 255)
  model.save(tmp_path / "model.npz")
  told = _refused(capsys, tmp_path / "model.npz", tmp_path / "o", *shown)
  assert "has no maps to its styles' palettes" in told


def test_pictures_that_move(finished_run, tmp_path, capsys):
  shown = ("--path=orbit", "--frames=3", "--fps=10")
  _render(finished_run, tmp_path / "frames", *shown)
  _render(finished_run, tmp_path / "tour.apng", *shown)
  _render(finished_run, tmp_path / "tour.gif", *shown, "--style=all")
  told = capsys.readouterr().err
  assert f"wrote {tmp_path / 'tour-mosaic.gif'}" in told
  for name in ("tour.apng", "tour-ink-wash.gif"):
    with Image.open(tmp_path / name) as film:
      # All pages are one object, that moves on. Frames that are alike may be
      # one that stays.
      pages = ImageSequence.Iterator(film)
      assert sum(page.info["duration"] for page in pages) == 300
  for path in sorted((tmp_path / "frames").glob("*.png"))[::2]:
    number = 0 if path.stem == "00000" else -1
    with Image.open(tmp_path / "tour.apng") as film, Image.open(path) as frame:
      film.seek(range(film.n_frames)[number])
      assert (np.asarray(film.convert("RGB")) == np.asarray(frame)).all()


def test_a_model_file_renders_like_its_run(model, finished_run, tmp_path):
  model.save(tmp_path / "model.npz")
  for source, name in ((finished_run, "run"), (tmp_path / "model.npz", "file")):
    _render(source, tmp_path / name, "--path=orbit", "--frames=1")
  one = (tmp_path / "run" / "00000.png").read_bytes()
  assert one == (tmp_path / "file" / "00000.png").read_bytes()
