"""Commands of `stylized-nerf`: as processes that are measured, or in this one.

A process of its own has a peak of memory of its own, and starts and compiles as
it does for everybody.
"""

import os
import pathlib
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable

# Headings of tables, and what they stand above in what `run` returns.
COLUMNS = {
  "wall, s": "wall_s",
  "CPU, s": "cpu_s",
  "peak memory, MiB": "peak_memory_mib",
}


def train(
  workdir: pathlib.Path, phase: str, arguments: Iterable[str]
) -> dict[str, float]:
  """Trains one phase; returns what `run` does."""
  command = ["train", "--phase", phase, "--workdir", str(workdir)]
  return run([*command, *arguments])


def run(arguments: list[str]) -> dict[str, float]:
  """Runs one command; returns its times and peak memory."""
  return run_command(
    [sys.executable, "-m", "stylized_nerf_jax.cli.main", *arguments]
  )


def run_command(
  command: list[str],
  *,
  cwd: pathlib.Path | None = None,
  quiet: bool = False,
  environment: dict[str, str] | None = None,
) -> dict[str, float]:
  """Runs any command.

  Args:
    command: its words.
    cwd: folder that it runs in; None: this one.
    quiet: whether its messages are not shown.
    environment: variables that it gets beside those of this process.

  Returns:
    Times, peak memory, and the load before it began and when it ended.
  """
  before, start = os.getloadavg()[0], time.monotonic()
  process = subprocess.Popen(
    command,
    cwd=cwd,
    env={**os.environ, **(environment or {})},
    stdout=subprocess.DEVNULL if quiet else None,
    stderr=subprocess.DEVNULL if quiet else None,
  )
  _, status, usage = os.wait4(process.pid, 0)
  if status:
    raise SystemExit(f"{shlex.join(command)} ended with status {status}")
  return {
    "wall_s": round(time.monotonic() - start, 1),
    "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
    "peak_memory_mib": round(usage.ru_maxrss / 1024),
    "load_before": round(before, 2),
    "load_at_end": round(os.getloadavg()[0], 2),
  }


def train_here(workdir: pathlib.Path, arguments: Iterable[str]) -> None:
  """Trains in this process, where the next training starts sooner."""
  # Who only starts processes has no use for JAX.
  from stylized_nerf_jax.cli import main as cli

  if cli.main(["train", "--workdir", str(workdir), *arguments]):
    raise SystemExit(f"{workdir}: training failed")
