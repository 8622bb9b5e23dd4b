"""Shared set-up: four simulated CPU devices and the folder of real data."""

import os
import pathlib

# Simulated CPU devices share one thread pool; too small a pool deadlocks
# collectives, and the size is read when jax is imported.
os.environ.setdefault("NPROC", "16")
# Most tests take longer to compile than to run; read at import, too.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import jax  # noqa: E402
import pytest  # noqa: E402

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "allow")

_DEFAULT_DATA = pathlib.Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> pathlib.Path:
  """Folder of real scenes, photos and paintings; skips where absent."""
  named = os.environ.get("STYLIZED_NERF_DATA")
  folder = pathlib.Path(named) if named else _DEFAULT_DATA
  if not (folder / "scenes").is_dir():
    if named:
      pytest.fail(f"STYLIZED_NERF_DATA names {folder}, without scenes/")
    pytest.skip("real data is absent: set STYLIZED_NERF_DATA")
  return folder
