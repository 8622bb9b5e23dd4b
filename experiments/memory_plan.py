"""What training says that its steps take of a device, beside what they take.

  python experiments/memory_plan.py --run runs/fern

RUN is a finished run. Before the first step of a kind training prints what the
compiler plans for it; here the same calls are made once more, and the largest
memory of the process while they run is read from the system (Linux, CPU).
Writes experiments/results/memory_plan.json.
"""

import ctypes
import gc
import pathlib
import tempfile

import jax

from support import arguments, cases, results, run_cases, stylizer_cases

_COLUMNS = ("steps", "planned, MiB", "measured, MiB", "measured / planned")


def main() -> None:
  """Plans, measures and writes."""
  args = arguments.of_run(__doc__).parse_args()
  rows = []
  with tempfile.TemporaryDirectory() as scratch:
    for name, problem in _problems(args.run, pathlib.Path(scratch)).items():
      planned, measured = measure(problem)
      ratio = measured / planned
      rows.append([name, f"{planned:,.0f}", f"{measured:,.0f}", f"{ratio:.2f}"])
      print(*rows[-1], sep="  ", flush=True)
  results.write_table("memory_plan", _COLUMNS, rows)


def _problems(run: pathlib.Path, scratch: pathlib.Path):
  bench = run_cases.Bench(run)
  problems = {name: found for name, (found, _) in bench.problems().items()}
  problems["phase 3, patches"] = bench.patches(scratch)
  problems["decoder step, 256 px"] = stylizer_cases.kept_features(run)
  return problems


def measure(problem: cases.Problem) -> tuple[float, float]:
  """Returns planned and measured MiB of a call, its arguments among them."""
  planned = []
  take = problem.taker(on_plan=planned.append)
  state, _ = take(problem.state())
  jax.block_until_ready(state)
  arguments = sum(
    leaf.nbytes
    for leaf in jax.tree.leaves((state, problem.constants, problem.batch))
  )
  gc.collect()
  # What the allocator keeps of earlier calls would be used by this one.
  ctypes.CDLL(None).malloc_trim(0)
  pathlib.Path("/proc/self/clear_refs").write_text("5")
  before = _status("VmRSS")
  state, _ = take(state)
  jax.block_until_ready(state)
  grown = _status("VmHWM") - before
  return planned[0] / 2**20, arguments / 2**20 + grown


def _status(name: str) -> float:
  """A value of /proc/self/status, in MiB."""
  for line in pathlib.Path("/proc/self/status").read_text().splitlines():
    if line.startswith(f"{name}:"):
      return int(line.split()[1]) / 2**10
  raise KeyError(name)


if __name__ == "__main__":
  main()
