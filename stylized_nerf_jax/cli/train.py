"""`stylized-nerf train`: the three phases of one scene."""

import argparse
import contextlib
from collections.abc import Iterator

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import endings, help_config, run_argument

HELP = "train a scene: radiance field, 2D stylizer, mutual learning"
EXAMPLE = (
  "stylized-nerf train --config fast --config.scene.path=SCENE "
  "--config.styles.path=PAINTINGS --workdir RUN"
)

_NO_CONFIG = (
  "no --config: the defaults, a small demonstration; `--config "
  "fast` is the preset for captures"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options beside --config and its overrides."""
  run_argument.add_argument(parser, "folder of the run")
  parser.add_argument(
    "--phase",
    default="all",
    choices=(
      "all",
      "radiance_field",
      "stylizer",
      "mutual_learning",
      "finish",
    ),
    help="which phase; those before it must be finished",
  )
  parser.add_argument(
    "--from-scratch",
    action="store_true",
    help="begin anew; what the phases had made is moved into RUN/replaced",
  )
  parser.add_argument(
    "--coordinator",
    metavar="HOST:PORT",
    help="of process 0, where several processes train one run (default: one "
    "process)",
  )
  parser.add_argument(
    "--processes", type=int, help="how many there are (default: 1)"
  )
  parser.add_argument(
    "--process", type=int, help="which this one is, from 0 (default: 0)"
  )
  parser.add_argument(
    "--detect-cluster",
    action="store_true",
    help="learn the three from SLURM, Open MPI or Kubernetes",
  )
  parser.add_argument(
    "--view",
    action="store_true",
    help="show the previews of the run in a page while it trains",
  )
  parser.add_argument(
    "--port", type=int, default=8080, help="of that page (default: 8080)"
  )
  parser.add_argument(
    "--host",
    default="127.0.0.1",
    help="address that it listens at (default: 127.0.0.1, this machine alone)",
  )
  help_config.add_argument(parser, _fields)
  parser.epilog = (
    "--config=FILE and --config.section.field=value set the config"
  )


def _fields():
  from stylized_nerf_jax.options import checks

  return checks.RUN


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Trains."""
  from stylized_nerf_jax import config as config_lib
  from stylized_nerf_jax.host import processes

  config = config_lib.from_flags(config_args)
  run = run_argument.require(args, "train")
  messages = ()
  if not any(a.partition("=")[0].lstrip("-") == "config" for a in config_args):
    messages = (_NO_CONFIG,)
  with processes.joined(
    args.coordinator,
    args.processes,
    args.process,
    detect=args.detect_cluster,
  ):
    # Imported here: what it imports may touch a device.
    from stylized_nerf_jax.phases import pipeline
    from stylized_nerf_jax.tasks import information, style_check
    from stylized_nerf_jax.tasks.reports import report

    before = style_check.result_of(run)
    with _page(args, run, config):
      pipeline.train(
        config,
        run,
        phase=args.phase,
        from_scratch=args.from_scratch,
        messages=messages,
      )
    if style_check.result_of(run) not in ({}, before):
      style_check.say_failures(run)
    report.make_after(run)
    endings.say(*information.next_steps(run), run=run)


@contextlib.contextmanager
def _page(args: argparse.Namespace, run: str, config) -> Iterator[None]:
  """Serves the page of --view meanwhile."""
  if not args.view:
    yield
    return
  from stylized_nerf_jax.host import processes, progress
  from stylized_nerf_jax.viewer import addresses, training_page

  if not config.previews.every_seconds or processes.count() > 1:
    raise user_error.UserError(
      "--view shows previews, and there are none: expected one process, and "
      "seconds between them, such as --config.previews.every_seconds=60"
    )
  page = training_page.TrainingPage(run)
  address = page.start(args.host, args.port)
  addresses.warn_of_others("train", args.host)
  progress.say(f"train: open {address} in a browser to see it grow")
  try:
    yield
  finally:
    page.stop()
