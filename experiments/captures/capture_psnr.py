"""How good is a radiance field on captured poses, beside the scene's own?

  python experiments/captures/capture_psnr.py --workdir runs/poses \
    --scene fern FERN 8 CAPTURES/fern 2 --scene fox FOX 8 CAPTURES/fox 8 -- \
    --config configs/fast.py --config.styles.path=PAINTINGS

For each scene phase 1 alone, the same config on the folder with the scene's own
poses and on what `stylized-nerf capture` made of its photographs, each with the
number that its pictures are downsampled by, so that both have one size. Writes
experiments/results/capture_psnr.json.
"""

import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from support import commands, results, run_files  # noqa: E402

_COLUMNS = (
  "scene",
  "held-out views",
  "own poses: PSNR, dB",
  "SSIM",
  "captured poses: PSNR, dB",
  "SSIM",
  "difference, dB",
)


def main() -> None:
  """Trains on both, and writes what the manifests say."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  parser.add_argument(
    "--scene",
    nargs=5,
    action="append",
    required=True,
    metavar=("NAME", "OWN", "BY", "CAPTURE", "BY"),
  )
  parser.add_argument("config", nargs="+", help="after --")
  args = parser.parse_args()
  rows = []
  for name, own, own_by, captured, captured_by in args.scene:
    one = _scores(args, f"{name}_own", own, own_by)
    other = _scores(args, f"{name}_captured", captured, captured_by)
    if one["views"] != other["views"]:
      raise SystemExit(f"{name}: held out are {one['views']}, {other['views']}")
    rows.append(
      [
        name,
        len(one["views"]),
        *_cells(one),
        *_cells(other),
        f"{other['test_psnr'] - one['test_psnr']:+.2f}",
      ]
    )
    results.write_table("capture_psnr", _COLUMNS, rows)


def _scores(args, name: str, path: str, downsample: str) -> dict:
  """Trains unless it was done; returns scores and names of held-out views."""
  workdir = args.workdir / name
  lines = [
    f"--config.scene.path={path}",
    f"--config.scene.downsample={downsample}",
  ]
  commands.train(workdir, run_files.FIELD, [*args.config, *lines])
  scores = run_files.facts(workdir, run_files.FIELD)["scores"]
  return {**scores, "views": run_files.test_views(workdir)}


def _cells(scores: dict) -> list[str]:
  return [f"{scores['test_psnr']:.2f}", f"{scores['test_ssim']:.3f}"]


if __name__ == "__main__":
  main()
