"""The scene of commands that take one: its place, size and config fields."""

import argparse


def add_arguments(
  parser: argparse.ArgumentParser, *, nargs: str | None = None
) -> None:
  """Declares the scene and --downsample; nargs "?" lets the scene be absent."""
  parser.add_argument(
    "scene",
    metavar="SCENE",
    nargs=nargs,
    help='folder or file of a scene, tfds:NAME?data_dir=DIR, or "synthetic"',
  )
  parser.add_argument(
    "--downsample",
    type=float,
    help="width and height are divided by this (default: 1)",
  )
  parser.epilog = (
    "--config.scene.format=FORMAT, .background, .holdout and .space, as those\n"
    "of `stylized-nerf train`, say how it is read"
  )


def load(args: argparse.Namespace, config_args: list[str]):
  """Reads the scene.

  Returns:
    scene: the `scenes.scene.Scene`.
    options: `config.scene`, as far as it was set.

  Raises:
    ValueError: an option or a file is wrong.
  """
  from stylized_nerf_jax import config as config_lib
  from stylized_nerf_jax.scenes import scene as scene_lib
  from stylized_nerf_jax.scenes.readers import formats

  options = config_lib.from_flags(config_args).scene
  downsample = options.downsample
  if args.downsample is not None:
    downsample = args.downsample
  scene: scene_lib.Scene = formats.load_scene(
    args.scene,
    downsample=downsample,
    background=options.background,
    format=options.format,
    holdout=options.holdout,
  )
  return scene, options
