"""`stylized-nerf view`: a scene in the browser."""

import argparse
import importlib.util
import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import endings, no_config, run_argument

HELP = "walk through a scene in the browser, in any of its styles"
EXAMPLE = "stylized-nerf view RUN --port 8080"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  run_argument.add_argument(parser, "folder of a run, or a model file")
  parser.add_argument(
    "--port", type=int, default=8080, help="of the page (default: 8080)"
  )
  parser.add_argument(
    "--host",
    default="127.0.0.1",
    help="address to listen at; at any other than the default whoever reaches "
    "this machine can use the page (default: 127.0.0.1)",
  )
  parser.add_argument(
    "--out",
    metavar="FOLDER",
    help="of films, camera paths and paintings that are dropped in (default: "
    "RUN/films, or films beside a model file)",
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Serves pages until it is interrupted.

  Raises:
    ValueError: there is no run, the extra is missing, or the port is in use.
  """
  no_config.check("view", config_args)
  run = pathlib.Path(run_argument.existing(args, "view"))
  if importlib.util.find_spec("viser") is None:
    raise user_error.UserError(
      "the viewer needs the package viser: pip install "
      "'stylized-nerf-jax[viewer]'"
    )
  import threading

  from stylized_nerf_jax import model
  from stylized_nerf_jax.host import progress
  from stylized_nerf_jax.viewer import addresses, server

  addresses.check_port(args.host, args.port)
  trained = model.StylizedNerf.load(run)
  folder = run if run.is_dir() else run.parent
  out = pathlib.Path(args.out) if args.out else folder / "films"
  viewer = server.Viewer(trained, run, out)
  address = viewer.start(args.host, args.port)
  addresses.warn_of_others("view", args.host)
  progress.say(f"view: open {address} in a browser; Ctrl-C ends it")
  try:
    threading.Event().wait()
  finally:
    viewer.stop()
    steps = ("film", *(["report"] if run.is_dir() else []), "export")
    endings.say(*steps, run=run)
