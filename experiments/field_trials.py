"""What single choices of phase 1 are worth: a thousand steps each.

  python experiments/field_trials.py --name fern_trials --workdir runs/trials \
    -- --config configs/fast.py --config.scene.path=FERN \
    --config.scene.downsample=8 --config.styles.path=PAINTINGS

  python experiments/field_trials.py --haze --name haze_demo \
    --steps 1200 --workdir runs/haze -- --config configs/demo.py

A trial whose folder is finished is not run again. With --whole phase 1 is
trained once, as the config has it: scores on all held-out views, the time that
training took without start-up and final scoring, and the whole command's.
Writes experiments/results/NAME.json.
"""

from support import arguments, commands, results, run_files

_COLUMNS = ("trial", "changed", "expected", "PSNR, dB", "verdict")
_FIELD = "config.radiance_field"
_GRID = "config.field.hash_grid"
# Name: lines beside the preset's, what was expected, what is done with it.
_TRIALS = {
  "base": ((), "-", "the preset"),
  "exponential": (
    (
      f"{_FIELD}.schedule=exponential",
      f"{_FIELD}.learning_rate_final=1e-3",
    ),
    "less: the last steps are too long",
    "not taken: less",
  ),
  "every1": (
    (f"{_FIELD}.proposal_every=1",),
    "little: a proposal learns from few rays",
    "not taken: a quarter more time a step",
  ),
  "lr1": (
    (f"{_FIELD}.ndc_learning_rate=0.0",),
    "less: the field underfits",
    "not taken: less",
  ),
  "log17": (
    (f"{_GRID}.log2_table_size=17",),
    "less: entries collide",
    "not taken: less",
  ),
  "dist0": (
    (f"{_FIELD}.distortion_weight=0.0",),
    "fits better with freer weights",
    "not taken: the loss helps",
  ),
  "fine24": (
    (f"{_GRID}.num_fine=24", f"{_GRID}.num_proposal=48"),
    "better, at 1.5 times the samples",
    "not taken: half as much work again",
  ),
}

# Weights of what hangs before cameras.
_HAZE = (0.0, 0.01, 0.03, 0.1)


def main() -> None:
  """Trains what is not finished and writes the table."""
  parser = arguments.of_training(__doc__)
  parser.add_argument("--steps", type=int, default=1000)
  parser.add_argument("--haze", action="store_true", help="weights of it")
  parser.add_argument("--whole", action="store_true")
  args = parser.parse_args()
  if args.whole:
    if args.workdir.exists():
      parser.error(f"{args.workdir} is there already: what is measured is new")
    _train_whole(args)
    return
  rows = []
  if args.haze:
    for weight in _HAZE:
      line = f"--{_FIELD}.haze_weight={weight}"
      scores = _train(args, f"haze_{weight}", [line])
      rows.append([weight, round(scores["test_psnr"], 2)])
    results.write_table(args.name, ("haze_weight", "PSNR, dB"), rows)
    return
  for name, (lines, expected, verdict) in _TRIALS.items():
    scores = _train(args, name, [f"--{line}" for line in lines])
    shown = " ".join(line.removeprefix("config.") for line in lines)
    psnr = round(scores["test_psnr"], 2)
    rows.append([name, shown or None, expected, psnr, verdict])
  results.write_table(args.name, _COLUMNS, rows)


def _train_whole(args) -> None:
  """Trains, and writes what the run's manifest says of it."""
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


def _train(args, name: str, lines: list[str]) -> dict[str, float]:
  """Trains one trial, unless it is finished; returns its scores."""
  folder = args.workdir / name
  phase, steps = run_files.FIELD, f"--{_FIELD}.steps={args.steps}"
  commands.train_here(folder, ["--phase", phase, *args.config, steps, *lines])
  return run_files.facts(folder, phase)["scores"]


if __name__ == "__main__":
  main()
