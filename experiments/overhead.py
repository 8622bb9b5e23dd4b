"""What pmap, the log and checkpoints cost on one device, beside the steps.

  python experiments/overhead.py --run runs/fern

RUN is a finished run of the fast preset, whose batch is used. In turn, round
after round, the same steps are taken

- bare: by `jax.jit` of a scan over loss, gradient and update, nothing else;
- by `train_steps.make_train_steps`: pmap, the guard against what is not finite,
  gradient norms;
- with all that a training loop does beside: progress, clocks, the check for
  signals, a line of metrics every 100 steps;
- and with a checkpoint, saved in the background, while they are taken. A run
  makes one every `checkpoint_every` steps, of which its share is counted.

Shares are medians over rounds. Writes experiments/results/overhead.json.
"""

import functools
import pathlib
import statistics
import sys
import tempfile
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax

from stylized_nerf_jax.host import progress
from stylized_nerf_jax.rows import prng
from stylized_nerf_jax.runs import loop_keeper
from stylized_nerf_jax.training import checkpoints, metric_log
from stylized_nerf_jax.training import state as state_lib
from support import arguments, cases, results, run_cases, timing

_STEPS = 100  # of a round; a line of metrics is written after as many
_COLUMNS = (
  "steps",
  "bare, ms a step",
  "pmap and guard",
  "loop and log",
  "checkpoints",
  "altogether",
  "one checkpoint, s",
)


def main() -> None:
  """Times the kinds in turn and writes their shares."""
  args = arguments.of_timing(__doc__, rounds=9).parse_args()
  bench = run_cases.Bench(args.run)
  rows, seconds = [], {}
  for name, (problem, every) in bench.problems().items():
    with tempfile.TemporaryDirectory() as folder:
      times = _time(problem, pathlib.Path(folder), args.rounds)
    seconds[name] = times
    rows.append([name, *_shares(times, every)])
    print(*rows[-1], sep="  ")
  results.write_table(
    "overhead", _COLUMNS, rows, steps_a_round=_STEPS, seconds=seconds
  )


def _time(problem, folder: pathlib.Path, rounds: int) -> dict[str, list[float]]:
  """Seconds of `_STEPS` steps of each kind, round after round."""
  loops = {
    "bare": _bare(problem),
    "pmap": _mapped(problem),
    "loop": _kept(problem, folder / "loop", save=False),
    "loop and checkpoint": _kept(problem, folder / "saved", save=True),
  }
  return timing.in_turn(loops, rounds)[1]


def _shares(times: dict[str, list[float]], every: int) -> list[str]:
  """Cells of a row."""

  def of_round(cost):
    return statistics.median(cost(*row) for row in zip(*times.values()))

  def share(value: float) -> str:
    return f"{value:+.1%}"

  saved = of_round(lambda bare, pmap, loop, checkpoint: checkpoint - loop)
  step = statistics.median(times["bare"]) / _STEPS
  parts = [
    of_round(lambda bare, pmap, *_: pmap / bare - 1.0),
    of_round(lambda bare, pmap, loop, _: (loop - pmap) / bare),
    saved / (every * step),
  ]
  cells = [f"{1e3 * step:.1f}", *map(share, parts), share(sum(parts))]
  return [*cells, f"{saved:.2f}"]


def _bare(problem: cases.Problem):
  """The steps themselves, without this project's loop."""

  def one(constants, state, batch):
    key = jax.random.fold_in(problem.key, state.step)
    if batch is None:
      batch = jnp.arange(problem.rays, dtype=jnp.int32)
    grads, _ = jax.grad(problem.loss, has_aux=True)(
      state.params, constants, batch, prng.share_key(key, 0)
    )
    updates, opt_state = problem.optimizer.update(
      grads, state.opt_state, state.params
    )
    params = optax.apply_updates(state.params, updates)
    return state_lib.TrainState(state.step + 1, params, opt_state), None

  @jax.jit
  def take(state, constants, batch):
    body = functools.partial(one, constants)
    return jax.lax.scan(body, state, batch, length=problem.steps)[0]

  kept, constants = [problem.state()], jax.device_put(problem.constants)

  def steps():
    for _ in range(_STEPS // problem.steps):
      kept[0] = take(kept[0], constants, problem.batch)
    jax.block_until_ready(kept[0])

  return steps


def _mapped(problem: cases.Problem):
  """The same by the project's own steps."""
  take, kept = problem.taker(), [problem.state()]

  def steps():
    for _ in range(_STEPS // problem.steps):
      kept[0], _ = take(kept[0])
    jax.block_until_ready(kept[0])

  return steps


def _kept(problem: cases.Problem, folder: pathlib.Path, *, save: bool):
  """The loop of a phase; with `save`, one checkpoint in each round."""
  store = checkpoints.Checkpoints(folder / "checkpoints")
  folder.mkdir()
  log = metric_log.MetricLog(folder / "metrics.jsonl")
  options = types.SimpleNamespace(checkpoint_minutes=0, skipped_in_a_row=50)
  keeper = loop_keeper.LoopKeeper(
    "overhead", store, options, every=_STEPS if save else sys.maxsize
  )
  take = problem.taker(on_steps=keeper.guard)
  # The first call of a round ends at a multiple of `_STEPS`, and saves; the
  # others run while that is written.
  step = _STEPS - problem.steps
  kept = [problem.state().replace(step=np.int32(step))]

  def steps():
    nonlocal step
    with progress.progress(_STEPS, "overhead") as bar:
      for _ in range(_STEPS // problem.steps):
        before, step = step, step + problem.steps
        with keeper.stepping() as count:
          kept[0], metrics = take(kept[0])
          count(problem.steps * problem.rays)
        bar.advance(problem.steps, loss=metrics["loss"])
        keeper.after(before, step, lambda: state_lib.save(store, kept[0]))
      metrics |= keeper.figures()
      log.write(phase="overhead", step=step, **metrics)
    store.wait()

  return steps


if __name__ == "__main__":
  main()
