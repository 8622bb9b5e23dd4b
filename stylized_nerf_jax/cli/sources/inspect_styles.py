"""`stylized-nerf inspect-styles`: what a collection of paintings holds."""

import argparse

from stylized_nerf_jax import user_error
from stylized_nerf_jax.cli.parsing import endings, no_config

HELP = "read paintings, and tell of damaged and of nearly equal ones"
EXAMPLE = "stylized-nerf inspect-styles PAINTINGS --out sheet.jpg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
  """Declares the options."""
  parser.add_argument(
    "styles",
    metavar="PAINTINGS",
    help="folder, .csv list, picture or tfds:NAME?data_dir=DIR; several with "
    "commas between them",
  )
  parser.add_argument("--out", help="contact sheet to write, .png or .jpg")


def run(args: argparse.Namespace, config_args: list[str]) -> int:
  """Prints; returns 0 where all pictures can be read, 1 where not.

  Raises:
    ValueError: there are no pictures, or the sheet cannot be written.
  """
  no_config.check("inspect-styles", config_args)
  # Checked before thousands of paintings are read.
  if args.out and not args.out.lower().endswith((".png", ".jpg", ".jpeg")):
    raise user_error.UserError(
      f"--out {args.out}: expected a name that ends in .png or .jpg"
    )
  from stylized_nerf_jax.host import progress
  from stylized_nerf_jax.outputs import image_writer
  from stylized_nerf_jax.scenes.pictures import styles
  from stylized_nerf_jax.tasks import style_inspection

  pictures, messages = styles.find_styles(args.styles)
  with progress.progress(len(pictures), "paintings") as bar:
    found = style_inspection.inspect(
      pictures, with_sheet=bool(args.out), advance=bar.advance
    )
  rows = [("pictures", str(found.count))]
  rows.append(("short sides", f"{found.sizes[0]} to {found.sizes[1]} pixels"))
  rows += [("note", message) for message in (*messages, *found.messages)]
  rows += [("damaged", line) for line in found.damaged]
  rows += [("nearly equal", line) for line in found.duplicates]
  if found.sheet is not None:
    image_writer.save_image(args.out, found.sheet)
    rows.append(("sheet", args.out))
  for name, value in rows:
    print(f"{name:<14}{value}")
  if not found.damaged:
    endings.say("paint", styles=args.styles)
  return 1 if found.damaged else 0
