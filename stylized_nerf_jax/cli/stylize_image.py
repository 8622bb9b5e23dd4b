"""`stylized-nerf stylize-image`: one photo in the style of one painting."""

import argparse
import pathlib
import sys
from collections.abc import Sequence

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli import no_config

HELP = "stylize one picture with the 2D stylizer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Adds the options of the command."""
  parser.add_argument("--content", required=True, help="picture to stylize")
  parser.add_argument("--style", required=True, help="picture to take after")
  parser.add_argument(
    "--out", required=True, help="file to write, .png or .jpg"
  )
  parser.add_argument(
    "--alpha", type=float, default=1.0, help="strength, 0 to 1 (default 1)"
  )
  parser.add_argument(
    "--style-size",
    type=int,
    default=512,
    help="short side of the style in pixels: the dial of stroke scale",
  )
  parser.add_argument(
    "--weights", help="decoder to use in place of the shipped one"
  )
  parser.add_argument(
    "--encoder",
    default="vgg16",
    help="file of a VGG-19 in the vgg_normalised layout (default: vgg16)",
  )


def run(args: argparse.Namespace, config_args: Sequence[str]) -> None:
  """Runs the command.

  Raises:
    ValueError: an option or file cannot be used.
  """
  no_config.check("stylize-image", config_args)
  # Imported late, so that the help of all commands comes at once.
  import jax
  import numpy as np
  from PIL import Image

  from stylized_nerf_jax.scenes.pictures import picture_files, styles
  from stylized_nerf_jax.stylizer import stylize

  if not 0.0 <= args.alpha <= 1.0:
    raise user_error.UserError(f"--alpha is {args.alpha}; expected 0 to 1")
  out = _output(args.out)
  content = picture_files.read_picture(args.content)
  sources = [pathlib.Path(name) for name in (args.content, args.style)]
  for line in picture_files.describe_colors(sources, "pictures"):
    print(line, file=sys.stderr)
  style = styles.load_style_image(args.style, style_size=args.style_size)
  stylizer = stylize.load_stylizer(
    encoder=args.encoder, decoder_path=args.weights
  )
  mean, std = jax.jit(stylizer.style_statistics)(style.image)
  images = content[None].astype(np.float32) / 255.0
  result = jax.jit(stylizer.stylize)(images, mean, std, args.alpha)
  pixels = np.asarray(result[0] * 255.0 + 0.5).astype(np.uint8)
  Image.fromarray(pixels).save(out)


def _output(name: str) -> pathlib.Path:
  """Check where the picture goes before time is spent on it."""
  out = pathlib.Path(name)
  if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
    raise user_error.UserError(
      f"--out {out}: expected a name that ends in .png or .jpg"
    )
  if not out.parent.is_dir():
    raise user_error.UserError(
      f"--out {out}: the folder {out.parent} does not exist"
    )
  return out
