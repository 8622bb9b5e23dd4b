"""From photographs to film: this build against an earlier one, phase by phase.

  python experiments/whole.py --against GIT_REF --name whole_fern \
    --workdir runs/whole --style starry-night -- --config configs/fast.py \
    --config.scene.path=SCENE --config.scene.downsample=8 \
    --config.styles.path=PAINTINGS

Installs both builds, each from a clone of its own into an environment of its
own, and lets them take every step in turn, round after round (who is first and
the seed change with the round), each a process of its own. Steps are the
phases; `evaluate`, of the run of the first round; `help`; `frame`, one frame of
--style, rendered for the second time; `demo` and `demo_quick`. What was
measured is kept in the work folder after each step: the same command goes on.
Writes experiments/results/NAME.json: medians, ratios and peak memory. The
machine should do nothing else meanwhile; its load before each step is written
down. Each build keeps compiled programs of its own and is started in its clone:
paths of the config are absolute, or of files that both builds have.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

from support import commands, results

_PHASES = ("radiance_field", "stylizer", "mutual_learning", "finish")
# What is not a phase, and is done in the first round alone.
_ONCE = ("evaluate", "help", "frame", "demo", "demo_quick")
_HERE = "here"
_COLUMNS = (
  *("step", "before, s", "now, s", "ratio"),
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
    "--steps",
    default=",".join((*_PHASES, *_ONCE)),
    help="with commas; those that a build does not have are left out",
  )
  parser.add_argument("--style", required=True, help="whole name, for `frame`")
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
    for step in args.steps.split(","):
      if step in _ONCE and number:
        continue
      order = list(builds)[:: -1 if number % 2 else 1]
      for build in order:
        if step in builds[build].steps:
          record.measure(builds[build], build, step, number, args)
      _write(args, record.taken)


class _Build:
  """An installed build.

  Attributes:
    folder: of its clone, its environment and what it keeps compiled.
    revision: the commit.
    steps: those of this script that it has.
  """

  def __init__(self, folder: pathlib.Path, revision: str):
    self.folder, self.revision = folder, revision
    package = folder / "clone" / "stylized_nerf_jax"
    finishes = (package / "phases" / "finish.py").is_file()
    self.steps = (*_PHASES[: None if finishes else -1], *_ONCE)

  def run(self, words: list[str]) -> dict[str, float]:
    """Runs a command of the build; returns what `run_command` does."""
    python = self.folder / "environment" / "bin" / "python"
    return commands.run_command(
      [str(python), "-m", "stylized_nerf_jax.cli.main", *words],
      cwd=self.folder / "clone",
      quiet=True,
      environment={"XDG_CACHE_HOME": str(self.folder / "cache")},
    )


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
  return _Build(folder, revision)


def _output(command) -> str:
  done = subprocess.run(
    list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True
  )
  return done.stdout.strip()


class _Record:
  """What was measured, kept in a file.

  Attributes:
    taken: by "build step round": what `run_command` returns, and the revision.
  """

  def __init__(self, path: pathlib.Path):
    self._path = path
    self.taken = json.loads(path.read_text()) if path.is_file() else {}

  def measure(self, build: _Build, name, step, number, args) -> None:
    """Lets a build take a step, unless it was done."""
    key = f"{name} {step} {number}"
    if self.taken.get(key, {}).get("revision") == build.revision:
      return
    work = args.workdir.absolute()
    words = _words(work / f"{build.folder.name}_{number}", step, number, args)
    if step == "frame":
      build.run(words)
    found = build.run(words)
    self.taken[key] = {"revision": build.revision, **found}
    self._path.write_text(json.dumps(self.taken, indent=1))
    print(key, found, flush=True)


def _words(run: pathlib.Path, step: str, number: int, args) -> list[str]:
  """The command of a step, without the program's name."""
  at = ["--workdir", str(run)]
  match step:
    case "help":
      return ["--help"]
    case "evaluate":
      return ["evaluate", *at]
    case "frame":
      out = str(run.with_name(f"{run.name}_frame"))
      return ["render", *at, "--style", args.style, "--frames=1", "--out", out]
    case "demo" | "demo_quick":
      out = str(run.with_name(f"{run.name}_{step}"))
      return ["demo", "--workdir", out, *(["--quick"] * (step != "demo"))]
  seed = f"--config.seed={number}"
  return ["train", *at, "--phase", step, "--from-scratch", *args.config, seed]


def _write(args, taken: dict[str, dict]) -> None:
  def of(build: str, step: str, key: str) -> float | None:
    found = [
      facts[key]
      for name, facts in taken.items()
      if name.startswith(f"{build} {step} ")
    ]
    return statistics.median(found) if found else None

  both = (args.against, _HERE)
  steps = args.steps.split(",")
  rows = []
  for step in steps:
    seconds = [of(build, step, "wall_s") for build in both]
    memory = [of(build, step, "peak_memory_mib") for build in both]
    if any(value is not None for value in seconds):
      rows.append([step, *seconds, _ratio(*seconds), *memory])
  for name, parts in (
    ("all phases, no finish", _PHASES[:-1]),
    ("all phases", _PHASES),
  ):
    if set(parts) <= set(steps):
      sums = [
        round(sum(of(build, part, "wall_s") or 0.0 for part in parts), 1)
        for build in both
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
