"""`stylized-nerf capture`: photographs or a video to a scene."""

import argparse

from stylized_nerf_jax.cli.parsing import endings, no_config

HELP = "find the cameras of photographs or a video, and make a scene"
EXAMPLE = "stylized-nerf capture photographs --out scenes/garden"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  parser.add_argument(
    "source",
    metavar="PHOTOS_OR_VIDEO",
    help="folder of photographs, or a video",
  )
  parser.add_argument(
    "--out",
    required=True,
    help="folder of the scene: new, or of the same capture, stopped",
  )
  parser.add_argument(
    "--frames", type=int, help="frames to take from a video (default: 100)"
  )
  parser.add_argument(
    "--lens",
    default="opencv",
    help="opencv (k1, k2, p1, p2), radial, simple-radial, pinhole or fisheye",
  )
  parser.add_argument(
    "--exhaustive",
    action="store_true",
    help="compare all images with all, not only neighbours, however many",
  )
  parser.add_argument(
    "--threads", type=int, help="cores to work on (default: all)"
  )


def run(args: argparse.Namespace, config_args: list[str]) -> int:
  """Captures, and prints the report.

  Returns:
    0, or 3 where fewer than three quarters of the images have a camera.

  Raises:
    ValueError: the source or the folder cannot be used, or nothing was found.
  """
  no_config.check("capture", config_args)
  from stylized_nerf_jax.tasks import capture

  report = capture.capture(
    args.source,
    args.out,
    frames=args.frames,
    lens=args.lens,
    exhaustive=args.exhaustive,
    threads=args.threads,
  )
  for line in report:
    print(f"capture: {line}")
  print(f"wrote {args.out}, a scene, and {args.out}/capture.png, its cameras")
  status = capture.exit_status(args.out)
  endings.say(*(["inspect"] if status else []), "train", scene=args.out)
  return status
