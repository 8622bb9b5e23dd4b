"""`stylized-nerf plot`: the metrics of a run as curves."""

import argparse
import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import endings, no_config, run_argument

HELP = "draw the curves of a run's metrics into a PNG file"
EXAMPLE = "stylized-nerf plot RUN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  run_argument.add_argument(parser, "folder of a run, or of train-stylizer")
  parser.add_argument(
    "--all",
    action="store_true",
    help="every curve, not only those of quality, rate and seconds a step",
  )
  parser.add_argument("--out", help="file to write (default: RUN/metrics.png)")


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Draws.

  Raises:
    ValueError: the folder has no metrics, or the extra is missing.
  """
  no_config.check("plot", config_args)
  run = run_argument.existing(args, "plot")
  from stylized_nerf_jax.outputs import curves
  from stylized_nerf_jax.training import metric_log

  curves.check_available()
  path = pathlib.Path(run) / "metrics.jsonl"
  if not path.is_file():
    raise user_error.UserError(
      f"{run} has no metrics.jsonl: name a run's folder"
    )
  out = args.out or pathlib.Path(run) / "metrics.png"
  rows = metric_log.MetricLog(path).read()
  others = curves.save_curves(rows, out, every=args.all)
  more = f"; --all draws the {others} other curves, too" if others else ""
  print(f"wrote {out}, a picture of the curves of {path}{more}")
  if (pathlib.Path(run) / "scene.json").is_file():
    endings.say("report", run=run)
