"""`stylized-nerf demo`: everything, without any data."""

import argparse

from stylized_nerf_jax.cli import no_config

HELP = "all phases on the embedded scene: videos, picture, scores"
EXAMPLE = "stylized-nerf demo --quick --workdir runs/demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  parser.add_argument("--workdir", required=True, help="folder of the run")
  parser.add_argument(
    "--quick",
    action="store_true",
    help="a few steps of everything: a check, not a picture to show",
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Runs the demo."""
  no_config.check("demo", config_args)
  from stylized_nerf_jax.tasks import demo

  demo.run(args.workdir, quick=args.quick)
