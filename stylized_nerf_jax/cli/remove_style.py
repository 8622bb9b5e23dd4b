"""`stylized-nerf remove-style`: styles that a run need not keep."""

import argparse

from stylized_nerf_jax.cli.parsing import endings, no_config, run_argument

HELP = "take styles from a run; the others stay as they are"
EXAMPLE = "stylized-nerf remove-style RUN waterlilies"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  run_argument.add_argument(parser, "folder of a finished run")
  parser.add_argument(
    "styles",
    metavar="STYLE",
    nargs="*",
    help="names of styles, or parts of names that no other style has",
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Removes them."""
  no_config.check("remove-style", config_args)
  workdir, styles = run_argument.with_more(
    args, "remove-style", args.styles, "style"
  )
  from stylized_nerf_jax.host import progress
  from stylized_nerf_jax.tasks import style_changes

  names = style_changes.remove(workdir, styles)
  progress.say(f"{workdir}: {', '.join(names)} removed")
  endings.say("new style", run=workdir)
