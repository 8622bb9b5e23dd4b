"""How many rays a processor should work on together.

  python experiments/block_trials.py --run runs/fern

RUN is a finished run of the fast preset. The same cases as `bench.py`, each
with blocks of several sizes (`rendering.rays_at_once`, `training.rays_at_once`)
in turn, round after round. Writes experiments/results/block_trials.json.
"""

import statistics

from stylized_nerf_jax.networks import ray_blocks
from support import arguments, results, run_cases, timing

_BLOCKS = (16, 64, 128, 256, 512, 1024, 4096)


def main() -> None:
  """Times all cases with all blocks and writes a table."""
  args = arguments.of_timing(__doc__, rounds=3).parse_args()
  bench = run_cases.Bench(args.run)
  rows = [_row(trials, args.rounds) for trials in bench.in_blocks(_BLOCKS)]
  results.write_table(
    "block_trials",
    ["rays/s with blocks of", *map(str, _BLOCKS), "chosen"],
    rows,
    cached_floats=ray_blocks.CACHED_FLOATS,
  )


def _row(trials, rounds: int) -> list:
  """Times one case with every block."""
  name, by_block, chosen = trials
  calls = {block: case.call for block, case in by_block.items()}
  _, times = timing.in_turn(calls, rounds)
  rates = [
    case.rays / statistics.median(times[block])
    for block, case in by_block.items()
  ]
  row = [name, *(f"{rate:,.0f}" for rate in rates), chosen]
  print(*row, sep="  ", flush=True)
  return row


if __name__ == "__main__":
  main()
