"""`stylized-nerf report`: a run as one page."""

import argparse

from stylized_nerf_jax.cli import no_config

HELP = "one page of a run: pictures, films, verdicts, curves, costs"
EXAMPLE = "stylized-nerf report --workdir RUN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  parser.add_argument("--workdir", required=True, help="folder of the run")
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
  from stylized_nerf_jax.tasks.reports import report

  report.make(args.workdir, out=args.out, film_minutes=args.film_minutes)
