"""`stylized-nerf export` on a tiny finished run."""

import gsply
import numpy as np
import pytest
import trimesh

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.splatting import frames
from stylized_nerf_jax.tasks import splat_making


def _run(*arguments) -> int:
  return main.main([*map(str, arguments)])


@pytest.fixture(autouse=True)
def _quick_fits(monkeypatch):
  """How good splats are is asked elsewhere."""
  monkeypatch.setattr(splat_making, "_LEAST_STEPS", 6)
  monkeypatch.setattr(splat_making, "_ROUNDS", (0.2, 0.2))


def test_a_style_as_splats_upright_and_the_same_again(
  finished_run, tmp_path, capsys
):
  files = [tmp_path / "one.ply", tmp_path / "two.ply"]
  for file in files:
    command = ("export", finished_run, "--format=ply", "--style=mosaic")
    assert _run(*command, f"--out={file}", "--max-splats=500") == 0
  said = capsys.readouterr().err
  assert f"wrote {files[0]}" in said and "SuperSplat" in said
  assert files[0].read_bytes() == files[1].read_bytes()
  found = gsply.plyread(files[0])
  assert 20 < len(found.means) <= 500
  np.testing.assert_allclose(
    np.linalg.norm(found.quats, axis=-1), 1.0, atol=1e-5
  )
  model = model_lib.StylizedNerf.load(finished_run)
  matrix = frames.upright(model.scene.cameras, model.space)
  back = (found.means - matrix[:3, 3]) @ matrix[:3, :3]
  assert (back > np.array(model.space.space.lower) - 0.01).all()
  assert (back < np.array(model.space.space.upper) + 0.01).all()


def test_several_styles_and_a_mix_share_their_splats(finished_run, tmp_path):
  styles = ("--style=none", "--style=mosaic:0.5,ink-wash:0.5")
  command = ("export", f"--workdir={finished_run}", "--format=ply", *styles)
  out = tmp_path / "splats"
  more = ("--max-splats=300", "--scene-axes", "--palette=0.5")
  assert _run(*command, f"--out={out}", *more) == 0
  names = ["mosaic_0.5+ink-wash_0.5.ply", "none.ply"]
  assert sorted(file.name for file in out.iterdir()) == names
  mixed, plain = (gsply.plyread(out / name) for name in names)
  np.testing.assert_array_equal(mixed.means, plain.means)
  assert np.abs(mixed.sh0 - plain.sh0).max() > 0.0


def test_points_are_on_what_cameras_see(finished_run, tmp_path):
  out = tmp_path / "points.ply"
  command = ("export", finished_run, "--format=ply", "--points", "--style=none")
  assert _run(*command, "--scene-axes", f"--out={out}") == 0
  points = trimesh.load(out)
  assert len(points.vertices) > 50 and points.colors.shape[1] == 4
  model = model_lib.StylizedNerf.load(finished_run)
  lower, upper = model.space.space.lower, model.space.space.upper
  assert (points.vertices > np.array(lower) - 1e-3).all()
  assert (points.vertices < np.array(upper) + 1e-3).all()


def test_a_model_file_is_exported_and_exports(finished_run, tmp_path):
  out = tmp_path / "model.npz"
  assert _run("export", finished_run, "--format=npz", f"--out={out}") == 0
  splats = tmp_path / "x.ply"
  command = ("export", out, "--format=ply", "--max-splats=100")
  assert _run(*command, f"--out={splats}") == 0
  assert len(gsply.plyread(splats).means) <= 100


@pytest.mark.parametrize(
  "arguments, said",
  (
    (["--format=ply", "--out=x.npz"], "writes files that end in .ply"),
    (["--format=npz", "--out=x"], "writes one file"),
    (["--format=npz", "--out=x.npz", "--style=mosaic"], "leave out --style"),
    (["--format=npz", "--out=x.npz", "--palette=0.5"], "leave out --style"),
    (["--format=npz", "--out=x.npz", "--points"], "points are written as ply"),
    (["--format=ply", "--out=x.ply", "--style=nobody"], "nobody"),
    (["--format=ply", "--out=x.ply", "--style=all"], "name a folder"),
    (
      ["--format=ply", "--out=x", "--style=mosaic", "--style=mosaic"],
      "given twice",
    ),
    (["--format=ply", "--out=x.ply", "--intensity=2"], "intensity is 2.0"),
    (["--format=ply", "--out=x.ply", "--max-splats=0"], "--max-splats is 0"),
    (["--format=ply", "--out=x.ply", "--region=a=b"], "--region"),
    (["--format=obj", "--out=x.obj"], "invalid choice"),
  ),
)
def test_what_cannot_be_is_said_before_work_begins(
  finished_run, arguments, said, capsys, monkeypatch
):
  monkeypatch.setattr(splat_making, "see", None)
  assert _run("export", finished_run, *arguments) == 2
  error = capsys.readouterr().err.strip()
  assert said in error.splitlines()[-1]


def test_a_run_that_is_not_there(tmp_path, capsys):
  command = ("export", tmp_path / "run", "--format=ply", "--out=x.ply")
  assert _run(*command) == 2
  assert "no such run" in capsys.readouterr().err
