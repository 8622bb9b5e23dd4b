"""`stylized-nerf export`: a scene taken to other programs."""

import argparse

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import endings, no_config, run_argument

HELP = "write a scene as a page, splats, points, a mesh or one model file"
EXAMPLE = (
  "stylized-nerf export RUN --format ply --style starry-night --out night.ply"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  run_argument.add_argument(parser, "folder of a run, or a model file")
  parser.add_argument(
    "--format",
    required=True,
    choices=("html", "ply", "glb", "npz"),
    help="html: a page with all styles for any browser; ply: 3D Gaussian "
    "splats, or with --points coloured points; glb: a mesh with colours; npz: "
    "the model itself, with all styles",
  )
  parser.add_argument(
    "--out",
    required=True,
    help="file to write; where a file holds one style, also a folder, which "
    "gets a file of each",
  )
  parser.add_argument(
    "--style",
    action="append",
    default=[],
    help="as in `render`: a name or a part of one, a mix such as a:0.7,b:0.3, "
    "a picture's file, none for the scene as photographed, or all; may be "
    "given several times (default: the first style)",
  )
  parser.add_argument(
    "--points", action="store_true", help="with ply: points, and no splats"
  )
  parser.add_argument(
    "--max-splats",
    type=int,
    default=150_000,
    help="splats, or points, that are made at most; more are sharper, and take "
    "longer to fit and to show",
  )
  parser.add_argument(
    "--scene-axes",
    action="store_true",
    help="leave coordinates as the scene's file has them (default: upright, as "
    "viewers show it)",
  )
  parser.add_argument(
    "--intensity", type=float, default=1.0, help="of the style, 0 to 1"
  )
  parser.add_argument(
    "--palette",
    type=float,
    default=1.0,
    help="from the scene's own chroma (0) to the palette of the style's "
    "painting (1; default)",
  )
  parser.add_argument(
    "--transfer",
    choices=("none", "affine", "table"),
    help="brings colours to the painting's palette, as in `render` (default: "
    "as the run was finished)",
  )
  parser.add_argument(
    "--seed", type=int, default=0, help="of the order in which views are fitted"
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Exports.

  Raises:
    ValueError: an option is wrong, or a file cannot be written.
  """
  no_config.check("export", config_args)
  source = run_argument.existing(args, "export")
  if args.points and args.format != "ply":
    raise user_error.UserError(
      f"--points with --format {args.format}; points are written as ply"
    )
  import pathlib

  from stylized_nerf_jax.exports import export

  export.export(
    "points" if args.points else args.format,
    export.Order(
      source=pathlib.Path(source),
      out=pathlib.Path(args.out),
      styles=tuple(args.style),
      intensity=args.intensity,
      palette=args.palette,
      transfer=args.transfer,
      most_splats=args.max_splats,
      seed=args.seed,
      scene_axes=args.scene_axes,
    ),
  )
  endings.say("look", run=source)
