"""What is the finish worth? A run with it, without it, and frames by AdaIN.

  python experiments/finish_trials.py RUN --name fern --frames 3 \
    --sheet docs/images/finish_fern.jpg --reach

RUN has a finish. Frames of its evaluation's path, seven apart, are rendered as
photographed, with the style field of mutual learning ("before"), and with the
finished styles ("after"); and each is stylized by itself with the general
decoder. All are scored by the measures of docs/evaluation.md, of which the
finish optimises none. With --reach the sheet shows one frame of each style
matched by itself, too. Writes experiments/results/finish_NAME.json.
"""

import argparse
import dataclasses
import functools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

import stylized_nerf_jax as snj
from stylized_nerf_jax.evaluation import frames, geometry, lpips, reach
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.phases import run_styles
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import paths
from stylized_nerf_jax.stylizer import pretrained, stylize, vgg
from support import results

_METHODS = ("photographed", "per-frame AdaIN", "before", "after")
_MEASURES = {
  "realism": "realism",
  "coverage": "coverage",
  "palette": "color_distance",
  "content LPIPS": "content_lpips",
  "content SSIM": "content_ssim",
  "edges": "content_edges",
  "orientation, degrees": "stroke_orientation",
  "scale, octaves": "stroke_scale",
}
# Frames of the path from one that is rendered to the next.
_GAP = 7


def main() -> None:
  """Renders, scores, and writes result and sheet."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("run", type=pathlib.Path)
  parser.add_argument("--name", required=True)
  parser.add_argument("--frames", type=int, default=3)
  parser.add_argument("--sheet", type=pathlib.Path)
  parser.add_argument("--reach", action="store_true")
  args = parser.parse_args()
  after = snj.StylizedNerf.load(args.run)
  if "finished" not in after.params:
    parser.error(f"{args.run} has no finish")
  unfinished = {k: v for k, v in after.params.items() if k != "finished"}
  before = dataclasses.replace(after, params=unfinished, palette_maps=None)
  run = run_folder.RunFolder(args.run)
  paintings = run_styles.stored(run).subset(after.styles)
  films, depths, cameras = _films(after, before, paintings, args.frames)
  content = films["photographed", None]
  scored = geometry.Geometry(cameras, depths, content)
  rows = _scores(after, films, paintings, scored)
  _write(args.name, after, rows, args.frames)
  if args.sheet:
    matched = _matched(after, content[0], paintings) if args.reach else {}
    _save_sheet(args.sheet, films, matched, paintings)


def _films(after, before, paintings, count: int):
  """Returns frames of (method, style), their depths and cameras."""
  length = after.config.evaluation.num_frames
  path = paths.of_scene(after.scene, num_frames=length)
  cameras = snj.Cameras.from_list([path[_GAP * i] for i in range(count)])
  nets = stylizer_nets.load_nets(after.config.weights)
  whole = stylize.Stylizer(
    nets.encoder.layout, nets.encoder.params, nets.decoder
  )
  statistics = {
    s.name: whole.style_statistics(s.image) for s in paintings.values()
  }
  stylize_frame = jax.jit(whole.stylize)
  films: dict = {}
  depths = []
  for camera in cameras:
    traced = after.trace(camera)
    seen = traced.photographed
    depths.append(np.asarray(seen.depth))
    films.setdefault(("photographed", None), []).append(_rounded(seen.rgb))
    for style in after.styles:
      shown = {
        "per-frame AdaIN": stylize_frame(
          jnp.asarray(seen.rgb)[None], *statistics[style]
        )[0],
        "before": before.paint(traced, style).rgb,
        "after": after.paint(traced, style).rgb,
      }
      for method, rgb in shown.items():
        films.setdefault((method, style), []).append(_rounded(rgb))
    print(f"frame {len(depths)} of {count}", flush=True)
  return films, depths, cameras


def _rounded(rgb) -> np.ndarray:
  """Rounds colours as a file would."""
  return np.round(np.clip(np.asarray(rgb), 0, 1) * 255).astype(np.float32) / 255


def _scores(model, films, paintings, scored) -> dict:
  """Returns the scores of every (style, method)."""
  nets = stylizer_nets.load_nets(model.config.weights)
  params = lpips.load_lpips()
  encode = functools.partial(
    jax.jit(vgg.VggEncoder(nets.encoder.layout).apply),
    {"params": nets.encoder.params},
  )
  rows = {}
  for style in model.styles:
    for method in _METHODS:
      found = films.get((method, style)) or films[method, None]
      rows[style, method] = frames.score_frames(
        found,
        scored,
        style=paintings[style].image,
        encode=encode,
        lpips_params=params,
        gaps=(1,),  # Of those that are rendered.
      )
    print(f"scored {style}", flush=True)
  return rows


def _write(name: str, model, rows: dict, count: int) -> None:
  columns = ["style", "frames", *_MEASURES, f"RMSE {_GAP}"]
  table, values = [], {}
  for (style, method), scores in rows.items():
    found = [scores[key] for key in _MEASURES.values()]
    found.append(scores["consistency"][0]["rmse"])
    values[style, method] = found
    table.append([style, method, *(_digits(v) for v in found)])
  means = {
    method: np.mean(
      [
        [np.nan if v is None else v for v in values[style, method]]
        for style in model.styles
      ],
      axis=0,
    )
    for method in _METHODS
  }
  table += [
    ["mean of all", method, *(_digits(v) for v in means[method])]
    for method in _METHODS
  ]
  ratios = [
    [
      "after, over " + other,
      *(_digits(a / b) for a, b in zip(means["after"], means[other])),
    ]
    for other in ("before", "per-frame AdaIN")
  ]
  results.write_measured(
    f"finish_{name}",
    {
      "frames": count,
      "finish": model.config.mutual_learning.finish.to_dict(),
      "tables": {
        "scores": {"columns": columns, "rows": table},
        "ratios": {"columns": ["ratio", *columns[2:]], "rows": ratios},
      },
    },
  )


def _digits(value) -> str | None:
  return None if value is None or not np.isfinite(value) else f"{value:.3f}"


def _matched(model, frame, paintings) -> dict[str, np.ndarray]:
  """Matches one frame to each painting, by itself."""
  encoder = pretrained.load_stroke_encoder(model.config.weights.encoder)
  return {
    style.name: reach.match_frame(frame, style.image, encoder)
    for style in paintings.values()
  }


def _save_sheet(path, films, matched, paintings, width: int = 300) -> None:
  """Writes a row for each style: painting, photographed, before, after, and
  the frame that was matched by itself."""
  rows = []
  for style in paintings:
    frame = films["before", style][0]
    height = round(width * frame.shape[0] / frame.shape[1])
    size = width, height
    cells = [films["photographed", None][0], frame, films["after", style][0]]
    if style in matched:
      cells.append(matched[style])
    pictures = [_fitted(paintings[style].pixels, size)]
    for cell in cells:
      pixels = np.round(np.clip(cell, 0, 1) * 255).astype(np.uint8)
      pictures.append(np.asarray(Image.fromarray(pixels).resize(size)))
    rows.append(np.concatenate(pictures, axis=1))
  Image.fromarray(np.concatenate(rows)).save(path, quality=85)
  print(f"wrote {path}")


def _fitted(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
  """Shrinks a painting into a cell of a size (width, height), on white."""
  image = Image.fromarray(pixels)
  image.thumbnail(size)
  cell = Image.new("RGB", size, "white")
  cell.paste(
    image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2)
  )
  return np.asarray(cell)


if __name__ == "__main__":
  main()
