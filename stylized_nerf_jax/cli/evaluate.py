"""`stylized-nerf evaluate`: scores of a run, of frames, or of renders."""

import argparse
import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import (
  endings,
  no_config,
  run_argument,
  scene_options,
)

HELP = "score a run, any folder of frames, or anyone's renders of a split"
EXAMPLE = "stylized-nerf evaluate RUN --json scores.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declare the options."""
  run_argument.add_argument(parser, "folder of a run")
  parser.add_argument("--frames", help="folder of pictures, in name order")
  parser.add_argument(
    "--geometry",
    help="folder with cameras.json and depth/, as"
    " `render --style none --save-depth --out FOLDER` writes it",
  )
  parser.add_argument(
    "--style", help="picture that frames or renders should resemble"
  )
  parser.add_argument(
    "--style-size",
    type=int,
    default=512,
    help="short side that the style picture is resized to (default 512)",
  )
  parser.add_argument(
    "--renders",
    help="folder of held-out renders, as JaxNeRF, multinerf, nerfstudio, gsplat"
    " and 3DGS write them",
  )
  parser.add_argument(
    "--scene", help="the scene that --renders show, as `inspect` takes it"
  )
  parser.add_argument(
    "--split", default="test", help="of the scene (default test)"
  )
  parser.add_argument(
    "--downsample", type=float, help="the scene's size is divided by this"
  )
  parser.add_argument(
    "--pattern",
    default="",
    help="file names of other renders, with {name} or {index} in them",
  )
  parser.add_argument(
    "--order",
    default="",
    choices=("natural", "text"),
    help="that renders are numbered in, where r_10 may come before r_2",
  )
  parser.add_argument(
    "--right-half",
    action="store_true",
    help="each picture has a photograph on its left",
  )
  parser.epilog = (
    "with --renders, --config.scene.format, .background and .holdout say how "
    "the scene is read"
  )
  parser.add_argument(
    "--reach",
    type=int,
    nargs="?",
    const=1,
    default=0,
    metavar="N",
    help="with RUN: also match N frames of each style by themselves, to "
    "see what a painting's strokes could give; takes minutes a frame (1 where "
    "no number is given; default 0)",
  )
  parser.add_argument("--json", help="file to write the whole report to")
  parser.add_argument(
    "--wide", action="store_true", help="print all columns of the table"
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Evaluate and print the table.

  Raises:
    ValueError: the options name neither a run nor frames with geometry, or
      what they name cannot be scored.
  """
  from stylized_nerf_jax.evaluation import report

  if args.json:
    report.check_destination(args.json)
  if not args.renders:
    no_config.check("evaluate", config_args)
  run = run_argument.find(args)
  if args.reach and not run:
    raise user_error.UserError(
      "evaluate: --reach matches frames of a run; give the RUN with it"
    )
  if args.renders:
    _evaluate_renders(args, run, config_args)
    return
  if run and not (args.frames or args.geometry or args.style):
    from stylized_nerf_jax.tasks import run_evaluation
    from stylized_nerf_jax.tasks.reports import report as report_lib

    run = run_argument.existing(args, "evaluate")
    run_evaluation.evaluate_run(
      run, args.json, wide=args.wide, reach=args.reach
    )
    report_lib.make_after(run)
    endings.say("look", "film", "export", run=run)
  elif args.frames and args.geometry and not run:
    _evaluate_frames(args)
  else:
    raise user_error.UserError(
      "evaluate: give either a RUN, or --frames DIR and --geometry DIR"
      " (and --style IMG), or --renders DIR and --scene SCENE"
    )


def _evaluate_renders(
  args: argparse.Namespace, run: str | None, config_args: list[str]
) -> None:
  """Score renders of a split of a scene."""
  if not args.scene or run or args.frames or args.geometry:
    raise user_error.UserError(
      "evaluate: --renders needs --scene SCENE, and no RUN, --frames or"
      " --geometry"
    )
  from stylized_nerf_jax.scenes.pictures import styles
  from stylized_nerf_jax.tasks import renders_evaluation

  scene, _ = scene_options.load(args, config_args)
  style = None
  if args.style:
    style = styles.load_style_image(args.style, args.style_size)
  renders_evaluation.evaluate_renders(
    args.renders,
    scene,
    split=args.split,
    pattern=args.pattern,
    order=args.order,
    right_half=args.right_half,
    json_path=args.json,
    wide=args.wide,
    style=style,
    encode=None if style is None else _make_encode(),
  )


def _evaluate_frames(args: argparse.Namespace) -> None:
  """Score a folder of frames, and the unstylized ones where they are there."""
  from stylized_nerf_jax.evaluation import (
    frames,
    geometry,
    lpips,
    report,
    shortfalls,
  )
  from stylized_nerf_jax.host import progress
  from stylized_nerf_jax.scenes.pictures import styles

  scored = {args.frames: frames.read_frames(args.frames)}
  scene_geometry = geometry.read_geometry(args.geometry)
  same = pathlib.Path(args.frames).resolve() == (
    pathlib.Path(args.geometry).resolve()
  )
  if scene_geometry.content is not None and not same:
    scored[report.FLOOR] = scene_geometry.content
  style = encode = None
  if args.style:
    style = styles.load_style_image(args.style, args.style_size)
    encode = _make_encode()
  lpips_params = lpips.load_lpips()

  rows = []
  steps = len(scored) * frames.count_steps(len(scene_geometry.cameras))
  with progress.progress(steps, "scoring") as bar:
    for name, sequence in scored.items():
      scores = frames.score_frames(
        sequence,
        scene_geometry,
        style=None if style is None else style.image,
        encode=encode,
        lpips_params=lpips_params,
        advance=bar.advance,
      )
      style_name = None if style is None else style.name
      rows.append({"name": name, "style": style_name, **scores})
  protocol = frames.describe_protocol(scene_geometry)
  result = report.make_report(rows, protocol=protocol)
  if args.json:
    report.write_report(result, args.json)
  print(report.terminal_table(result, wide=args.wide))
  for line in shortfalls.of_report(
    result, method=args.frames, unstylized=report.FLOOR
  ):
    progress.say(f"evaluate: {line}")
  written = f"wrote {args.json} with all figures; " if args.json else ""
  progress.say(f"{written}{report.MEANING}")


def _make_encode():
  """Load the default encoder as a function of pictures."""
  import jax

  from stylized_nerf_jax.stylizer import pretrained, vgg

  encoder = pretrained.load_encoder()
  apply = jax.jit(vgg.VggEncoder(encoder.layout).apply)
  return lambda images: apply({"params": encoder.params}, images)
