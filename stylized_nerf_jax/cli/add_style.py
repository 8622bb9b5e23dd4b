"""`stylized-nerf add-style`: paintings for a finished run."""

import argparse

from stylized_nerf_jax.cli.parsing import endings, no_config, run_argument

HELP = "add paintings to a finished run, without training it again"
EXAMPLE = "stylized-nerf add-style RUN waterlilies.jpg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  run_argument.add_argument(parser, "folder of a finished run")
  parser.add_argument(
    "pictures",
    metavar="PICTURE",
    nargs="*",
    help="files of paintings, or folders of them; a style has its file's name",
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Adds them."""
  no_config.check("add-style", config_args)
  workdir, pictures = run_argument.with_more(
    args, "add-style", args.pictures, "picture"
  )
  from stylized_nerf_jax.host import progress
  from stylized_nerf_jax.tasks import style_changes

  names = style_changes.add(workdir, pictures)
  progress.say(f"{workdir}: has {', '.join(names)}")
  endings.say("look", "style", "score", "report", run=workdir, name=names[0])
