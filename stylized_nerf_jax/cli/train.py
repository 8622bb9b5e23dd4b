"""`stylized-nerf train`: the three phases of one scene."""

import argparse

from stylized_nerf_jax import config as config_lib

HELP = "train a scene: radiance field, 2D stylizer, mutual learning"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options beside --config and its overrides."""
  parser.add_argument("--workdir", required=True, help="folder of the run")
  parser.add_argument(
    "--phase",
    default="all",
    choices=("all", "radiance_field", "stylizer", "mutual_learning"),
    help="which phase; phases before it must be finished",
  )
  parser.add_argument(
    "--from-scratch",
    action="store_true",
    help="begin anew; what the phases had made is moved into RUN/replaced",
  )
  parser.epilog = (
    "--config=FILE and --config.section.field=value set the config"
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Trains."""
  from stylized_nerf_jax.phases import pipeline

  config = config_lib.from_flags(config_args)
  pipeline.train(
    config, args.workdir, phase=args.phase, from_scratch=args.from_scratch
  )
