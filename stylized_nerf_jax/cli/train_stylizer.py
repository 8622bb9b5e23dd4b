"""`stylized-nerf train-stylizer`: decoder and VAE from photos and paintings."""

import argparse
from collections.abc import Sequence

from stylized_nerf_jax.cli.parsing import endings, help_config, run_argument

HELP = "train decoder and statistics VAE from photos and paintings"
EXAMPLE = (
  "stylized-nerf train-stylizer --config configs/stylizer.py "
  "--config.content.path=PHOTOS --config.styles.path=PAINTINGS "
  "--workdir runs/stylizer"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Adds the options of the command."""
  run_argument.add_argument(
    parser,
    "folder of checkpoints, samples and weights; resumed where it exists",
  )
  help_config.add_argument(parser, _fields)


def _fields():
  from stylized_nerf_jax import pretraining_defaults

  return pretraining_defaults.FIELDS


def run(args: argparse.Namespace, config_args: Sequence[str]) -> None:
  """Runs the command; `config_args` are --config and --config.FIELD=VALUE.

  Raises:
    ValueError: a field, picture or weight cannot be used.
  """
  from stylized_nerf_jax import config as config_lib

  config = config_lib.from_flags(config_args, fields=_fields())
  run = run_argument.require(args, "train-stylizer")
  from stylized_nerf_jax.pretraining import general_training

  general_training.train_and_evaluate(config, run)
  endings.say("weights", more=general_training.weight_fields(config, run))
