"""`stylized-nerf demo`: everything, without any data."""

import argparse

from stylized_nerf_jax.cli.parsing import endings, no_config, run_argument

HELP = "all phases on the embedded scene: videos, picture, scores"
EXAMPLE = "stylized-nerf demo --quick runs/demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  run_argument.add_argument(parser, "folder of the run")
  parser.add_argument(
    "--quick",
    action="store_true",
    help="a few steps of everything: a check, not a picture to show",
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Runs the demo."""
  no_config.check("demo", config_args)
  run = run_argument.require(args, "demo")
  from stylized_nerf_jax.tasks import demo

  demo.run(run, quick=args.quick)
  endings.say("look", "export", "begin", run=run)
