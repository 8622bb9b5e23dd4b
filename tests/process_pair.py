"""Real processes on this host that train together, as tests start them."""

import os
import pathlib
import socket
import subprocess
import sys

_TESTS = pathlib.Path(__file__).parent


class Pair:
  """Two processes with two CPU devices each, or one with four.

  Args:
    folder: for what they print.
    count: number of processes.
    command: arguments of Python; `{coordinator}`, `{count}` and `{index}` in
      them are replaced.
  """

  def __init__(self, folder: pathlib.Path, command: list[str], count: int = 2):
    coordinator = f"127.0.0.1:{free_port()}"
    self._logs = [folder / f"process{i}.log" for i in range(count)]
    self.processes = []
    for index, log in enumerate(self._logs):
      names = {"coordinator": coordinator, "count": count, "index": index}
      with log.open("w") as file:
        process = subprocess.Popen(
          [sys.executable, *(part.format(**names) for part in command)],
          env=environment(4 // count, folder / "compiled"),
          stdout=file,
          stderr=subprocess.STDOUT,
        )
      self.processes.append(process)

  def __enter__(self):
    return self

  def __exit__(self, *_):
    for process in self.processes:
      process.kill()
      process.wait()

  def wait(self, timeout: float) -> list[int]:
    """Returns exit statuses; raises `TimeoutExpired` after so many seconds."""
    return [process.wait(timeout) for process in self.processes]

  def text(self, index: int) -> str:
    """Returns what a process has printed so far."""
    return self._logs[index].read_text()


def environment(devices: int, cache: pathlib.Path) -> dict[str, str]:
  """Returns that of a process with so many simulated devices.

  Args:
    devices: how many.
    cache: folder of what was compiled; processes after the first are faster.
  """
  path = [str(_TESTS), str(_TESTS.parent), os.environ.get("PYTHONPATH", "")]
  return {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(path),
    "JAX_NUM_CPU_DEVICES": str(devices),
    "NPROC": "16",
    "JAX_COMPILATION_CACHE_DIR": str(cache),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
  }


def free_port() -> int:
  """Returns a port that nobody listens on."""
  with socket.socket() as one:
    one.bind(("127.0.0.1", 0))
    return one.getsockname()[1]
