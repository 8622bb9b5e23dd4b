"""`stylized-nerf inspect`: what a scene's files hold, and whether they fit."""

import argparse
import textwrap

from stylized_nerf_jax.cli.parsing import endings, scene_options

HELP = "read a scene, say what was found, and check its poses"
EXAMPLE = "stylized-nerf inspect SCENE --downsample 4 --out cameras.png"
_VERDICTS = {True: "good", False: "BAD", None: "cannot tell"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  scene_options.add_arguments(parser)
  parser.add_argument(
    "--out",
    help="picture to write: the cameras, and an image of each split",
  )


def run(args: argparse.Namespace, config_args: list[str]) -> int:
  """Prints; returns 1 where the scene is unsound, otherwise 0.

  Raises:
    ValueError: the scene cannot be read, or the picture not be written.
  """
  from stylized_nerf_jax.outputs import image_writer, scene_plan
  from stylized_nerf_jax.tasks import scene_inspection

  scene, options = scene_options.load(args, config_args)
  facts = scene_inspection.describe(scene, space=options.space)
  for name, value in facts.items():
    _print(name, value)
  for message in scene.messages:
    _print("note", message)
  if args.out:
    image_writer.save_image(args.out, scene_plan.draw_scene(scene))
    _print("picture", args.out)
  checks = scene_inspection.check(scene)
  for found in checks:
    _print(found.name, f"{_VERDICTS[found.passed]}: {found.found}")
  passed = [found.passed for found in checks]
  unsound = False in passed
  if unsound:
    print("unsound: the poses do not fit the photographs")
  elif None in passed:
    print("cannot tell whether the poses fit the photographs")
  else:
    print("sound")
  if unsound:
    endings.say("capture")
  else:
    fields = list(config_args)
    if args.downsample is not None:
      fields.append(f"--config.scene.downsample={args.downsample:g}")
    endings.say("train", scene=args.scene, more=tuple(fields))
  return 1 if unsound else 0


def _print(name: str, value: str) -> None:
  """Prints a fact, in as many lines of a terminal as it takes."""
  print(
    textwrap.fill(
      f"{name:<12}{value}",
      100,
      subsequent_indent=" " * 12,
      break_long_words=False,
      break_on_hyphens=False,
    )
  )
