"""`stylized-nerf export-tfds`: scenes and paintings as TensorFlow datasets."""

import argparse

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import endings, no_config, scene_options

HELP = "write a scene, or a style set, as a TensorFlow dataset"
EXAMPLE = "stylized-nerf export-tfds SCENE --out datasets"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  scene_options.add_arguments(parser, nargs="?")
  parser.add_argument(
    "--styles",
    help="folder, .csv list or picture: write these, not a scene (default: "
    "the scene)",
  )
  parser.add_argument(
    "--out", required=True, help="data_dir: folder that holds the datasets"
  )
  parser.add_argument(
    "--name", default="", help="of the dataset (default: that of the scene)"
  )


def run(args: argparse.Namespace, config_args: list[str]) -> None:
  """Exports.

  Raises:
    ValueError: an option is wrong, something cannot be read, or the dataset
      is there already or cannot be written.
  """
  if bool(args.scene) == bool(args.styles):
    raise user_error.UserError(
      "expected either a SCENE or --styles, one of the two"
    )
  # Imported late: it brings TFDS.
  from stylized_nerf_jax.datasets import export
  from stylized_nerf_jax.host import progress
  from stylized_nerf_jax.scenes.pictures import styles

  if args.styles:
    no_config.check("export-tfds", config_args)
    found, messages = styles.find_styles(args.styles)
    count, things = len(found), "pictures"
    with progress.progress(count, "export") as bar:
      address = export.export_styles(
        args.styles, args.out, name=args.name, advance=bar.advance
      )
  else:
    scene, _ = scene_options.load(args, config_args)
    messages = scene.messages
    count, things = len(scene), "images"
    with progress.progress(count, "export") as bar:
      address = export.export_scene(
        scene, args.out, name=args.name, advance=bar.advance
      )
  for message in messages:
    print(f"export-tfds: {message}")
  print(f"wrote {args.out}, a dataset of {count} {things}")
  step = "paint" if args.styles else "train"
  endings.say(step, scene=address, styles=address)
