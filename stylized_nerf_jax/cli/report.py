"""`stylized-nerf report`: a run as one page."""

import argparse

from stylized_nerf_jax.cli.parsing import endings, no_config, run_argument

HELP = "one page of a run: pictures, films, verdicts, curves, costs"
EXAMPLE = "stylized-nerf report RUN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  run_argument.add_argument(parser, "folder of the run")
  parser.add_argument("--out", help="file to write (default: RUN/report.html)")
  parser.add_argument(
    "--film-minutes",
    type=float,
    default=2.0,
    metavar="MINUTES",
    help="that films may take to render, where the run has none; 0: none",
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Makes the page."""
  no_config.check("report", config_args)
  run = run_argument.existing(args, "report")
  from stylized_nerf_jax.tasks import information
  from stylized_nerf_jax.tasks.reports import report

  report.make(run, out=args.out, film_minutes=args.film_minutes)
  steps = [s for s in information.next_steps(run) if s != "report"]
  endings.say(*steps, run=run)
