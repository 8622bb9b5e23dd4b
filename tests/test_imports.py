"""Every module can be the first one that a program imports."""

import pathlib
import subprocess
import sys

_ROOT = pathlib.Path(__file__).parents[1]
_IMPORT_EACH = """
import importlib, sys
for name in sys.argv[1:]:
  for loaded in [m for m in sys.modules if m.startswith("stylized_nerf_jax")]:
    del sys.modules[loaded]
  try:
    importlib.import_module(name)
  except AttributeError as error:
    print(name, error)
"""


def test_no_module_depends_on_what_was_imported_before():
  paths = sorted((_ROOT / "stylized_nerf_jax").rglob("*.py"))
  names = [
    ".".join(path.relative_to(_ROOT).with_suffix("").parts) for path in paths
  ]
  assert len(names) > 100
  done = subprocess.run(
    [sys.executable, "-c", _IMPORT_EACH, *names],
    cwd=_ROOT,
    capture_output=True,
    text=True,
    check=True,
  )
  assert done.stdout == ""
