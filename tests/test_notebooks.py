"""The notebooks of docs/notebooks run from top to bottom, on less of it all.

A cell that follows the one tagged "parameters" shrinks them, as a reader would
who sets the parameters.
"""

import json
import pathlib

import pytest
import test_tutorial
import tiny_run

_FOLDER = pathlib.Path(__file__).parents[1] / "docs" / "notebooks"
_NAMES = ("own_loss", "photographs_to_film")

desk = test_tutorial.desk


def _read(name):
  return json.loads((_FOLDER / f"{name}.ipynb").read_text())


def _sources(notebook, kind="code") -> list[str]:
  cells = [c for c in notebook["cells"] if c["cell_type"] == kind]
  return ["".join(cell["source"]) for cell in cells]


def test_no_notebook_is_forgotten():
  assert sorted(path.stem for path in _FOLDER.glob("*.ipynb")) == list(_NAMES)
  page = (_FOLDER / "index.md").read_text()
  assert all(f"({name}.ipynb)" in page for name in _NAMES)


@pytest.mark.parametrize("name", _NAMES)
def test_notebooks_are_kept_without_outputs(name):
  notebook = _read(name)
  for cell in notebook["cells"]:
    assert not cell.get("outputs") and cell.get("execution_count") is None
  tags = [cell["metadata"].get("tags", []) for cell in notebook["cells"]]
  assert tags.count(["parameters"]) == 1
  for i, source in enumerate(_sources(notebook)):
    lines = [line for line in source.splitlines() if line[:1] not in "!%"]
    compile("\n".join(lines), f"{name}, cell {i}", "exec")


def _run(name, shrunk: str, folder):
  """Runs a notebook in a kernel of its own; returns it with its outputs."""
  nbclient = pytest.importorskip("nbclient", reason="extra `docs`")
  nbformat = pytest.importorskip("nbformat", reason="extra `docs`")
  pytest.importorskip("ipykernel", reason="extra `docs`")
  notebook = nbformat.read(_FOLDER / f"{name}.ipynb", as_version=4)
  at = [c.metadata.get("tags") for c in notebook.cells].index(["parameters"])
  notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(shrunk))
  client = nbclient.NotebookClient(
    notebook, timeout=900, resources={"metadata": {"path": str(folder)}}
  )
  return client.execute()


def _outputs(notebook) -> tuple[str, list[str]]:
  """What was printed, and the kinds of what was shown."""
  found = [out for cell in notebook.cells for out in cell.get("outputs", ())]
  printed = "".join(out.get("text", "") for out in found)
  return printed, [kind for out in found for kind in out.get("data", ())]


@pytest.mark.slow
def test_a_loss_of_ones_own(tmp_path):
  grid = {"num_levels": 2, "log2_table_size": 8}
  shrunk = f"""
DOWNSAMPLE, STEPS, LOOK_STEPS, RAYS = 8.0, 40, 40, 128
FIELD = {grid | {"proposal_levels": 1, "proposal_log2_table_size": 8}}
LOOK = {grid | {"depth": 3, "width": 8}}
"""
  printed, shown = _outputs(_run("own_loss", shrunk, tmp_path))
  assert shown.count("image/png") == 2
  assert "views to train on" in printed and "PSNR" in printed
  # The loss of one's own falls; forty steps of the tiny field tell nothing.
  falls = [
    (float(words[1]), float(words[4]))
    for words in map(str.split, printed.splitlines())
    if words[:1] == ["loss:"]
  ]
  assert len(falls) == 2 and falls[1][1] < falls[1][0]


@pytest.mark.slow
@pytest.mark.usefixtures("small_networks")
def test_photographs_to_film(desk, small_weights):
  pytest.importorskip("pycolmap", reason="extra `colmap` is not installed")
  changes = tiny_run.changed_fields(
    small_weights, but=("scene.path", "styles.path")
  )
  shrunk = f"""
import sys
sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
import pytest, tiny_run
tiny_run.small_networks(pytest.MonkeyPatch())
CHANGES = {changes!r}
FRAMES, WIDTH = 2, 64
"""
  printed, shown = _outputs(_run("photographs_to_film", shrunk, desk))
  assert "8 of 8 photographs have a camera" in printed
  assert shown.count("image/png") == 4 and "text/html" in shown
  assert (desk / "film" / "film.mp4").is_file()
