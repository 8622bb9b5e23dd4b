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

import time

from support import arguments, commands, results, run_files


def main() -> None:
  """Runs everything and writes what it took."""
  parser = arguments.of_training(__doc__)
  parser.add_argument("--out", required=True)
  parser.add_argument("--frames", type=int, default=60)
  args = parser.parse_args()
  if args.workdir.exists():
    parser.error(f"{args.workdir} exists; begin in a new folder")
  started, steps = time.monotonic(), {}
  for phase in run_files.PHASES:
    steps[phase] = commands.train(args.workdir, phase, args.config)
    print(phase, steps[phase], flush=True)
  learned = run_files.facts(args.workdir, run_files.MUTUAL_LEARNING)
  styles = learned["styles"]["names"]
  render = ["render", "--workdir", str(args.workdir), "--out", args.out]
  frames = ["--frames", str(args.frames), "--style", styles[0]]
  steps["rendering"] = commands.run([*render, *frames])
  seconds = time.monotonic() - started
  # Only now: nobody else needs the accelerator any more.
  import jax  # noqa: F401

  rows = results.rows_of(steps, commands.COLUMNS.values())
  results.write_table(
    args.name,
    ["step", *commands.COLUMNS],
    [*rows, ["altogether", round(seconds, 1), None, None]],
    seconds=round(seconds, 1),
    styles=len(styles),
    frames=args.frames,
    held_out=run_files.facts(args.workdir, run_files.FIELD)["scores"],
    steps=steps,
  )


if __name__ == "__main__":
  main()
