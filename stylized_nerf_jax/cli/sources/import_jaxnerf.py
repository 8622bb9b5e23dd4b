"""`stylized-nerf import-jaxnerf`: a field of JaxNeRF as phase 1 of a run."""

import argparse

from stylized_nerf_jax.cli.parsing import endings, run_argument

HELP = "make a finished phase 1 of a checkpoint of JaxNeRF"
EXAMPLE = (
  "stylized-nerf import-jaxnerf TRAIN_DIR --config fast "
  "--config.scene.path=SCENE --workdir RUN"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options beside --config and its overrides."""
  parser.add_argument(
    "checkpoint",
    metavar="CHECKPOINT",
    help="file that JaxNeRF's training wrote, or its folder (train_dir)",
  )
  run_argument.add_argument(parser, "folder of the run, right after CHECKPOINT")
  parser.add_argument(
    "--pixel-centers",
    action="store_true",
    help="it trained with use_pixel_centers; otherwise its rays go through the "
    "corners of pixels",
  )
  parser.add_argument(
    "--factor",
    type=float,
    default=1.0,
    help="the size of the pictures was divided by it there (default 1)",
  )
  parser.add_argument(
    "--views",
    type=int,
    default=4,
    help="held-out views that it is scored on (default 4)",
  )
  parser.epilog = (
    "--config.scene.path=SCENE names the scene that it trained on; "
    "--config.scene.near and .far, --config.field.jaxnerf.num_coarse, "
    ".num_fine, .lindisp, .first_octave and .legacy_order are its flags where "
    "they were not the default"
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Imports.

  Raises:
    ValueError: checkpoint, scene or config cannot be used.
  """
  from stylized_nerf_jax import config as config_lib

  config = config_lib.from_flags(config_args)
  run = run_argument.require(args, "import-jaxnerf")
  from stylized_nerf_jax.tasks import jaxnerf_import

  jaxnerf_import.import_jaxnerf(
    args.checkpoint,
    config,
    run,
    pixel_centers=args.pixel_centers,
    factor=args.factor,
    views=args.views,
  )
  paintings = ("--config.styles.path=PAINTINGS",)
  endings.say("go on", run=run, more=() if config.styles.path else paintings)
