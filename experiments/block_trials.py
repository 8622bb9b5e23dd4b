"""How many rays a processor should work on together.

  python experiments/block_trials.py --run runs/fern

RUN is a finished run of the fast preset. The same cases as `bench.py`, each
with blocks of several sizes (`rendering.rays_at_once`, `training.rays_at_once`)
in turn, round after round. Writes experiments/results/block_trials.json.
"""

import argparse
import pathlib
import statistics

import bench
import bench_cases
import scene

from stylized_nerf_jax.networks import ray_blocks

_BLOCKS = (16, 64, 128, 256, 512, 1024, 4096)


def main() -> None:
  """Times all cases with all blocks and writes a table."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
  parser.add_argument("--run", type=pathlib.Path, required=True)
  parser.add_argument("--rounds", type=int, default=3)
  args = parser.parse_args()
  cases = bench_cases.Bench(args.run)
  rows = [_row(case, args.rounds) for case in cases.in_blocks(_BLOCKS)]
  scene.write_measured(
    "block_trials",
    {
      "cached_floats": ray_blocks.CACHED_FLOATS,
      "table": {
        "columns": ["rays/s with blocks of", *map(str, _BLOCKS), "chosen"],
        "rows": rows,
      },
    },
  )


def _row(trials, rounds: int) -> list:
  """Times one case with every block."""
  name, by_block, chosen = trials
  for case in by_block:
    case.call()
  times = [[] for _ in by_block]
  for _ in range(rounds):
    for case, found in zip(by_block, times):
      found.append(bench.seconds(case.call))
  rates = [
    case.rays / statistics.median(found) for case, found in zip(by_block, times)
  ]
  row = [name, *(f"{rate:,.0f}" for rate in rates), chosen]
  print(*row, sep="  ", flush=True)
  return row


if __name__ == "__main__":
  main()
