"""`stylized-nerf export` of pages and meshes, on a tiny finished run."""

import dataclasses
import json

import ml_collections
import numpy as np
import pytest

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax.cli import main
from stylized_nerf_jax.exports import scene_mesh, scene_page
from stylized_nerf_jax.meshes import surface
from stylized_nerf_jax.tasks import splat_making


def _run(*arguments) -> int:
  return main.main([*map(str, arguments)])


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
  """How good splats and meshes are is asked elsewhere."""
  monkeypatch.setattr(splat_making, "_LEAST_STEPS", 6)
  monkeypatch.setattr(splat_making, "_ROUNDS", (0.2, 0.2))
  monkeypatch.setattr(scene_mesh, "RESOLUTION", 48)


def _facts(path) -> dict:
  text = path.read_text()
  start = text.index('id="facts">') + len('id="facts">')
  return json.loads(text[start : text.index("</script>", start)])


def test_page_of_all_styles(finished_run, tmp_path, capsys):
  out = tmp_path / "scene.html"
  command = ("export", finished_run, "--format=html", "--max-splats=300")
  assert _run(*command, f"--out={out}") == 0
  facts = _facts(out)
  names = [look["name"] for look in facts["looks"]]
  assert names == ["none", "mosaic", "ink-wash"]
  assert facts["looks"][2]["title"] == "Ink Wash"
  assert 20 < facts["splats"]["count"] <= 300
  assert len(facts["photographs"]) == len(facts["cameras"]) == 28
  assert len(facts["tour"]) > 10
  assert facts["up"] == pytest.approx([0, 0, 1], abs=1e-9)
  np.testing.assert_allclose(facts["focus"], [0, 0, 0.42], atol=1e-3)
  assert "send it to a friend" in capsys.readouterr().err


def test_page_of_a_mix_from_a_model_file(finished_run, tmp_path):
  model, out = tmp_path / "m.npz", tmp_path / "scene.html"
  model_lib.StylizedNerf.load(finished_run).save(model)
  mix = "--style=mosaic:0.5,ink-wash:0.5"
  command = ("export", model, "--format=html", mix, "--max-splats=100")
  assert _run(*command, f"--out={out}") == 0
  look = _facts(out)["looks"][1]
  assert look["text"] == "Mosaic 50%, Ink Wash 50%"
  assert look["thumbnail"].startswith("data:image/jpeg;base64,")


def test_photographs_that_are_gone(finished_run, capsys):
  model = model_lib.StylizedNerf.load(finished_run)
  config = ml_collections.ConfigDict(model.config.to_dict())
  config.scene.path = "/nowhere/at/all"
  gone = dataclasses.replace(
    model, config=ml_collections.FrozenConfigDict(config)
  )
  found = scene_page._photographs(gone)
  said = capsys.readouterr().err
  assert "/nowhere/at/all" in said and "small renders" in said
  assert len(found) == 28
  np.testing.assert_allclose(found[3], model.render(3).rgb, atol=1e-5)


def test_field_that_is_haze_has_no_mesh(finished_run, tmp_path, capsys):
  """Two steps of phase 1 make no surface; tests/exports has some."""
  out = tmp_path / "x.glb"
  command = ("export", finished_run, "--format=glb", "--style=none")
  assert _run(*command, f"--out={out}") == 2
  said = capsys.readouterr().err
  assert "no surface where its cameras saw one" in said
  assert "the field is asked at" in said and not out.exists()


@pytest.mark.parametrize(
  "arguments, said",
  [
    (("--format=html", "--out=page.glb"), "files that end in .html"),
    (("--format=glb", "--out=page.html"), "files that end in .glb"),
  ],
)
def test_wrong_endings(finished_run, arguments, said, capsys):
  assert _run("export", finished_run, *arguments) == 2
  assert said in capsys.readouterr().err


def test_missing_extra_is_named(finished_run, tmp_path, monkeypatch, capsys):
  monkeypatch.setitem(__import__("sys").modules, "fast_simplification", None)
  with pytest.raises(ValueError, match="extra `mesh`"):
    surface.check_available()
  command = ("export", finished_run, "--format=glb")
  assert _run(*command, f"--out={tmp_path / 'x.glb'}") == 2
  assert "extra `mesh`" in capsys.readouterr().err
