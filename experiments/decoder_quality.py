"""How good is the decoder on photos and paintings that it never saw?

  python experiments/decoder_quality.py --photos BSDS/test --paintings DIR

Scores, by content and style loss (method, section 4), D's outputs beside the
unstylized photo and, for the first pairs, beside 300 steps of direct
optimisation of pixels: the best that these losses allow, at minutes a pair.
Writes `results/decoder_quality.json`, and with `--picture FILE` eight outputs:
views of the synthetic scene in the style of the held-out paintings. (The
photos may be used for research, but not shown here.)
"""

import argparse
import functools
import json
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from PIL import Image

from stylized_nerf_jax import config as config_lib
from stylized_nerf_jax import pretraining_defaults
from stylized_nerf_jax.losses import stylization
from stylized_nerf_jax.pretraining import corpus
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.stylizer import (
  adain,
  decoder,
  pretrained,
  stylize,
  vgg,
)
from support import results

_CONFIG = pathlib.Path(__file__).parents[1] / "configs" / "stylizer.py"
_STYLE_WEIGHT = 10.0


def read_pairs(args: argparse.Namespace) -> corpus.ScoredPairs:
  """Reads the held-out photos and paintings of the training config."""
  config = config_lib.from_flags(
    [
      f"--config={_CONFIG}",
      f"--config.content.path={args.photos}",
      f"--config.content.holdout={args.photos}",
      f"--config.styles.path={args.paintings}",
      "--config.styles.generated=0",
    ],
    fields=pretraining_defaults.FIELDS,
  )
  _, held_out = corpus.open_pictures(config, pathlib.Path())
  return held_out


def make_scorers(layout: str):
  """Compiles statistics of a style, losses of an image, and D."""
  encode = vgg.VggEncoder(layout).apply

  @jax.jit
  def statistics(params, style):
    return stylization.layer_statistics(encode({"params": params}, style))

  def losses(image, params, target, style):
    features = encode({"params": params}, image)
    content = stylization.content_loss(features["relu4_1"], target)
    return content, stylization.style_loss(features, style)

  @jax.jit
  def targets(params, photo, style):
    return adain.adain(
      encode({"params": params}, photo)["relu4_1"], *style["relu4_1"]
    )

  return statistics, jax.jit(losses), targets


def optimise_pixels(photo, params, target, style, losses, steps: int):
  """Minimises content + 10 style loss over pixels with Adam, from the photo."""
  optimizer = optax.adam(0.02)

  def total(image):
    content, style_loss = losses(image, params, target, style)
    return content + _STYLE_WEIGHT * style_loss

  @jax.jit
  def step(image, state):
    updates, state = optimizer.update(jax.grad(total)(image), state)
    return jnp.clip(optax.apply_updates(image, updates), 0.0, 1.0), state

  image, state = photo, optimizer.init(photo)
  for _ in range(steps):
    image, state = step(image, state)
  return image


def score_pair(photo, painting, encoder, tree, functions, steps: int):
  """Scores D, the photo, and optimised pixels for one pair."""
  statistics, losses, targets = functions
  params = encoder.params
  photo = photo[None] / np.float32(255)
  style = statistics(params, painting[None] / np.float32(255))
  target = targets(params, photo, style)
  output = jax.jit(decoder.Decoder().apply)({"params": tree}, target)
  pictures = {"photo": photo, "decoder": jnp.clip(output, 0.0, 1.0)}
  if steps:
    pictures["pixels"] = optimise_pixels(
      photo, params, target, style, losses, steps
    )
  row = {}
  for name, picture in pictures.items():
    content, style_loss = losses(picture, params, target, style)
    row[name] = {"content": float(content), "style": float(style_loss)}
  return row


