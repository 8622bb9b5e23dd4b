"""How good, how long, how much memory: one scene through all phases.

  python experiments/scene.py --name fern --workdir runs/fern -- \
    --config configs/fast.py --config.scene.path=FERN \
    --config.scene.downsample=8 --config.styles.path=PAINTINGS

Every phase is a process of its own, so that its peak memory is its own. A phase
that was finished before keeps the figures of NAME_cost.json, or has none.
Writes NAME_cost.json after each phase, and the evaluation report as
experiments/results/NAME.json.
"""

import itertools
import json
import pathlib
import shlex

from support import arguments, commands, results, run_files

_COLUMNS = commands.COLUMNS | {"load": "load_at_end"}


def main() -> None:
  """Runs the phases and the evaluation, and writes the result."""
  args = arguments.of_training(__doc__).parse_args()
  phases, earlier = {}, _earlier_phases(args.name, args.workdir)
  for phase in run_files.PHASES:
    before = _record(args.workdir, phase)
    cost = commands.train(args.workdir, phase, args.config)
    if before and before == _record(args.workdir, phase):
      cost = earlier.get(phase)
    if cost:
      phases[phase] = cost
      _write_cost(args.name, phases)
  evaluate = ["evaluate", "--workdir", str(args.workdir)]
  phases["evaluation"] = commands.run(evaluate)
  report = args.workdir / "evaluation" / "report.json"
  results.write_result(args.name, json.loads(report.read_text()))
  _write_cost(args.name, phases)


def _write_cost(name: str, phases: dict) -> None:
  """Writes what the phases so far have cost, and as a table."""
  rows = results.rows_of(phases, _COLUMNS.values())
  columns = ["phase", *_COLUMNS]
  results.write_table(f"{name}_cost", columns, rows, phases=phases)


def _earlier_phases(name: str, workdir: pathlib.Path) -> dict:
  """Returns the phases of an earlier NAME_cost.json of the same folder."""
  path = results.path_of(f"{name}_cost")
  if not path.exists():
    return {}
  cost = json.loads(path.read_text())
  words = itertools.pairwise(shlex.split(cost["command"]))
  shown = pathlib.Path(results.shown(str(workdir)))
  folders = [
    pathlib.Path(word) for option, word in words if option == "--workdir"
  ]
  return cost["phases"] if shown in folders else {}


def _record(workdir: pathlib.Path, phase: str) -> dict | None:
  """Returns what the run's manifest says of a phase, if it is finished."""
  facts = run_files.facts(workdir, phase)
  return facts if facts.get("finished") else None


if __name__ == "__main__":
  main()
