"""Compiled programs are kept where they should be, and nowhere else."""

import os
import pathlib
import subprocess
import sys

import jax
import pytest

from stylized_nerf_jax.host import compilation

_PROGRAM = """
import jax, sys
from stylized_nerf_jax.host import compilation
compilation._MIN_SECONDS = 0.0
folder = compilation.keep_compiled()
hits = []
jax.monitoring.register_event_listener(
  lambda event, **_: hits.append(event.endswith("/cache_hits"))
)
values = jax.jit(lambda x: jax.numpy.sin(x @ x.T).sum())
result = values(jax.numpy.eye(64) + 0.1)
print(folder, sum(hits), result)
"""


@pytest.fixture
def no_folder_named(monkeypatch):
  """JAX as it is where no folder is named, and afterwards as it was."""
  before = jax.config.jax_compilation_cache_dir
  seconds = jax.config.jax_persistent_cache_min_compile_time_secs
  jax.config.update("jax_compilation_cache_dir", None)
  yield
  jax.config.update("jax_compilation_cache_dir", before)
  jax.config.update("jax_persistent_cache_min_compile_time_secs", seconds)


def test_a_second_process_finds_what_the_first_compiled(tmp_path):
  environment = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("JAX_COMPILATION", "JAX_PERSISTENT"))
  }
  environment["XDG_CACHE_HOME"] = str(tmp_path)
  found = []
  for _ in range(2):
    done = subprocess.run(
      [sys.executable, "-c", _PROGRAM],
      env=environment,
      capture_output=True,
      text=True,
      check=True,
    )
    folder, hits, result = done.stdout.split()
    assert pathlib.Path(folder).is_relative_to(tmp_path / "stylized_nerf_jax")
    assert pathlib.Path(folder).stat().st_mode & 0o077 == 0
    found.append((int(hits), result))
  assert found[0][0] == 0
  assert found[1][0] > 0
  assert found[0][1] == found[1][1]


def test_a_folder_that_is_named_stays(no_folder_named, tmp_path):
  jax.config.update("jax_compilation_cache_dir", str(tmp_path))
  assert compilation.keep_compiled() == tmp_path


def test_a_folder_that_others_may_write_is_not_used(
  no_folder_named, tmp_path, monkeypatch
):
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
  folder = compilation.keep_compiled()
  assert folder is not None
  jax.config.update("jax_compilation_cache_dir", None)
  folder.chmod(0o777)
  assert compilation.keep_compiled() is None
  assert jax.config.jax_compilation_cache_dir is None


def test_no_folder_is_no_error(no_folder_named, tmp_path, monkeypatch):
  (tmp_path / "file").write_text("")
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
  assert compilation.keep_compiled() is None


def test_the_first_files_go_when_there_are_too_many_bytes(tmp_path):
  for index in range(6):
    path = tmp_path / f"{index}"
    path.write_bytes(bytes(100))
    os.utime(path, (index, index))
  compilation._leave(tmp_path, 600)
  assert len(list(tmp_path.iterdir())) == 6
  compilation._leave(tmp_path, 500)
  assert sorted(path.name for path in tmp_path.iterdir()) == ["4", "5"]
