"""Results as the documentation reads them: experiments/results/NAME.json.

Nothing here loads JAX: what a script measures in processes of their own must
have the accelerator for itself.
"""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FOLDER = pathlib.Path(__file__).parents[1] / "results"
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def path_of(name: str) -> pathlib.Path:
  """Returns where the result NAME is, or will be."""
  return _FOLDER / f"{name}.json"


def write_table(
  name: str, columns: Iterable[str], rows: Sequence[Sequence], **facts: Any
) -> None:
  """Writes a measured result that is one table, and facts beside it."""
  table = {"columns": list(columns), "rows": rows}
  write_measured(name, {**facts, "table": table})


def rows_of(
  found: Mapping[str, Mapping[str, Any]], keys: Iterable[str]
) -> list[list]:
  """Returns a row for each name: that, and what was found under the keys."""
  keys = list(keys)
  return [[name, *(facts[k] for k in keys)] for name, facts in found.items()]


def write_measured(name: str, content: dict) -> None:
  """Writes a result with date, command and machine."""
  facts = {
    "date": datetime.date.today().isoformat(),
    "command": describe_command(),
    "machine": describe_machine(),
  }
  write_result(name, {**facts, **content})


def write_result(name: str, content: dict) -> None:
  """Writes a result as it is."""
  path = path_of(name)
  path.write_text(json.dumps(content, indent=1) + "\n")
  print(f"wrote {path}")


def describe_command() -> str:
  """Returns the command, with folders outside of the project by their names."""
  arguments = []
  for argument in sys.argv:
    name, equals, value = argument.rpartition("=")
    arguments.append(name + equals + shown(value))
  return shlex.join(["python", *arguments])


def shown(value: str) -> str:
  """Returns a folder outside of the project by its name, others as they are."""
  outside = value.startswith(("/", ".."))
  return pathlib.Path(value).name if outside else value


def describe_machine() -> dict:
  """Returns processor, cores, memory, accelerators and versions."""
  return {
    **_accelerators(),
    "processor": _processor(),
    "cores": os.cpu_count(),
    "memory_gib": round(
      os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    ),
    "python": platform.python_version(),
    "versions": {
      name: importlib.metadata.version(name)
      for name in (*_PACKAGES, "torch")
      if name in _PACKAGES or name in sys.modules
    },
  }


def _accelerators() -> dict:
  """Names the accelerators, if this process has begun to use any.

  One that has not must not take their memory from those that do.
  """
  xla = sys.modules.get("jax")
  if xla is None or xla.default_backend() == "cpu":
    return {}
  return {"accelerators": [device.device_kind for device in xla.devices()]}


def _processor() -> str:
  for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
    if line.startswith("model name"):
      return line.partition(":")[2].strip()
  return platform.processor()
