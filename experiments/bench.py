"""Rays a second, as shares of the machine's ceiling and ratios to a peer.

  python experiments/bench.py --suite steps --run runs/fern \
    [--peer torch_reference.py --peer-python .peer/bin/python]

RUN is a finished run of the fast preset. All cases are timed in turn, round
after round, so that a change of the machine's speed touches them alike; the
peer runs before and after. Writes experiments/results/bench_SUITE.json.
FLOPs are those of dense layers and convolutions alone, counted by hand (the
codes' share too, though it is computed once a ray): hash grids are memory
traffic, not FLOPs. The suite "stylizer" counts pixels in place of rays, and has
a peer of its own, for which the package's extra "oracle" is needed. "scaling"
compares steps on ever more views and styles with each other.
"""

import contextlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import jax
import jax.numpy as jnp

from support import (
  arguments,
  cases,
  results,
  run_cases,
  scaling_cases,
  stylizer_cases,
  timing,
)

_SUITES = ("steps", "render", "stylizer", "scaling")
_COLUMNS = (
  "case",
  "rays/s",
  "ms a call",
  "rays a call",
  "first call, s",
  "GFLOP/s",
  "of the ceiling",
  "times the peer",
)
_SCALING_COLUMNS = ("case", "rays/s", "us a ray", "of the smallest case")


def main() -> None:
  """Times a suite and writes what it found."""
  parser = arguments.of_timing(__doc__, rounds=5)
  parser.add_argument("--suite", choices=_SUITES, required=True)
  parser.add_argument(
    "--size",
    type=int,
    nargs=2,
    default=(96, 512),
    help="rows and columns of what renderings show",
  )
  parser.add_argument("--name", help="of the result; default: bench_SUITE")
  parser.add_argument("--peer", type=pathlib.Path)
  parser.add_argument("--peer-python", default=sys.executable)
  parser.add_argument(
    "--scratch", help="where the suite scaling makes 1.5 GB of files"
  )
  args = parser.parse_args()
  with contextlib.ExitStack() as stack:
    _time(args, _cases(args, stack))


def _time(args, timed: list[cases.Case]) -> None:
  peers = [_peer(args)] if args.peer else []
  ceilings = []
  first, times = timing.in_turn(
    {case.name: case.call for case in timed},
    args.rounds,
    before_round=lambda: ceilings.append(_matrix_flops()),
  )
  if args.peer:
    peers.append(_peer(args))
  ceiling = statistics.median(ceilings)
  if args.suite == "scaling":
    columns, rows = _SCALING_COLUMNS, _scaling_rows(timed, times)
  else:
    columns = _columns(args.suite)
    rates = {
      case.name: case.rays / statistics.median(times[case.name])
      for case in timed
    }
    rows = [
      _row(case, times[case.name], first[case.name], ceiling, [*peers, rates])
      for case in timed
    ]
  results.write_table(
    args.name or f"bench_{args.suite}",
    columns,
    rows,
    ceiling_gflops=[round(value / 1e9, 1) for value in ceilings],
    peer=peers,
    seconds=times,
  )
  for row in rows:
    print(*row, sep="  ")


def _cases(args, stack: contextlib.ExitStack) -> list[cases.Case]:
  """Makes the cases of a suite; their files are gone with the stack."""
  if args.suite == "scaling":
    scratch = tempfile.TemporaryDirectory(dir=args.scratch)
    return scaling_cases.growing_steps(
      args.run, pathlib.Path(stack.enter_context(scratch))
    )
  if args.suite == "stylizer":
    return stylizer_cases.decoder_steps(args.run)
  bench = run_cases.Bench(args.run, tuple(args.size))
  return bench.steps() if args.suite == "steps" else bench.renderings()


def _columns(suite: str) -> list[str]:
  unit = "pixels" if suite == "stylizer" else "rays"
  return [name.replace("rays", unit) for name in _COLUMNS]


def _matrix_flops() -> float:
  """FLOP/s of a chain of products of R x 256 by 256 x 256 matrices.

  R is 4,096 on a CPU and 2^18 elsewhere: what fills the machine.
  """
  rows = 4096 if jax.default_backend() == "cpu" else 1 << 18
  width, length = 256, 40
  kernel = jnp.eye(width)

  @jax.jit
  def chain(x):
    for _ in range(length):
      x = x @ kernel
    return x

  x = jnp.ones((rows, width))
  chain(x).block_until_ready()
  fastest = min(
    timing.seconds(lambda: chain(x).block_until_ready()) for _ in range(3)
  )
  return 2.0 * rows * width * width * length / fastest


def _peer(args) -> dict[str, float]:
  """Runs the peer; returns rays a second by name."""
  command = [args.peer_python, args.peer.name, "--compile", "0"]
  done = subprocess.run(
    [*command, "--fine", "128", "--repeats", "3"],
    cwd=args.peer.parent,
    check=True,
    capture_output=True,
    text=True,
  )
  found = json.loads(done.stdout.splitlines()[-1])
  return _rates(found)


def _rates(found) -> dict[str, float]:
  """Finds all entries with a rate in the peer's answer."""
  rates = {}
  for name, value in found.items():
    if isinstance(value, dict):
      if "rays_per_s" in value:
        rates[name] = value["rays_per_s"]
      else:
        rates |= _rates(value)
  return rates


def _row(case, times, first, ceiling: float, peers) -> list:
  seconds = statistics.median(times)
  rate = case.rays / seconds
  flops = case.flops / seconds
  theirs = [
    value
    for peer in peers
    for name, value in peer.items()
    if case.peer and name.startswith(case.peer)
  ]
  ratio = f"{rate / statistics.mean(theirs):.1f}" if theirs else None
  return [
    case.name,
    f"{rate:,.0f}",
    f"{seconds * 1e3:.0f}",
    case.rays,
    f"{first:.1f}",
    f"{flops / 1e9:.0f}",
    f"{flops / ceiling:.0%}",
    ratio,
  ]


def _scaling_rows(timed, times) -> list[list]:
  """Time of a ray in every case, and against the first of its phase."""
  rows, smallest = [], {}
  for case in timed:
    microseconds = 1e6 * statistics.median(times[case.name]) / case.rays
    base = smallest.setdefault(case.name.partition(",")[0], microseconds)
    rows.append(
      [
        case.name,
        f"{1e6 / microseconds:,.0f}",
        f"{microseconds:.2f}",
        f"{microseconds / base:.2f}",
      ]
    )
  return rows


if __name__ == "__main__":
  main()
