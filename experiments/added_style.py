"""A painting added to a finished run, beside having been there from the start.

  python experiments/added_style.py RUN --style NAME --name added_fern \
    --workdir runs/added

RUN is finished and evaluated, in several styles. A copy of it is trained again
without NAME: phases 2 and 3, on the same field. Then `add-style` gives it NAME,
which is timed, and both are scored on the same frames. Frames of the other
styles are compared before and after. Writes experiments/results/NAME.json.
"""

import argparse
import json
import pathlib
import shutil

import imageio.v3 as iio
import numpy as np

from support import commands, results

_METHOD = "stylized NeRF"
_MEASURES = {
  "style distance": "style_distance",
  "realism": "realism",
  "coverage": "coverage",
  "palette distance": "color_distance",
  "content LPIPS": "content_lpips",
  "content SSIM": "content_ssim",
}
_GAPS = (1, 7)
_FRAMES = 4


def main() -> None:
  """Measures and writes."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("run", type=pathlib.Path)
  parser.add_argument("--style", required=True, help="that is added")
  parser.add_argument("--name", required=True, help="of the result")
  parser.add_argument("--workdir", required=True, type=pathlib.Path)
  args = parser.parse_args()
  config = json.loads((args.run / "config.json").read_text())
  styles = [name for name in config["styles"]["names"].split(",") if name]
  if args.style not in styles or len(styles) < 2:
    raise SystemExit(f"{args.run} has the styles {', '.join(styles)}")
  others = [name for name in styles if name != args.style]
  without = args.workdir / "without"
  if not without.is_dir():
    args.workdir.mkdir(parents=True, exist_ok=True)
    left_out = shutil.ignore_patterns("evaluation", "previews", "replaced")
    shutil.copytree(args.run, without, ignore=left_out)
  arguments = [f"--config={args.run / 'config.json'}"]
  arguments.append(f"--config.styles.names={','.join(others)}")
  trained = commands.train(without, "all", arguments)
  before = _frames(without, others, args.workdir / "before")
  folder = pathlib.Path(config["styles"]["path"])
  (picture,) = (p for p in folder.iterdir() if p.stem == args.style)
  added = commands.run(["add-style", str(without), str(picture)])
  after = _frames(without, others, args.workdir / "after")
  content = args.run / "evaluation" / "content"
  commands.run(["evaluate", str(without), "--content", str(content)])
  rows = _compare(args.run, without, args.style)
  changes = {
    style: round(float(np.abs(before[style] - after[style]).mean()), 4)
    for style in others
  }
  results.write_table(
    args.name,
    ("measure", "from the start", "added", "added / from the start"),
    rows,
    style=args.style,
    others=others,
    add_style=added,
    trained_without=trained,
    other_styles_changed_by={"of 255": changes},
  )


def _frames(run: pathlib.Path, styles, folder: pathlib.Path) -> dict:
  """Renders frames of styles: [N, H, W, 3], in steps of 255."""
  found = {}
  for style in styles:
    out = folder / style
    options = ["--style", style, f"--frames={_FRAMES}", "--out", str(out)]
    commands.run(["render", str(run), *options])
    pictures = sorted(out.rglob("*.png"))
    found[style] = np.stack([iio.imread(p) for p in pictures]).astype(float)
  return found


def _compare(first: pathlib.Path, second: pathlib.Path, style: str) -> list:
  """A row for each measure of a style in the reports of two runs."""
  scores = [_scores(run, style) for run in (first, second)]
  return [
    [name, round(one, 4), round(other, 4), round(other / one, 3)]
    for (name, one), other in zip(scores[0].items(), scores[1].values())
  ]


def _scores(run: pathlib.Path, style: str) -> dict[str, float]:
  report = json.loads((run / "evaluation" / "report.json").read_text())
  (row,) = (
    row
    for row in report["sequences"]
    if row["name"] == _METHOD and row["style"] == style
  )
  found = {name: row[key] for name, key in _MEASURES.items()}
  for entry in row["consistency"]:
    if entry["gap"] in _GAPS:
      found[f"RMSE at {entry['gap']}"] = entry["rmse"]
  return found


if __name__ == "__main__":
  main()
