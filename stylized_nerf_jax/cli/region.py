"""`stylized-nerf region`: parts of a scene, made from a mask, by name."""

import argparse
import functools

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import endings, no_config, run_argument

HELP = "make a part of a scene known by name, to be painted in its own style"
EXAMPLE = (
  "stylized-nerf region RUN --name tree --mask tree.png "
  "--view IMG_0042.jpg --preview tree.jpg"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  run_argument.add_argument(
    parser, "folder of a run; alone, its regions are listed"
  )
  parser.add_argument("--name", help="of the region to make or to look at")
  parser.add_argument(
    "--mask",
    action="append",
    default=[],
    help="picture of a view's proportions, not black where the region is; "
    "several, each with its --view, are better than one",
  )
  parser.add_argument(
    "--view",
    action="append",
    default=[],
    help="the photograph that --mask or --points is of: its name or number",
  )
  parser.add_argument(
    "--box",
    metavar="X0,Y0,Z0,X1,Y1,Z1",
    help="in place of masks: a box in the scene file's coordinates",
  )
  parser.add_argument(
    "--points",
    nargs="+",
    default=[],
    metavar="X,Y",
    help="in place of masks: pixels of the --view that are inside",
  )
  parser.add_argument(
    "--not-points",
    nargs="+",
    default=[],
    metavar="X,Y",
    help="pixels that are not",
  )
  parser.add_argument(
    "--replace", action="store_true", help="a region of this name, if any"
  )
  parser.add_argument(
    "--preview", metavar="FILE", help="picture to write: the region in views"
  )
  parser.add_argument("--remove", metavar="NAME", help="a region to remove")


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Makes, shows, lists or removes.

  Raises:
    ValueError: options that do not go together, or that do not fit the scene.
  """
  no_config.check("region", config_args)
  evidence = (
    bool(args.mask) + bool(args.box) + bool(args.points or args.not_points)
  )
  _check(args, evidence)
  run = run_argument.existing(args, "region")
  from stylized_nerf_jax.tasks import region_making

  if args.remove:
    region_making.remove(run, args.remove)
    endings.say("new region", run=run)
  elif args.name is None:
    lines = region_making.listing(run)
    print("\n".join(lines or ["no regions yet"]))
    if lines:
      endings.say("region", run=run, name="NAME")
    else:
      endings.say("new region", run=run)
  else:
    if evidence:
      region_making.make(
        run,
        args.name,
        functools.partial(_read, args),
        replace=args.replace,
      )
    if args.preview:
      region_making.write_preview(run, args.name, args.preview)
    endings.say("region", run=run, name=args.name)


def _check(args: argparse.Namespace, evidence: int) -> None:
  if evidence > 1:
    raise user_error.UserError(
      "a region is made of --mask, of --box or of --points; give one of them"
    )
  if args.remove and (evidence or args.name):
    raise user_error.UserError("--remove goes alone with RUN")
  if evidence and not args.name:
    raise user_error.UserError("a new region needs a --name")
  if args.name and not evidence and not args.preview:
    raise user_error.UserError(
      f"what is {args.name!r}? Give --mask with --view, --box, or --points "
      "with --view; or --preview to look at it"
    )
  if (args.points or args.not_points) and len(args.view) != 1:
    raise user_error.UserError(
      f"{len(args.view)} --view with --points; expected the one that they are "
      "pixels of"
    )
  if args.preview and not args.name:
    raise user_error.UserError("--preview needs the --name of a region")


def _read(args: argparse.Namespace, record):
  """Reads what is said of the region, against the scene."""
  from stylized_nerf_jax.regions import evidence

  if args.box:
    return evidence.of_box(args.box)
  if args.mask:
    return evidence.of_masks(record, args.mask, args.view)
  return evidence.of_clicks(record, args.view[0], args.points, args.not_points)