def save_picture(path, held_out, encoder, tree) -> None:
  """Saves views of the synthetic scene, paintings, and D's outputs, halved."""
  views = embedded.make_scene(width=480, height=360).images
  stylizer = stylize.Stylizer(encoder.layout, encoder.params, tree)
  run = jax.jit(stylizer.stylize)
  columns = []
  for index, painting in enumerate(held_out.paintings):
    view = np.asarray(views[index * (len(views) // 8)])
    size = (view.shape[1], view.shape[0])
    style = painting / np.float32(255)
    output = run(view[None], *jax.jit(stylizer.style_statistics)(style))[0]
    small = np.asarray(Image.fromarray(painting).resize(size)) / 255.0
    columns.append(np.concatenate([view, small, np.asarray(output)]))
  rows = np.split(np.stack(columns), 2)
  sheet = np.concatenate([np.concatenate(list(r), axis=1) for r in rows])
  pixels = Image.fromarray((sheet * 255 + 0.5).astype(np.uint8))
  pixels.reduce(2).save(path, quality=85)


def main() -> None:
  """Runs the experiment."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("--photos", required=True)
  parser.add_argument("--paintings", required=True)
  parser.add_argument("--weights", help="a decoder other than the shipped")
  parser.add_argument("--pairs", type=int, default=8)
  parser.add_argument("--pixel-steps", type=int, default=300)
  parser.add_argument("--pixel-pairs", type=int, default=3)
  parser.add_argument(
    "--pixels-of",
    type=pathlib.Path,
    help="a result of before, for optimised pixels: no decoder is in them",
  )
  parser.add_argument("--picture", type=pathlib.Path)
  args = parser.parse_args()
  encoder = pretrained.load_encoder()
  tree = pretrained.load_decoder(args.weights, encoder=encoder)
  held_out = read_pairs(args)
  functions = make_scorers(encoder.layout)
  run = functools.partial(
    score_pair,
    encoder=encoder,
    tree=tree,
    functions=functions,
  )
  if args.picture:
    save_picture(args.picture, held_out, encoder, tree)
  rows, known = [], read_pixels(args)
  start = time.monotonic()
  for index in range(args.pairs):
    painting = held_out.paintings[index]
    wanted = index < args.pixel_pairs and args.pixels_of is None
    steps = args.pixel_steps if wanted else 0
    row = run(held_out.photos[index], painting, steps=steps)
    row["names"] = [held_out.photo_names[index], held_out.painting_names[index]]
    row |= known.get(tuple(row["names"]), {})
    rows.append(row)
    print(json.dumps(row), flush=True)
  optimised = rows[: args.pixel_pairs]
  results.write_table(
    "decoder_quality",
    ["pictures", "pairs", "content loss", "style loss"],
    [
      mean_row("unstylized photo", "photo", rows),
      mean_row("decoder", "decoder", rows),
      mean_row("unstylized photo", "photo", optimised),
      mean_row("decoder", "decoder", optimised),
      mean_row(f"{args.pixel_steps} pixel steps", "pixels", optimised),
    ],
    what="content and style loss at 256 px, style weight 10 in optimisation",
    pixel_steps=args.pixel_steps,
    seconds=round(time.monotonic() - start),
    pairs=rows,
  )


def read_pixels(args: argparse.Namespace) -> dict[tuple, dict]:
  """Reads the figures of optimised pixels from an earlier result.

  Returns:
    {"pixels": figures} by the names of photo and painting.

  Raises:
    ValueError: it took another number of steps.
  """
  if args.pixels_of is None:
    return {}
  found = json.loads(args.pixels_of.read_text())
  if found["pixel_steps"] != args.pixel_steps:
    raise ValueError(
      f"{args.pixels_of}: pixel_steps is {found['pixel_steps']}, expected"
      f" {args.pixel_steps}; run without --pixels-of"
    )
  return {
    tuple(row["names"]): {"pixels": row["pixels"]}
    for row in found["pairs"]
    if "pixels" in row
  }


def mean_row(label: str, name: str, rows: list[dict]) -> list:
  """Writes the row of the table for the pictures `name` of some pairs."""
  found = [row[name] for row in rows if name in row]
  means = (float(np.mean([r[k] for r in found])) for k in ("content", "style"))
  return [label, len(found), *(round(value, 2) for value in means)]


if __name__ == "__main__":
  main()
