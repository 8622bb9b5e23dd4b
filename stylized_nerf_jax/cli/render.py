"""`stylized-nerf render`: frames or a video of a trained scene."""

import argparse

from stylized_nerf_jax.cli import no_config

HELP = "render a camera path in a style, to a video or a folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  parser.add_argument(
    "--workdir", required=True, help="folder of a run, or a model file"
  )
  parser.add_argument("--out", required=True, help="out.mp4, or a folder")
  parser.add_argument(
    "--path",
    default="spiral",
    choices=("spiral", "orbit", "interpolate", "test", "train"),
  )
  parser.add_argument("--frames", type=int, default=60)
  parser.add_argument(
    "--style",
    help='a style, "a:0.7,b:0.3", a picture\'s file, "none", or "all"',
  )
  parser.add_argument("--intensity", type=float, default=1.0, help="0 to 1")
  parser.add_argument("--spread", type=float, default=0.0, help="0 to 1")
  parser.add_argument("--save-depth", action="store_true")
  parser.add_argument("--fps", type=float, default=24.0)


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Renders."""
  no_config.check("render", config_args)
  from stylized_nerf_jax import model
  from stylized_nerf_jax.tasks import render_path

  render_path.render_to(
    model.StylizedNerf.load(args.workdir),
    args.out,
    path=args.path,
    num_frames=args.frames,
    style=args.style,
    intensity=args.intensity,
    spread=args.spread,
    save_depth=args.save_depth,
    fps=args.fps,
  )
