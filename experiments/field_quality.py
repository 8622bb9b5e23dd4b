"""How good is a radiance field after how long: phase 1 alone, on one scene.

  python experiments/field_quality.py --name lego --workdir runs/lego -- \
    --config configs/fast.py --config.scene.path=LEGO \
    --config.scene.downsample=2 --config.styles.path=PAINTINGS

Writes experiments/results/NAME.json: scores on all held-out views, the time
that training took without start-up and final scoring, and the whole command's.
"""

import argparse
import json
import pathlib

import scene


def main() -> None:
  """Trains, and writes what the run's manifest says of it."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--name", required=True)
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  parser.add_argument("config", nargs="+", help="after --")
  args = parser.parse_args()
  if args.workdir.exists():
    parser.error(f"{args.workdir} is there already: what is measured is new")
  command = ["train", "--phase", "radiance_field"]
  cost = scene.run([*command, "--workdir", str(args.workdir), *args.config])
  manifest = json.loads((args.workdir / "manifest.json").read_text())
  field = manifest["phases"]["radiance_field"]
  layout = json.loads((args.workdir / "scene.json").read_text())
  scores = field["scores"]
  columns = {
    "scene": layout["name"],
    "held-out views": len(layout["splits"]["test"]),
    "PSNR, dB": round(scores["test_psnr"], 2),
    "SSIM": round(scores["test_ssim"], 4),
    "training, s": field["seconds"],
    "whole command, s": cost["wall_s"],
    "CPU, s": cost["cpu_s"],
    "peak memory, MiB": cost["peak_memory_mib"],
    "load": cost["load_at_end"],
  }
  content = {
    "scores": scores,
    "cost": cost,
    "table": {"columns": list(columns), "rows": [list(columns.values())]},
  }
  scene.write_measured(args.name, content)


if __name__ == "__main__":
  main()
