"""How good, how long, how much memory: one scene through all phases.

  python experiments/scene.py --name fern --workdir runs/fern -- \
    --config configs/fast.py --config.scene.path=FERN \
    --config.scene.downsample=8 --config.styles.path=PAINTINGS

Every phase is a process of its own, so that its peak memory is its own. A phase
that was finished before keeps the figures of NAME_cost.json, or has none.
Writes NAME_cost.json after each phase, and the evaluation report as
experiments/results/NAME.json.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import shlex
import subprocess
import sys
import time

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
_PHASES = ("radiance_field", "stylizer", "mutual_learning")
_RESULTS = pathlib.Path(__file__).parent / "results"


def main() -> None:
  """Runs the phases and the evaluation, and writes the result."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--name", required=True)
  parser.add_argument("--workdir", required=True)
  parser.add_argument("config", nargs="+", help="after --")
  args = parser.parse_args()
  workdir = ["--workdir", args.workdir]
  phases, earlier = {}, _earlier_phases(args.name, args.workdir)
  for phase in _PHASES:
    before = _record(args.workdir, phase)
    cost = run(["train", "--phase", phase, *workdir, *args.config])
    if before and before == _record(args.workdir, phase):
      cost = earlier.get(phase)
    if cost:
      phases[phase] = cost
      _write_cost(args.name, phases)
  phases["evaluation"] = run(["evaluate", *workdir])
  report = pathlib.Path(args.workdir) / "evaluation" / "report.json"
  write_result(args.name, json.loads(report.read_text()))
  _write_cost(args.name, phases)


def _write_cost(name: str, phases: dict) -> None:
  """Writes what the phases so far have cost, and as a table."""
  columns = ["wall_s", "cpu_s", "peak_memory_mib", "load_at_end"]
  cost = {
    "phases": phases,
    "table": {
      "columns": ["phase", "wall, s", "CPU, s", "peak memory, MiB", "load"],
      "rows": [
        [name, *(facts[column] for column in columns)]
        for name, facts in phases.items()
      ],
    },
  }
  write_measured(f"{name}_cost", cost)


def _earlier_phases(name: str, workdir: str) -> dict:
  """Returns the phases of an earlier NAME_cost.json of the same folder."""
  path = _RESULTS / f"{name}_cost.json"
  if not path.exists():
    return {}
  cost = json.loads(path.read_text())
  same = f" --workdir {_shown(workdir)} " in cost["command"]
  return cost["phases"] if same else {}


def _record(workdir: str, phase: str) -> dict | None:
  """Returns what the run's manifest says of a phase, if it is finished."""
  path = pathlib.Path(workdir) / "manifest.json"
  if not path.exists():
    return None
  facts = json.loads(path.read_text())["phases"].get(phase, {})
  return facts if facts.get("finished") else None


def write_result(name: str, content: dict) -> None:
  """Write experiments/results/NAME.json."""
  path = _RESULTS / f"{name}.json"
  path.write_text(json.dumps(content, indent=1) + "\n")
  print(f"wrote {path}")


def write_measured(name: str, content: dict) -> None:
  """Write experiments/results/NAME.json, with date, command and machine."""
  facts = {
    "date": datetime.date.today().isoformat(),
    "command": describe_command(),
    "machine": describe_machine(),
  }
  write_result(name, {**facts, **content})


def describe_command() -> str:
  """Returns the command, with folders outside of the project by their names."""
  arguments = []
  for argument in sys.argv:
    name, equals, value = argument.rpartition("=")
    arguments.append(name + equals + _shown(value))
  return shlex.join(["python", *arguments])


def _shown(value: str) -> str:
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


def run(arguments: list[str]) -> dict:
  """Runs one command; returns its times and peak memory."""
  start = time.monotonic()
  command = [sys.executable, "-m", "stylized_nerf_jax.cli.main", *arguments]
  process = subprocess.Popen(command)
  _, status, usage = os.wait4(process.pid, 0)
  if status:
    raise SystemExit(f"{shlex.join(command)} ended with status {status}")
  return {
    "wall_s": round(time.monotonic() - start, 1),
    "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
    "peak_memory_mib": round(usage.ru_maxrss / 1024),
    "load_at_end": round(os.getloadavg()[0], 2),
  }


def _processor() -> str:
  for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
    if line.startswith("model name"):
      return line.partition(":")[2].strip()
  return platform.processor()


if __name__ == "__main__":
  main()
