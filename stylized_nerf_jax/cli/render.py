"""`stylized-nerf render`: frames or a video of a trained scene."""

import argparse
import pathlib

from stylized_nerf_jax import user_error
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
    choices=("spiral", "orbit", "interpolate", "test", "train"),
    help="of the camera; test and train are the photographs' own (default: "
    "spiral)",
  )
  parser.add_argument(
    "--camera-path",
    metavar="FILE",
    help="in place of --path: keys that the viewer saved, which may say styles "
    "too, or a camera path of nerfstudio",
  )
  parser.add_argument(
    "--force",
    action="store_true",
    help="take a --camera-path that was made for another scene",
  )
  parser.add_argument(
    "--frames", type=int, help="of a path that is made (default: 60)"
  )
  parser.add_argument(
    "--size",
    metavar="WxH",
    help="of frames, in pixels, such as 1280x720: as much is seen from top to "
    "bottom (default: that of the photographs, or of the --camera-path)",
  )
  parser.add_argument(
    "--scale",
    type=float,
    default=1.0,
    help="which the size is multiplied by (default: 1)",
  )
  parser.add_argument(
    "--loop",
    action="store_true",
    help="bring a --camera-path, or --path interpolate, back to its beginning",
  )
  parser.add_argument(
    "--style",
    help="a style or a part of its name, a mix such as a:0.7,b:0.3, a file of "
    "a picture, none, or all (default: those of the --camera-path, or the "
    "first style)",
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
    "--fps",
    type=float,
    help="frames a second of a film (default: 24, or as the --camera-path "
    "says)",
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Renders."""
  no_config.check("render", config_args)
  run = run_argument.existing(args, "render")
  from stylized_nerf_jax import model
  from stylized_nerf_jax.tasks import (
    film_plan,
    palette_transfer,
    render_path,
    style_choice,
  )

  if args.path and args.camera_path:
    raise user_error.UserError(
      f"--path {args.path} with --camera-path: give one of them"
    )
  size = None if args.size is None else _size(args.size)
  trained = model.StylizedNerf.load(run)
  plan = film_plan.make(
    trained,
    args.path or "spiral",
    num_frames=args.frames,
    camera_path=args.camera_path,
    force=args.force,
    size=size,
    scale=args.scale,
    loop=args.loop,
    fps=args.fps,
  )
  style = args.style
  first = args.recolor is None and not args.region and not plan.looks
  if style is None and trained.styles and first:
    style = trained.styles[0]
  stylized = style not in (None, "none") or args.region or plan.looks
  if stylized and args.recolor is None:
    trained = palette_transfer.with_maps(trained, run, args.transfer)
  render_path.render_to(
    trained,
    args.out,
    plan=plan,
    style=style,
    intensity=args.intensity,
    spread=args.spread,
    palette=args.palette,
    transfer=args.transfer,
    recolor=args.recolor,
    regions=style_choice.parse_regions(args.region),
    feather=args.feather,
    save_depth=args.save_depth,
  )
  if style != args.style:
    style_choice.say_first(trained)
  of_run = pathlib.Path(run).is_dir()
  film = [] if style == "all" or not trained.styles else ["film"]
  endings.say("look", *film, *(["report"] if of_run else []), run=run)


def _size(text: str) -> tuple[int, int]:
  """Reads --size."""
  width, cross, height = text.lower().partition("x")
  if not (cross and width.isdecimal() and height.isdecimal()):
    raise user_error.UserError(
      f"--size {text!r}: expected WIDTHxHEIGHT in pixels, such as 1280x720"
    )
  return int(width), int(height)
