"""`stylized-nerf render`: frames or a video of a trained scene."""

import argparse
import pathlib

from stylized_nerf_jax.cli.parsing import endings, no_config, run_argument

HELP = "render a camera path in a style, to a video or a folder"
EXAMPLE = "stylized-nerf render RUN --style starry-night --out night.mp4"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  run_argument.add_argument(parser, "folder of a run, or a model file")
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
    help="from the scene's own chroma (0) to the palette of the style's "
    "painting, or of --recolour's (1; default)",
  )
  parser.add_argument(
    "--transfer",
    choices=("none", "affine", "table"),
    help="brings colours to the painting's palette: by a linear map, or by a "
    "smooth one that comes nearer (default: as the run was finished; table "
    "for a picture that was never trained on)",
  )
  parser.add_argument(
    "--recolour",
    "--recolor",
    dest="recolor",
    metavar="FILE",
    help="picture whose palette everything gets, at once: the scene as "
    "photographed, or in the --style that is named",
  )
  parser.add_argument(
    "--region",
    action="append",
    default=[],
    metavar="NAME=STYLE",
    help="a part of the scene (`stylized-nerf region`) in a style of its own, "
    "or none; several, of which later ones lie over others; then all else is "
    "as photographed where no --style is named",
  )
  parser.add_argument(
    "--feather",
    type=float,
    default=0.15,
    help="how soft the edges of regions are, 0 to 1 (default: 0.15)",
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
  run = run_argument.existing(args, "render")
  from stylized_nerf_jax import model
  from stylized_nerf_jax.tasks import (
    palette_transfer,
    render_path,
    style_choice,
  )

  trained = model.StylizedNerf.load(run)
  style = args.style
  first = args.recolor is None and not args.region
  if style is None and trained.styles and first:
    style = trained.styles[0]
  stylized = style not in (None, "none") or args.region
  if stylized and args.recolor is None:
    trained = palette_transfer.with_maps(trained, run, args.transfer)
  render_path.render_to(
    trained,
    args.out,
    path=args.path,
    num_frames=args.frames,
    style=style,
    intensity=args.intensity,
    spread=args.spread,
    palette=args.palette,
    transfer=args.transfer,
    recolor=args.recolor,
    regions=style_choice.parse_regions(args.region),
    feather=args.feather,
    save_depth=args.save_depth,
    fps=args.fps,
  )
  if style != args.style:
    style_choice.say_first(trained)
  of_run = pathlib.Path(run).is_dir()
  film = [] if style == "all" or not trained.styles else ["film"]
  endings.say("look", *film, *(["report"] if of_run else []), run=run)
