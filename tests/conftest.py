"""Shared set-up: four simulated CPU devices and the folder of real data."""

import fcntl
import gc
import importlib.metadata
import os
import pathlib
import shutil
import tempfile

# Simulated CPU devices share one thread pool; too small a pool deadlocks
# collectives, and the size is read when jax is imported.
os.environ.setdefault("NPROC", "16")
# Most tests take longer to compile than to run; read at import, too.
_FLAGS = "--xla_backend_optimization_level=0"
_HAS_OLD_EMITTERS = importlib.metadata.version("jaxlib").startswith("0.10.")
if _HAS_OLD_EMITTERS:
  # Those compile twice as fast. Later versions have no others than the new.
  _FLAGS += " --xla_cpu_use_fusion_emitters=false"
os.environ.setdefault("XLA_FLAGS", _FLAGS)
# What one test compiles, no other compiles again, nor do other processes, whose
# environment is this one's.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
  _compiled = tempfile.TemporaryDirectory(prefix="compiled-")
  os.environ["JAX_COMPILATION_CACHE_DIR"] = _compiled.name
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

import jax  # noqa: E402
import pytest  # noqa: E402
import tiny_run  # noqa: E402

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "allow")

# Half of what Linux grants a process.
_MOST_MAPS = 32_000

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


@pytest.fixture(autouse=True, scope="module")
def few_memory_maps():
  """Forgets compiled programs before a process has too many of them.

  Each takes some maps of memory, and the kernel grants a process 65,530: what
  comes after ends in a crash or hangs.
  """
  yield
  maps = pathlib.Path("/proc/self/maps")
  if maps.exists() and maps.read_bytes().count(b"\n") > _MOST_MAPS:
    jax.clear_caches()
    gc.collect()


@pytest.fixture
def small_networks(monkeypatch):
  """Puts small networks in place of encoder and decoder."""
  tiny_run.small_networks(monkeypatch)


def _made_once(tmp_path_factory, name: str, make) -> pathlib.Path:
  """Folder that one of the processes of pytest makes, and all may read.

  Args:
    tmp_path_factory: pytest's.
    name: of the folder.
    make: makes it, with the small networks in place.
  """
  base = tmp_path_factory.getbasetemp()
  if "PYTEST_XDIST_WORKER" in os.environ:
    base = base.parent
  folder, done = base / name, base / f"{name}.done"
  with (base / f"{name}.lock").open("w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not done.exists():
      # What another worker failed at is there in part.
      shutil.rmtree(folder, ignore_errors=True)
      with pytest.MonkeyPatch.context() as patch:
        tiny_run.small_networks(patch)
        make(folder)
      done.touch()
  return folder


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory) -> pathlib.Path:
  """Folder of random weights for the small networks; not to be written to."""
  return _made_once(tmp_path_factory, "weights", tiny_run.write_weights)


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory, small_weights) -> pathlib.Path:
  """Folder of one finished tiny run; not to be written to."""
  from stylized_nerf_jax.phases import pipeline

  config = tiny_run.make_config(small_weights)
  return _made_once(
    tmp_path_factory, "finished", lambda run: pipeline.train(config, run)
  )


@pytest.fixture
def run_copy(finished_run, small_networks, tmp_path) -> pathlib.Path:
  """A copy of the finished run, with the small networks in place."""
  return shutil.copytree(finished_run, tmp_path / "run")


@pytest.fixture(scope="module")
def fusion_emitters():
  """Compiles as users' programs are, by XLA's emitters of fusions.

  By the old ones a fisheye is up to a tenth of a pixel away, and two programs
  that compute the same may differ in a last bit.
  """
  if not _HAS_OLD_EMITTERS:
    yield
    return
  from jax._src import compiler

  get = compiler.get_compile_options

  def with_emitters(*args, env_options_overrides=None, **options):
    overrides = {
      **(env_options_overrides or {}),
      "xla_cpu_use_fusion_emitters": True,
    }
    return get(*args, env_options_overrides=overrides, **options)

  jax.clear_caches()
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(compiler, "get_compile_options", with_emitters)
    yield
  jax.clear_caches()


@pytest.fixture
def optimised_sweep(monkeypatch):
  """Lets XLA optimise the plane sweep, which tests otherwise forbid it."""
  import jax

  from stylized_nerf_jax.evaluation import plane_sweep

  sweep = jax.jit(
    plane_sweep._score.__wrapped__,
    compiler_options={"xla_backend_optimization_level": 3},
  )
  monkeypatch.setattr(plane_sweep, "_score", sweep)
