"""docs/library.md runs as it stands, on scenes small enough for a test."""

import pathlib
import re
import subprocess
import sys

import jax
import numpy as np
import pytest
import tiny_run

import stylized_nerf_jax as snj
from stylized_nerf_jax.models import renderers
from stylized_nerf_jax.options import field_kinds

_ROOT = pathlib.Path(__file__).parents[1]
_SNIPPET = re.compile(
  r"<!-- snippet: (\w+) -->\n```python\n(.*?)```", re.DOTALL
)
# Fewer and smaller grids: most of a test is spent on compiling them.
_SMALL = {
  "num_levels": 2,
  "log2_table_size": 8,
  "proposal_levels": 1,
  "proposal_log2_table_size": 8,
}
_SNIPPETS = dict(_SNIPPET.findall((_ROOT / "docs" / "library.md").read_text()))


def run(name, values, **replaced):
  """Runs a block of the document; returns the names that it leaves."""
  code = _SNIPPETS[name].replace("2048", "32")
  for before, after in replaced.values():
    assert before in code
    code = code.replace(before, after)
  exec(compile(code, f"docs/library.md, {name}", "exec"), values)
  return values


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
  """What the first block leaves."""
  folder = tmp_path_factory.mktemp("scenes") / "scene"
  tiny_run.write_transforms(folder)
  return run(
    "gradient",
    {"small": _SMALL},
    scene=('"fern", downsample=8', repr(str(folder))),
    field=("for_space(space)", "for_space(space, **small)"),
    init=("field.init(", "jax.jit(field.init)("),
  )


def test_no_block_is_forgotten():
  assert list(_SNIPPETS) == ["gradient", "mimic", "cameras", "foreign", "model"]
  blocks = (_ROOT / "docs" / "library.md").read_text().count("```python")
  assert blocks == len(_SNIPPETS)


def _assert_learns(tree):
  for path, leaf in jax.tree.leaves_with_path(tree):
    assert np.isfinite(leaf).all(), path
  assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(tree))


def test_first_gradient(begun):
  _assert_learns(begun["grads"])
  assert jax.tree.structure(begun["grads"]) == jax.tree.structure(
    begun["params"]
  )


def test_style_field_and_codes(begun):
  smaller = ("depth=4, width=64", "depth=3, width=8, num_levels=2")
  init = "style_field.init(", "jax.jit(style_field.init)("
  found = run("mimic", dict(begun), sizes=smaller, init=init)["style_grads"]
  _assert_learns(found)
  # Codes of the other style are left alone.
  assert not np.any(found["codes"][0])
  assert np.abs(found["codes"][1]).max() > 0


def test_poses_and_intrinsics(begun):
  found = run("cameras", dict(begun))
  for leaf in (found["by_pose"], found["by_intrinsics"]):
    assert np.isfinite(leaf).all() and np.abs(leaf).max() > 0


@pytest.mark.usefixtures("small_networks")
def test_a_field_of_others_goes_through_all_phases(
  begun, small_weights, tmp_path, monkeypatch
):
  monkeypatch.setattr(field_kinds, "_registered", {})
  # The styles of `finished_run`: phase 2 is compiled already.
  config = tiny_run.make_config(small_weights)
  found = run(
    "foreign",
    {**begun, "tiny": config},
    config=('snj.get_config("fast")', "snj.get_config(); config.update(tiny)"),
    paths=('"fern", "paintings"', '"synthetic", "generated"'),
    run=('"RUN"', repr(str(tmp_path / "run"))),
    file=('"fog.npz"', repr(str(tmp_path / "fog.npz"))),
  )
  model = found["model"]
  assert type(model.field).__name__ == "Fog" and model.field.width == 16
  camera = model.scene.cameras[3]
  assert found["picture"].shape == (camera.height, camera.width, 3)
  np.testing.assert_array_equal(
    found["picture"], model.render(camera, "mosaic").rgb
  )
  # Without the registration, run and file are data that name nothing known.
  monkeypatch.setattr(field_kinds, "_registered", {})
  renderers.of.cache_clear()
  for path in (tmp_path / "run", tmp_path / "fog.npz"):
    with pytest.raises(ValueError, match="field.kind is 'fog'; expected one"):
      snj.StylizedNerf.load(path)


def test_what_the_document_says_of_models(finished_run):
  place = repr(str(finished_run))
  found = run("model", {"snj": snj, "jax": jax}, run=('"RUN"', place))
  np.testing.assert_allclose(
    found["halved"].params["latents"], found["model"].params["latents"] / 2
  )


def test_importing_the_package_loads_nothing():
  code = (
    "import sys, stylized_nerf_jax as snj; "
    "assert 'jax' not in sys.modules and 'numpy' not in sys.modules; "
    "print(len(snj.__all__), snj.__version__)"
  )
  done = subprocess.run(
    [sys.executable, "-c", code],
    cwd=_ROOT,
    capture_output=True,
    text=True,
    check=True,
  )
  count, version = done.stdout.split()
  assert int(count) == len(snj.__all__) and re.fullmatch(r"[\d.]+", version)


@pytest.mark.parametrize("name", snj.__all__)
def test_public_names_exist_and_say_what_they_are(name):
  found = getattr(snj, name)
  assert found.__doc__ or getattr(found, "func", None)
  source = (_ROOT / "stylized_nerf_jax" / "__init__.py").read_text()
  # Type checkers read the imports, the program reads the table.
  assert re.search(rf"\b{name}\b", source.partition("_PUBLIC")[0])
