"""`stylized-nerf render`: frames or a video of a trained scene."""

import argparse

from stylized_nerf_jax.cli import no_config

HELP = "render a camera path in a style, to a video or a folder"
EXAMPLE = (
  "stylized-nerf render --workdir RUN --style starry-night --out night.mp4"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  parser.add_argument(
    "--workdir", required=True, help="folder of a run, or a model file"
  )
  parser.add_argument(
    "--out",
    required=True,
    help="out.mp4, out.gif, out.webp, out.apng, or a folder",
  )
  parser.add_argument(
    "--path",
    default="spiral",
    choices=("spiral", "orbit", "interpolate", "test", "train"),
    help="of the camera; test and train are the photographs' own",
  )
  parser.add_argument(
    "--frames", type=int, help="of a path that is made (default: 60)"
  )
  parser.add_argument(
    "--style",
    help="a style or a part of its name, a mix such as a:0.7,b:0.3, a file of "
    "a picture, none, or all (default: the first style)",
  )
  parser.add_argument(
    "--intensity", type=float, default=1.0, help="of the style, 0 to 1"
  )
  parser.add_argument(
    "--spread",
    type=float,
    default=0.0,
    help="from the style's mean to one training view's code, 0 to 1 "
    "(default: 0, the mean)",
  )
  parser.add_argument(
    "--palette",
    type=float,
    default=1.0,
    help="of a picture that was never trained on: from what its code guesses "
    "(0) to its own (default: 1)",
  )
  parser.add_argument(
    "--save-depth", action="store_true", help="depth maps, too, into a folder"
  )
  parser.add_argument(
    "--fps", type=float, default=24.0, help="frames a second of a film"
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Renders."""
  no_config.check("render", config_args)
  from stylized_nerf_jax import model
  from stylized_nerf_jax.tasks import render_path, style_choice

  trained = model.StylizedNerf.load(args.workdir)
  style = args.style
  if style is None and trained.styles:
    style = trained.styles[0]
  render_path.render_to(
    trained,
    args.out,
    path=args.path,
    num_frames=args.frames,
    style=style,
    intensity=args.intensity,
    spread=args.spread,
    palette=args.palette,
    save_depth=args.save_depth,
    fps=args.fps,
  )
  if style != args.style:
    style_choice.say_first(trained)
