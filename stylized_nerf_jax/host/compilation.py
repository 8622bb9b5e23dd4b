"""Compiled programs kept between runs, in the user's own cache folder.

A phase spends 5 to 30 s compiling before its first step, and a resumed or
repeated run compiles what the run before it compiled. JAX can keep the results;
this module says where, for which machine, and how many.
"""

import contextlib
import hashlib
import os
import pathlib

import jax

_MAX_BYTES = 1 << 30
# Faster to compile than to find.
_MIN_SECONDS = 0.1


def keep_compiled() -> pathlib.Path | None:
  """Keeps compiled programs from here on; returns their folder.

  The folder is `stylized_nerf_jax/compiled-*` in `XDG_CACHE_HOME` (default
  `~/.cache`), one for each kind of processor, since a program is made for the
  instructions of one. The user alone may read and write it, because what lies
  there is executed. Above 1 GiB the programs that were made first are deleted.
  A folder that the user has named (`JAX_COMPILATION_CACHE_DIR`) is left to
  JAX, and so is everything where `JAX_ENABLE_COMPILATION_CACHE` is false.

  Returns:
    The folder, or None where nothing is kept: it cannot be written, belongs to
    someone else, or compilation is not to be cached at all.
  """
  if not jax.config.jax_enable_compilation_cache:
    return None
  if jax.config.jax_compilation_cache_dir:
    return pathlib.Path(jax.config.jax_compilation_cache_dir)
  root = os.environ.get("XDG_CACHE_HOME")
  base = pathlib.Path(root) if root else pathlib.Path("~/.cache").expanduser()
  folder = base / "stylized_nerf_jax" / f"compiled-{_processor()}"
  try:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.stat()
    if found.st_uid != os.getuid() or found.st_mode & 0o022:
      return None
    if not os.access(folder, os.W_OK):
      return None
    _leave(folder, _MAX_BYTES)
  except OSError:
    return None
  jax.config.update("jax_compilation_cache_dir", str(folder))
  jax.config.update("jax_persistent_cache_min_compile_time_secs", _MIN_SECONDS)
  return folder


def _leave(folder: pathlib.Path, max_bytes: int) -> None:
  """Deletes the files that were made first, down to half of `max_bytes`."""
  files = []
  for path in folder.iterdir():
    # Another process may be deleting, too.
    with contextlib.suppress(FileNotFoundError):
      made = path.stat()
      files.append((made.st_mtime, made.st_size, path))
  total = sum(size for _, size, _ in files)
  if total <= max_bytes:
    return
  for _, size, path in sorted(files):
    if total <= max_bytes // 2:
      return
    path.unlink(missing_ok=True)
    total -= size


def _processor() -> str:
  """A short name of the instructions that this machine's processor knows."""
  described = os.uname().machine
  with contextlib.suppress(OSError):
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
      if line.startswith(("model name", "flags", "Features")):
        described += line
      elif not line:
        break
  return hashlib.sha256(described.encode()).hexdigest()[:12]
