"""`stylized-nerf stylize-image`: photos and videos in a painting's style."""

import argparse
from collections.abc import Sequence

from stylized_nerf_jax.cli.parsing import endings, no_config

HELP = "stylize a picture, a folder of them or a video with the 2D stylizer"
EXAMPLE = (
  "stylized-nerf stylize-image --content photo.jpg --style painting.jpg "
  "--out stylized.jpg"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Adds the options of the command."""
  parser.add_argument(
    "--content",
    required=True,
    help="what to stylize: a picture, a folder of pictures, or a video",
  )
  parser.add_argument(
    "--style",
    required=True,
    help="what to take after: a picture, several with commas between them, a "
    "folder or .csv list of them, or the word generated",
  )
  parser.add_argument(
    "--out",
    required=True,
    help="of a picture a .png or .jpg file, of a folder a folder of the same "
    "names (WebP becomes PNG), of a video an .mp4 file; of several styles each "
    "has its name added, or a folder in it",
  )
  parser.add_argument(
    "--max-size",
    type=int,
    help="longer side that larger ones are reduced to, pixels; 0: none is "
    "(default: 1600; 640 for a video)",
  )
  parser.add_argument(
    "--alpha", type=float, default=1.0, help="strength, 0 to 1"
  )
  parser.add_argument(
    "--palette",
    type=float,
    default=1.0,
    help="from the picture's own chroma (0) to the painting's palette (1; "
    "default)",
  )
  parser.add_argument(
    "--transfer",
    choices=("none", "affine", "table"),
    default="table",
    help="brings what the decoder paints to the painting's palette by a smooth "
    "map of colours (default), by a linear one, or not; for a video once",
  )
  parser.add_argument(
    "--style-size",
    type=int,
    default=512,
    help="short side of the style in pixels: the dial of stroke scale",
  )
  parser.add_argument(
    "--weights", help="file of a decoder (default: the shipped one)"
  )
  parser.add_argument(
    "--encoder",
    default="vgg16",
    help="vgg16, or a file: torchvision's vgg16, or a VGG-19 in the "
    "vgg_normalised layout",
  )


def run(args: argparse.Namespace, config_args: Sequence[str]) -> int:
  """Stylizes; returns 0, or 1 where pictures of a folder cannot be read.

  Raises:
    ValueError: an option or file cannot be used.
  """
  no_config.check("stylize-image", config_args)
  # Imported late, so that the help of all commands comes at once.
  from stylized_nerf_jax.tasks import picture_stylization

  complete = picture_stylization.stylize_pictures(
    args.content,
    args.style,
    args.out,
    style_size=args.style_size,
    alpha=args.alpha,
    palette=args.palette,
    transfer=args.transfer,
    max_size=args.max_size,
    encoder=args.encoder,
    decoder=args.weights,
  )
  endings.say("begin")
  return 0 if complete else 1
