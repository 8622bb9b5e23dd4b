"""From photographs to film: this build against an earlier one, phase by phase.

  python experiments/whole.py --against GIT_REF --name whole_fern \
    --workdir runs/whole -- --config fast --config.scene.path=SCENE \
    --config.scene.downsample=8 --config.styles.path=PAINTINGS

Installs both builds, each from a clone of its own into an environment of its
own, and lets them take every phase in turn, round after round (who is first
changes with the round), each phase a process of its own; then both evaluate the
run of the first round. What was measured is kept in the work folder after each
phase: the same command goes on. Writes experiments/results/NAME.json: medians,
ratios and peak memory. The machine should do nothing else meanwhile; its load
before each phase is written down.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

from support import commands, results

_PHASES = ("radiance_field", "stylizer", "mutual_learning", "finish")
_EVALUATE = "evaluate"
_HERE = "here"
_COLUMNS = (
  *("phase", "before, s", "now, s", "ratio"),
  *("peak memory before, MiB", "now, MiB"),
)


def main() -> None:
  """Measures and writes."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--against", required=True, metavar="GIT_REF")
  parser.add_argument("--name", required=True)
  parser.add_argument("--workdir", required=True, type=pathlib.Path)
  parser.add_argument("--rounds", type=int, default=2)
  parser.add_argument(
    "--phases",
    default=",".join((*_PHASES, _EVALUATE)),
    help="with commas; those that a build does not have are left out",
  )
  parser.add_argument(
    "--extras", default="weights,video", help="that both are installed with"
  )
  parser.add_argument("config", nargs="+", help="after --: of `train`")
  args = parser.parse_args()
  work = args.workdir.absolute()
  work.mkdir(parents=True, exist_ok=True)
  builds = {
    _HERE: _install(work / _HERE, "HEAD", args.extras),
    args.against: _install(work / "before", args.against, args.extras),
  }
  record = _Record(work / "measured.json")
  for number in range(args.rounds):
    for phase in args.phases.split(","):
      if phase == _EVALUATE and number:
        continue
      order = list(builds)[:: -1 if number % 2 else 1]
      for build in order:
        if phase in builds[build].phases:
          record.measure(builds[build], build, phase, number, work, args.config)
  _write(args, record.taken)


class _Build:
  """An installed build.

  Attributes:
    python: its interpreter.
    revision: the commit.
    phases: that it has, with the evaluation.
  """

  def __init__(self, python: pathlib.Path, revision: str):
    self.python, self.revision = python, revision
    code = (
      "from stylized_nerf_jax.runs import run_folder; print(*run_folder.PHASES)"
    )
    found = subprocess.run(
      [python, "-c", code], capture_output=True, text=True, check=True
    )
    self.phases = (*found.stdout.split(), _EVALUATE)


def _install(folder: pathlib.Path, reference: str, extras: str) -> _Build:
  """Clones a commit of this project and installs it, unless it was done."""
  root = pathlib.Path(__file__).parents[1]
  revision = _output(["git", "-C", root, "rev-parse", reference])
  clone, done = folder / "clone", folder / "installed"
  if not (done.is_file() and done.read_text() == revision):
    if not clone.is_dir():
      _output(["git", "clone", "--quiet", root, clone])
    _output(["git", "-C", clone, "fetch", "--quiet", "origin", revision])
    _output(["git", "-C", clone, "checkout", "--quiet", revision])
    _output([sys.executable, "-m", "venv", "--clear", folder / "environment"])
    pip = [folder / "environment" / "bin" / "python", "-m", "pip"]
    _output([*pip, "install", "--quiet", f"{clone}[{extras}]"])
    done.write_text(revision)
  return _Build(folder / "environment" / "bin" / "python", revision)


def _output(command) -> str:
  done = subprocess.run(
    list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True
  )
  return done.stdout.strip()


class _Record:
  """What was measured, kept in a file.

  Attributes:
    taken: by "build phase round": what `_run` returns.
  """

  def __init__(self, path: pathlib.Path):
    self._path = path
    self.taken = json.loads(path.read_text()) if path.is_file() else {}

  def measure(self, build, name, phase, number, work, config) -> None:
    """Lets a build do a phase, unless it was done."""
    key = f"{name} {phase} {number}"
    if self.taken.get(key, {}).get("revision") == build.revision:
      return
    run = work / f"{'now' if name == _HERE else 'before'}_{number}"
    command = ["train", "--phase", phase, "--from-scratch", *config]
    if phase == _EVALUATE:
      command = ["evaluate"]
    words = [build.python, "-m", "stylized_nerf_jax.cli.main", *command]
    found = commands.run_command(
      [*map(str, words), "--workdir", str(run)], cwd=work, quiet=True
    )
    self.taken[key] = {"revision": build.revision, **found}
    self._path.write_text(json.dumps(self.taken, indent=1))
    print(key, found, flush=True)


def _write(args, taken: dict[str, dict]) -> None:
  def of(build: str, phase: str, key: str) -> float | None:
    found = [
      facts[key]
      for name, facts in taken.items()
      if name.startswith(f"{build} {phase} ")
    ]
    return statistics.median(found) if found else None

  phases = args.phases.split(",")
  rows = []
  for phase in phases:
    seconds = [of(b, phase, "wall_s") for b in (args.against, _HERE)]
    memory = [of(b, phase, "peak_memory_mib") for b in (args.against, _HERE)]
    rows.append([phase, *seconds, _ratio(*seconds), *memory])
  for name, parts in (
    ("all phases, no finish", _PHASES[:-1]),
    ("all phases", _PHASES),
  ):
    if set(parts) <= set(phases):
      sums = [
        round(sum(of(b, p, "wall_s") or 0.0 for p in parts), 1)
        for b in (args.against, _HERE)
      ]
      rows.append([name, *sums, _ratio(*sums), None, None])
  results.write_table(
    args.name,
    _COLUMNS,
    rows,
    against=args.against,
    rounds=args.rounds,
    measured=taken,
  )


def _ratio(before: float | None, now: float | None) -> float | None:
  return round(now / before, 3) if before and now is not None else None


if __name__ == "__main__":
  main()
