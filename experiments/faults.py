"""What a run survives: kills, signals, damage, a second writer, a full disk,
a clock that goes backwards.

  python experiments/faults.py --kills 50 --terms 20

Tiny runs of the embedded scene through all three phases, with networks of a
few layers (tests/tiny_run.py). Whatever was done to a run, it is resumed to its
end, and all numbers of the last checkpoint of every phase, optimizer states
included, are compared bit for bit with those of a run that nothing happened to.
Writes experiments/results/faults.json.

Every file of a checkpoint is spoilt in three ways; what is then restored is
compared with what was saved, and some of these runs are resumed to their end.
"""

import argparse
import collections
import functools
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import time

from stylized_nerf_jax.training import echoes
from support import fault_lab, results, run_files, saved_numbers

_COLUMNS = ("fault", "times", "as it should be", "that is")
# Whose checkpoints are damaged.
_PHASE = run_files.MUTUAL_LEARNING


def main() -> None:
  """Does everything to runs that is asked for, and writes the result."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
  parser.add_argument("--kills", type=int, default=50)
  parser.add_argument("--terms", type=int, default=20)
  parser.add_argument(
    "--damages", type=int, default=12, help="damaged runs resumed to their end"
  )
  parser.add_argument("--seed", type=int, default=0)
  parser.add_argument(
    "--folder", help="kept; what is finished in it is not done again"
  )
  parser.add_argument("--child", nargs=argparse.REMAINDER, help="internal")
  args = parser.parse_args()
  if args.child:
    sys.exit(fault_lab.run_child(args.child))
  echoes.hide()
  with tempfile.TemporaryDirectory() as temporary:
    folder = pathlib.Path(args.folder or temporary).absolute()
    lab = fault_lab.Lab(folder, __file__, seed=args.seed)
    finished = folder / "finished.json"
    rows = json.loads(finished.read_text()) if finished.exists() else {}
    for name, find in (
      ("kills", functools.partial(kill, count=args.kills)),
      ("signals", functools.partial(terminate, count=args.terms)),
      ("second process", write_twice),
      ("clock", turn_clock_back),
      ("damaged files", damage),
      ("resumed", functools.partial(resume_damaged, count=args.damages)),
      ("full disk", fault_lab.fill_disk),
    ):
      if name not in rows:
        rows[name] = find(lab)
        finished.write_text(json.dumps(rows))
      # After each, so that what was found is not lost.
      found = sum(rows.values(), [])
      results.write_table("faults", _COLUMNS, found, steps=fault_lab.STEPS)


def kill(lab: fault_lab.Lab, count: int) -> list[list]:
  """SIGKILL at `count` moments; every run is then resumed to its end."""
  where, saving, equal, runs = collections.Counter(), 0, 0, 0
  while where.total() < count:
    run = lab.new_run()
    for process in lab.moments(run, count - where.total()):
      process.send_signal(signal.SIGKILL)
      process.wait()
      where[run_files.current_phase(run)] += 1
      saving += run_files.is_saving(run)
    equal += lab.ends_equal(run)
    runs += 1
    print(f"kills {dict(where)}, in a save {saving}, equal {equal}/{runs}")
  phases = [phase for phase in run_files.PHASES if where[phase]]
  told = ", ".join(f"{where[phase]} in {phase}" for phase in phases)
  return [
    [
      f"SIGKILL ({told}; {saving} during a save)",
      where.total(),
      f"{equal} of {runs} runs",
      fault_lab.SAME_BITS,
    ]
  ]


def terminate(lab: fault_lab.Lab, count: int) -> list[list]:
  """SIGTERM and SIGINT at `count` moments."""
  stopped, sent, equal, runs, seconds = 0, 0, 0, 0, []
  while sent < count:
    run = lab.new_run()
    for process in lab.moments(run, count - sent):
      process.send_signal(lab.random.choice([signal.SIGTERM, signal.SIGINT]))
      started = time.monotonic()
      status = process.wait()
      last_phase = run_files.PHASES[-1]
      # It was over before it could heed it, or was ending by then, with all
      # phases finished and nobody listening any more.
      if status == 0 or (
        status != fault_lab.STOPPED and run_files.is_finished(run, last_phase)
      ):
        break
      sent += 1
      seconds.append(time.monotonic() - started)
      saved = "everything is saved" in lab.errors()[-1]
      stopped += status == fault_lab.STOPPED and saved
    equal += lab.ends_equal(run)
    runs += 1
    print(f"signals {sent}, stopped {stopped}, equal {equal}/{runs}")
  slowest = max(seconds, default=0.0)
  return [
    [
      "SIGTERM or SIGINT",
      sent,
      f"{stopped} of {sent}",
      f"saved, status 75; the slowest after {slowest:.1f} s",
    ],
    fault_lab.resumed_row(equal, runs),
  ]


def write_twice(lab: fault_lab.Lab) -> list[list]:
  """A second process on the folder of one that trains."""
  run = lab.new_run()
  first = lab.start(run)
  while not run_files.is_locked(run):
    time.sleep(0.01)
  second = lab.start(run)
  status = second.wait()
  named = f"in use by process {first.pid}" in lab.errors()[-1]
  fine = status == 2 and named and first.wait() == 0 and lab.is_equal(run)
  return [
    [
      "a second process on the folder",
      1,
      f"{int(fine)} of 1",
      "refused with the first one's pid; the first ends with the same bits",
    ]
  ]


def turn_clock_back(lab: fault_lab.Lab) -> list[list]:
  """A run whose clock goes backwards, before and after it is stopped."""
  run = lab.cut_run(backwards=True)
  status = lab.start(run, backwards=True).wait()
  fine = status == 0 and lab.is_equal(run)
  shutil.rmtree(run)
  return [
    [
      "a clock that goes back an hour every second; stopped and resumed",
      1,
      f"{int(fine)} of 1",
      "the same bits at the end",
    ]
  ]


def damage(lab: fault_lab.Lab) -> list[list]:
  """Spoils each file of the newest checkpoint of a phase in turn."""
  cut = lab.cut_run()
  newest, before = run_files.steps(cut, _PHASE)[:2]
  saved = {
    step: saved_numbers.hashes(cut, _PHASE, step) for step in (newest, before)
  }
  times, unharmed, earlier = (collections.Counter() for _ in range(3))
  for kind in run_files.DAMAGES:
    for name in run_files.newest_files(cut, _PHASE):
      run = shutil.copytree(cut, lab.new_run())
      run_files.damage(run / name, kind)
      step = saved_numbers.intact_step(run, _PHASE)
      right = (
        step in saved and saved_numbers.hashes(run, _PHASE, step) == saved[step]
      )
      times[kind] += 1
      unharmed[kind] += right and step == newest
      earlier[kind] += right and step == before
      shutil.rmtree(run)
    print(f"{kind}: {times[kind]} files, {earlier[kind]} noticed")
  shutil.rmtree(cut)
  return [
    [
      f"each file of the newest checkpoint {kind}",
      times[kind],
      f"{unharmed[kind] + earlier[kind]} of {times[kind]}",
      f"{earlier[kind]} noticed, the checkpoint before restored; "
      f"{unharmed[kind]} on which no number depends; all numbers as they "
      "were saved",
    ]
    for kind in run_files.DAMAGES
  ]


def resume_damaged(lab: fault_lab.Lab, count: int) -> list[list]:
  """Resumes runs with a spoilt file of the newest checkpoint."""
  cut = lab.cut_run()
  files = run_files.newest_files(cut, _PHASE)
  tried = [(kind, name) for kind in run_files.DAMAGES for name in files]
  lab.random.shuffle(tried)
  equal, tried = 0, tried[:count]
  for kind, name in tried:
    run = shutil.copytree(cut, lab.new_run())
    run_files.damage(run / name, kind)
    equal += lab.ends_equal(run, f"--phase={_PHASE}")
  return [fault_lab.resumed_row(equal, len(tried))]


if __name__ == "__main__":
  main()
