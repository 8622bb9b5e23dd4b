"""How good is a radiance field after how long: phase 1 alone, on one scene.

  python experiments/field_quality.py --name lego --workdir runs/lego -- \
    --config configs/fast.py --config.scene.path=LEGO \
    --config.scene.downsample=2 --config.styles.path=PAINTINGS

Writes experiments/results/NAME.json: scores on all held-out views, the time
that training took without start-up and final scoring, and the whole command's.
"""

from support import arguments, commands, results, run_files


def main() -> None:
  """Trains, and writes what the run's manifest says of it."""
  parser = arguments.of_training(__doc__)
  args = parser.parse_args()
  if args.workdir.exists():
    parser.error(f"{args.workdir} is there already: what is measured is new")
  cost = commands.train(args.workdir, run_files.FIELD, args.config)
  field = run_files.facts(args.workdir, run_files.FIELD)
  scores = field["scores"]
  columns = {
    "scene": run_files.scene(args.workdir)["name"],
    "held-out views": len(run_files.test_views(args.workdir)),
    "PSNR, dB": round(scores["test_psnr"], 2),
    "SSIM": round(scores["test_ssim"], 4),
    "training, s": field["seconds"],
    "whole command, s": cost["wall_s"],
    "CPU, s": cost["cpu_s"],
    "peak memory, MiB": cost["peak_memory_mib"],
    "load": cost["load_at_end"],
  }
  row = list(columns.values())
  results.write_table(args.name, columns, [row], scores=scores, cost=cost)


if __name__ == "__main__":
  main()
