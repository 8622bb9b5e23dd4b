"""`stylized-nerf region` and `render --region` on a tiny finished run."""

import json
import shutil

import numpy as np
import pytest
import quick_regions
from PIL import Image

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import region_file
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.tasks import region_making

_VIEW = 14


def _run(*arguments) -> int:
  return main.main([*map(str, arguments)])


@pytest.fixture(scope="module", autouse=True)
def _quick_fits():
  """Regions of few steps: how good they are is asked elsewhere."""
  with pytest.MonkeyPatch.context() as patch:
    quick_regions.few_steps(patch)
    yield


@pytest.fixture(scope="module")
def run(finished_run, tmp_path_factory):
  """A run with a region "ball", as if its field were the scene itself."""
  folder = tmp_path_factory.mktemp("regions") / "run"
  shutil.copytree(finished_run, folder)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(region_making, "_views", quick_regions.exact_views)
    _write_mask(folder, folder / "mask.png")
    assert _run(*_making(folder, "ball")) == 0
  return folder


def _write_mask(run, path):
  camera = model_lib.StylizedNerf.load(run).scene.cameras[_VIEW]
  mask = embedded.object_mask(camera, "ball")
  Image.fromarray(255 * mask.astype(np.uint8)).save(path)


def _making(run, name, *more):
  return (
    *("region", f"--workdir={run}", f"--name={name}"),
    *(f"--mask={run / 'mask.png'}", f"--view={_VIEW}", *more),
  )


def test_regions_are_listed_and_shown(run, tmp_path, capsys):
  assert _run("region", f"--workdir={run}") == 0
  line = capsys.readouterr().out
  assert line.startswith("ball: ") and "from masks of 014.png" in line
  sheet = tmp_path / "sheet.png"
  preview = f"--preview={sheet}"
  assert _run("region", f"--workdir={run}", "--name=ball", preview) == 0
  with Image.open(sheet) as picture:
    assert picture.width > 60


def test_a_region_in_a_style_and_the_rest_in_another(run, tmp_path):
  out = tmp_path / "frames"
  assert (
    _run(
      *("render", f"--workdir={run}", f"--out={out}", "--path=test"),
      *("--style=mosaic", "--region=ball=none", "--feather=0.3"),
    )
    == 0
  )
  frames = json.loads((out / "cameras.json").read_text())["frames"]
  assert frames[0]["style"] == "mosaic; ball=none"
  model = model_lib.StylizedNerf.load(run)
  camera = model.scene.split("test")[0]
  found = np.asarray(Image.open(out / "00000.png")) / 255
  share = model.region_mask(camera, "ball", feather=0.3)
  plain, styled = model.render(camera).rgb, model.render(camera, "mosaic").rgb
  np.testing.assert_allclose(found[share == 0], styled[share == 0], atol=0.01)
  mixed = model.render(camera, "mosaic", regions={"ball": None}, feather=0.3)
  np.testing.assert_allclose(found, mixed.rgb, atol=0.003)
  assert np.abs(plain - mixed.rgb).max() > 0.0


def test_a_model_file_keeps_regions(run, tmp_path):
  model = model_lib.StylizedNerf.load(run)
  model.save(tmp_path / "model.npz")
  again = model_lib.StylizedNerf.load(tmp_path / "model.npz")
  assert list(again.regions) == ["ball"]
  np.testing.assert_array_equal(
    again.region_mask(3, "ball"), model.region_mask(3, "ball")
  )


