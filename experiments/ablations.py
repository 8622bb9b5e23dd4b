"""What each part of mutual learning is worth, on one scene.

  python experiments/ablations.py --name fern_ablations --run runs/fern \
    --workdir runs/fern_ablations

RUN is a run that is finished and evaluated. For every ablation of
`configs/ablation.py` it is copied, its one config line is changed, what
depends on that line is trained anew (same field, seed and steps), and the
stylized sequences are scored on the same cameras. Writes
experiments/results/NAME.json: means over the styles, and the single rows.
"""

import argparse
import pathlib
import runpy
import shutil
import statistics
import time

from stylized_nerf_jax.evaluation import report
from stylized_nerf_jax.tasks import run_evaluation
from support import commands, results

_CONFIGS = pathlib.Path(__file__).parents[1] / "configs"
_COLUMNS = (
  "sequence",
  "config line",
  "training, CPU s",
  "RMSE 1",
  "RMSE 7",
  "LPIPS 7",
  "style distance",
  "content SSIM",
  "detail x 1000",
)


def main() -> None:
  """Train, score and write."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("--name", required=True)
  parser.add_argument("--run", type=pathlib.Path, required=True)
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  parser.add_argument("--only", help="names of ablations, commas between")
  args = parser.parse_args()
  base = report.read_report(args.run / "evaluation" / "report.json")
  sequences = {
    (name, ""): [row for row in base["sequences"] if row["name"] == name]
    for name in (report.REFERENCE, report.STYLIZED)
  }
  seconds = {}
  for name, changes in _ablations().items():
    if args.only and name not in args.only.split(","):
      continue
    lines = [f"--config.{key}={value}" for key, value in changes.items()]
    folder = args.workdir / name
    seconds[name] = _train(args.run, folder, lines)
    result = run_evaluation.evaluate_run(
      folder, baselines=False, content=args.run / "evaluation" / "content"
    )
    sequences[name, " ".join(lines)] = result["sequences"]
    # After each, so that what is measured is not lost.
    _write(args.name, base["protocol"], sequences, seconds)


def _write(name: str, protocol: dict, sequences: dict, seconds: dict) -> None:
  results.write_table(
    name,
    _COLUMNS,
    [
      _row(row, line, seconds.get(row), rows)
      for (row, line), rows in sequences.items()
    ],
    protocol=protocol,
    sequences={row: rows for (row, _), rows in sequences.items()},
  )


def _ablations() -> dict[str, dict]:
  """Read the changes that `configs/ablation.py` knows."""
  return runpy.run_path(str(_CONFIGS / "ablation.py"))["CHANGES"]


def _train(run: pathlib.Path, folder: pathlib.Path, lines: list[str]) -> float:
  """Train a copy of a run with other config lines; returns CPU seconds."""
  if not folder.exists():
    skip = shutil.ignore_patterns("evaluation", "videos", "replaced")
    shutil.copytree(run, folder, ignore=skip)
  start = time.process_time()
  commands.train_here(folder, [f"--config={run / 'config.json'}", *lines])
  return round(time.process_time() - start)


def _row(name: str, line: str, seconds: float | None, rows: list) -> list:
  """Write one row of the table: means over the styles."""

  def pair(gap: int, key: str) -> str:
    values = [
      entry[key]
      for row in rows
      for entry in row["consistency"]
      if entry["gap"] == gap
    ]
    return f"{statistics.mean(values):.4f}"

  def mean(key: str, scale: float = 1.0, digits: int = 3) -> str:
    return f"{scale * statistics.mean(row[key] for row in rows):.{digits}f}"

  return [
    name,
    line or None,
    seconds,
    pair(1, "rmse"),
    pair(7, "rmse"),
    pair(7, "lpips"),
    mean("style_distance", digits=2),
    mean("content_ssim"),
    mean("high_frequency_energy", 1000.0),
  ]


if __name__ == "__main__":
  main()
