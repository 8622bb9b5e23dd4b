"""`stylized-nerf convert`: any scene in a format that others read."""

import argparse

from stylized_nerf_jax.cli.parsing import endings, scene_options

HELP = "write a scene as transforms.json, COLMAP, NSVF, LLFF or a NumPy file"
EXAMPLE = (
  "stylized-nerf convert SCENE --format transforms --out scenes/converted"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  scene_options.add_arguments(parser)
  parser.add_argument(
    "--format",
    required=True,
    choices=("transforms", "llff", "npz", "nsvf", "colmap"),
    help="nerfstudio's and instant-ngp's, LLFF's, one NumPy file, NSVF's (of "
    "ARF and TensoRF), or a COLMAP model",
  )
  parser.add_argument("--out", required=True, help="new or empty folder")


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Converts.

  Raises:
    ValueError: the scene cannot be read, or the format cannot hold it.
  """
  from stylized_nerf_jax.captures import recordings
  from stylized_nerf_jax.outputs import scene_pictures, scene_writer

  scene_pictures.check_destination(args.out)
  with recordings.unpacked(args.scene, args.out) as args.scene:
    scene, _ = scene_options.load(args, config_args)
    notes = scene_writer.write_scene(scene, args.out, format=args.format)
  for note in (*scene.messages, *notes):
    print(f"convert: {note}")
  print(f"wrote {args.out}, a scene of {len(scene)} images")
  endings.say("inspect", "train", scene=args.out)