def test_a_field_trained_anew_makes_regions_stale(run, tmp_path, capsys):
  copy = shutil.copytree(run, tmp_path / "copy")
  manifest = copy / "manifest.json"
  content = json.loads(manifest.read_text())
  content["phases"]["radiance_field"]["fingerprint"] = "another"
  manifest.write_text(json.dumps(content))
  assert _run("region", f"--workdir={copy}") == 0
  assert "STALE" in capsys.readouterr().out
  model = model_lib.StylizedNerf.load(copy)
  model.save(tmp_path / "model.npz")
  assert not model_lib.StylizedNerf.load(tmp_path / "model.npz").regions
  out = f"--out={tmp_path / 'out'}"
  command = ("render", f"--workdir={copy}", out, "--region=ball=mosaic")
  assert _run(*command) == 2
  assert "region --replace" in capsys.readouterr().err


def test_a_region_is_removed_and_made_anew(run, tmp_path, monkeypatch, capsys):
  copy = shutil.copytree(run, tmp_path / "copy")
  monkeypatch.setattr(region_making, "_views", quick_regions.exact_views)
  assert _run(*_making(copy, "ball")) == 2
  assert "has a region 'ball' already" in capsys.readouterr().err
  box = ("--name=box", "--box=-0.3,-0.55,0.03,0.55,0.3,0.8")
  assert _run("region", f"--workdir={copy}", *box) == 0
  far = ("--name=far", "--box=50,50,50,60,60,60")
  assert _run("region", f"--workdir={copy}", *far) == 2
  assert "holds no surface" in capsys.readouterr().err
  assert _run("region", f"--workdir={copy}", "--remove=ball") == 0
  assert _run("region", f"--workdir={copy}", "--remove=ball") == 2
  assert "known: box" in capsys.readouterr().err
  found = region_file.read_all(copy, "")
  assert list(found) == ["box"]


@pytest.mark.parametrize(
  "arguments, said",
  (
    (["--name=a"], "what is 'a'?"),
    (["--mask=m.png", "--view=0"], "needs a --name"),
    (["--name=a b", "--box=0,0,0,1,1,1"], "region name 'a b'"),
    (["--name=a", "--box=0,0,0,1,1,1", "--points", "3,3"], "one of them"),
    (["--name=a", "--mask=m.png"], "1 --mask and 0 --view"),
    (["--name=a", "--mask=m.png", "--view=none.jpg"], "no such view"),
    (["--name=a", "--mask=m.png", "--view=0"], "no such file"),
    (["--name=a", "--points", "3,3"], "0 --view with --points"),
    (["--name=a", "--view=0", "--points", "900,3"], "outside of the view"),
    (["--name=a", "--box=1,1,1,0,0,0"], "expected x0 < x1"),
    (["--name=a", "--preview=x.jpg"], "no region 'a'; known: ball"),
    (["--remove=a"], "no region 'a'; known: ball"),
    (["--remove=a", "--name=b"], "goes alone"),
  ),
)
def test_what_cannot_be_is_said_in_a_line(run, arguments, said, capsys):
  assert _run("region", f"--workdir={run}", *arguments) == 2
  error = capsys.readouterr().err.strip()
  assert said in error and error.count("\n") == 0


@pytest.mark.parametrize(
  "arguments, said",
  (
    (["--region=ball"], "expected NAME=STYLE"),
    (["--region=cat=mosaic"], "no region 'cat'; known: ball"),
    (["--region=ball=mosaic", "--region=ball=none"], "given twice"),
    (["--region=ball=mosaic", "--feather=2"], "feather is 2.0"),
    (["--region=ball=mosaic", "--style=all"], "--style all with --region"),
    (["--region=ball=nobody"], "nobody"),
  ),
)
def test_regions_that_cannot_be_rendered(
  run, tmp_path, arguments, said, capsys
):
  out = f"--out={tmp_path / 'out'}"
  assert _run("render", f"--workdir={run}", out, *arguments) == 2
  assert said in capsys.readouterr().err


def test_a_model_file_gets_no_regions(run, tmp_path, capsys):
  path = tmp_path / "model.npz"
  model_lib.StylizedNerf.load(run).save(path)
  assert _run("region", f"--workdir={path}", "--remove=ball") == 2
  assert "is a model file" in capsys.readouterr().err
