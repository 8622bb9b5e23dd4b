"""The plan of the house: docs/architecture.md says it, the imports keep it."""

import ast
import collections
import functools
import pathlib
import re
import subprocess
import sys

import pytest

_ROOT = pathlib.Path(__file__).parents[1]
_PACKAGE = _ROOT / "stylized_nerf_jax"
# What importing the core may not bring.
_HEAVY = ("optax", "orbax", "tqdm")
_CORE = ("rendering", "fields", "losses", "rows")
_IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
  importlib.import_module(name)
print(*sys.modules, sep="\\n")
"""


@functools.cache
def _floors() -> dict[str, int]:
  """The floor of every room, as the document's table has it."""
  text = (_ROOT / "docs" / "architecture.md").read_text()
  table = text.partition("<!-- floors -->")[2].partition("<!-- /floors -->")[0]
  rows = re.findall(r"^\| (\d+) \| `([\w.]+)` \|", table, re.MULTILINE)
  floors = {room: int(floor) for floor, room in rows}
  assert len(floors) == len(rows), "a room stands in the table twice"
  return floors


@functools.cache
def _modules() -> dict[str, pathlib.Path]:
  """Files of the package by the names that they are imported by."""
  found = {}
  for path in sorted(_PACKAGE.rglob("*.py")):
    parts = path.relative_to(_ROOT).with_suffix("").parts
    found[".".join(p for p in parts if p != "__init__")] = path
  return found


def _room(module: str) -> str:
  """The folder of a module, or, beside the folders, the module itself."""
  path = _modules()[module].relative_to(_PACKAGE)
  folder = ".".join(path.parent.parts)
  return folder or path.stem


@functools.cache
def _imports() -> dict[str, set[str]]:
  """What every module imports of the package, at its head or anywhere."""
  return {
    name: set(_imported(ast.parse(path.read_text())))
    for name, path in _modules().items()
  }


def _imported(tree: ast.Module):
  for node in ast.walk(tree):
    if isinstance(node, ast.Import):
      names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
      assert node.level == 0, "imports are absolute"
      inside = [f"{node.module}.{alias.name}" for alias in node.names]
      names = [n if n in _modules() else node.module for n in inside]
    else:
      continue
    yield from (name for name in names if name in _modules())


def test_every_room_is_in_the_plan():
  rooms = {_room(name) for name in _modules()} - {"__init__"}
  assert rooms == set(_floors())
  assert len(_modules()) > 150


@pytest.mark.parametrize("room", _floors())
def test_imports_lead_down(room):
  """Never up, and never to another room of the same floor."""
  up = [
    f"{module} -> {imported}"
    for module, all_imported in _imports().items()
    for imported in all_imported
    if _room(module) == room != _room(imported)
    and _floors()[_room(imported)] >= _floors()[room]
  ]
  assert not up


def test_no_files_import_each_other_in_a_circle():
  done, path = set(), []

  def visit(module):
    assert module not in path, " -> ".join([*path, module])
    if module in done:
      return
    path.append(module)
    for imported in _imports()[module]:
      visit(imported)
    done.add(path.pop())

  for module in _modules():
    visit(module)
  assert done == set(_modules())


def test_the_core_is_light():
  """No optimizer, no checkpoints and no progress bars come with a renderer."""
  names = [name for name in _modules() if _room(name) in _CORE]
  assert len(names) > 30
  done = subprocess.run(
    [sys.executable, "-c", _IMPORT_ALL, *names],
    cwd=_ROOT,
    capture_output=True,
    text=True,
    check=True,
  )
  loaded = {line.partition(".")[0] for line in done.stdout.splitlines()}
  assert "jax" in loaded and not loaded & set(_HEAVY)


def test_one_file_knows_pmap():
  """By its code; documents and comments may speak of it."""
  knows = {
    name
    for name, path in _modules().items()
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Attribute)
    and node.attr == "pmap"
    and getattr(node.value, "id", None) == "jax"
  }
  assert knows == {"stylized_nerf_jax.rows.devices"}


def test_files_and_folders_stay_small():
  folders = collections.Counter()
  for top in ("stylized_nerf_jax", "configs", "experiments", "tests"):
    for path in (_ROOT / top).rglob("*.py"):
      folders[path.parent] += 1
      assert len(path.read_text().splitlines()) <= 400, path
  assert max(folders.values()) <= 20, folders.most_common(1)
