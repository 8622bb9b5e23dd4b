"""From posed photographs to a model of many styles and its video, by the clock.

  python experiments/photographs_to_video.py --name fern_20_styles \
    --workdir runs/fern_20 --out runs/fern_20/spiral.mp4 -- \
    --config configs/fast.py --config.scene.path=FERN \
    --config.scene.downsample=4 --config.styles.path=PAINTINGS \
    --config.styles.names=...

Every phase and the rendering is a process of its own, with its own start and
compilation; a folder instead of an .mp4 takes PNG frames. Writes
experiments/results/NAME.json.
"""

import argparse
import json
import pathlib
import time

import scene

_PHASES = ("radiance_field", "stylizer", "mutual_learning")


def main() -> None:
  """Runs everything and writes what it took."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
  parser.add_argument("--name", required=True)
  parser.add_argument("--workdir", type=pathlib.Path, required=True)
  parser.add_argument("--out", required=True)
  parser.add_argument("--frames", type=int, default=60)
  parser.add_argument("config", nargs="+", help="after --")
  args = parser.parse_args()
  if args.workdir.exists():
    parser.error(f"{args.workdir} exists; begin in a new folder")
  workdir = ["--workdir", str(args.workdir)]
  started, steps = time.monotonic(), {}
  for phase in _PHASES:
    steps[phase] = scene.run(
      ["train", "--phase", phase, *workdir, *args.config]
    )
    print(phase, steps[phase], flush=True)
  manifest = json.loads((args.workdir / "manifest.json").read_text())
  styles = manifest["phases"]["mutual_learning"]["styles"]["names"]
  frames = ["--frames", str(args.frames), "--style", styles[0]]
  steps["rendering"] = scene.run(
    ["render", *workdir, "--out", args.out, *frames]
  )
  seconds = time.monotonic() - started
  # Only now: nobody else needs the accelerator any more.
  import jax  # noqa: F401

  scores = manifest["phases"]["radiance_field"]["scores"]
  content = {
    "seconds": round(seconds, 1),
    "styles": len(styles),
    "frames": args.frames,
    "held_out": scores,
    "steps": steps,
    "table": {
      "columns": ["step", "wall, s", "CPU, s", "peak memory, MiB"],
      "rows": [
        [name, facts["wall_s"], facts["cpu_s"], facts["peak_memory_mib"]]
        for name, facts in steps.items()
      ]
      + [["altogether", round(seconds, 1), None, None]],
    },
  }
  scene.write_measured(args.name, content)


if __name__ == "__main__":
  main()
