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
import hashlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import scene

from stylized_nerf_jax.training import echoes

_TESTS = pathlib.Path(__file__).parents[1] / "tests"
_PHASES = ("radiance_field", "stylizer", "mutual_learning")
_STEPS = {"radiance_field": 24, "stylizer": 8, "mutual_learning": 18}
_FAULTS_A_RUN = 6
_STOPPED = 75
_DAMAGES = ("missing", "truncated", "flipped")
# Environment variable of a process whose clock goes backwards.
_BACKWARDS = "FAULTS_CLOCK_GOES_BACKWARDS"


def main() -> None:
  """Does everything to runs that is asked for, and writes the result."""
  parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
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
    sys.exit(_child(args.child))
  echoes.hide()
  with tempfile.TemporaryDirectory() as temporary:
    folder = pathlib.Path(args.folder or temporary).absolute()
    lab = Lab(folder, seed=args.seed)
    finished = folder / "finished.json"
    rows = json.loads(finished.read_text()) if finished.exists() else {}
    for name, find in (
      ("kills", functools.partial(lab.kill, args.kills)),
      ("signals", functools.partial(lab.terminate, args.terms)),
      ("second process", lab.write_twice),
      ("clock", lab.turn_clock_back),
      ("damaged files", lab.damage),
      ("resumed", functools.partial(lab.resume_damaged, args.damages)),
      ("full disk", lab.fill_disk),
    ):
      if name not in rows:
        rows[name] = find()
        finished.write_text(json.dumps(rows))
      _write_result(sum(rows.values(), []))


def _write_result(rows: list[list]) -> None:
  """Writes what was found so far."""
  scene.write_measured(
    "faults",
    {
      "steps": _STEPS,
      "table": {
        "columns": ["fault", "times", "as it should be", "that is"],
        "rows": rows,
      },
    },
  )


def _child(arguments: list[str]) -> int:
  """Runs one command with the small networks."""
  _use_small_networks()
  if _BACKWARDS in os.environ:
    _turn_clock_back()
  from stylized_nerf_jax.cli import main as cli

  return cli.main(arguments)


def _turn_clock_back() -> None:
  """From now on Python's clock goes back an hour every second."""
  now, since = time.time(), time.monotonic()

  def clock() -> float:
    return now - 3600.0 * (time.monotonic() - since)

  time.time = clock
  time.time_ns = lambda: int(1e9 * clock())


def _use_small_networks():
  """Puts small networks in place; returns the module that has them."""
  sys.path.insert(0, str(_TESTS))
  import pytest
  import tiny_run

  tiny_run.small_networks(pytest.MonkeyPatch())
  return tiny_run


class Lab:
  """Tiny runs, and one that nothing happens to.

  Args:
    folder: for everything.
    seed: of the moments.
  """

  def __init__(self, folder: pathlib.Path, *, seed: int):
    self._folder = folder
    folder.mkdir(parents=True, exist_ok=True)
    self._random = random.Random(seed)
    self._count = 0
    self._environment = {
      **os.environ,
      # Compiled once for all processes.
      "JAX_COMPILATION_CACHE_DIR": str(folder / "cache"),
      "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
      "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    self._config = folder / "config.json"
    self._whole = folder / "whole"
    if not (self._whole / "manifest.json").exists():
      self._write_config()
      self._make_whole()
    self._check_version()
    self._expected = _sums(self._whole)

  def _check_version(self) -> None:
    """Ends the program if the folder was made by another state of the code."""
    from stylized_nerf_jax.runs import run_folder

    made_by = run_folder.RunFolder(self._whole).facts(_PHASES[0])["revision"]
    # A result that was written since does not count.
    made_by = made_by.removesuffix("-dirty")
    if made_by != run_folder.git_revision().removesuffix("-dirty"):
      raise SystemExit(f"{self._folder} was made by {made_by}: use another")

  def _make_whole(self) -> None:
    """Runs twice without a fault; raises SystemExit if the two differ."""
    again = self.new_run()
    for run in (self._whole, again):
      started = time.monotonic()
      self._finish(run)
      print(f"a run took {time.monotonic() - started:.1f} s")
    if _sums(again) != _sums(self._whole):
      raise SystemExit("two uninterrupted runs differ: nothing can be compared")
    shutil.rmtree(again)

  def _write_config(self) -> None:
    tiny_run = _use_small_networks()
    from stylized_nerf_jax import config as config_lib

    weights = tiny_run.write_weights(self._folder / "weights")
    mutual = _STEPS["mutual_learning"]
    config = tiny_run.make_config(
      weights,
      radiance_field__steps=_STEPS["radiance_field"],
      radiance_field__steps_per_dispatch=2,
      radiance_field__checkpoint_every=4,
      radiance_field__evaluate_every=12,
      stylizer__steps=_STEPS["stylizer"],
      stylizer__checkpoint_every=2,
      mutual_learning__steps=mutual - 6,
      mutual_learning__patch_steps=6,
      mutual_learning__decoder_every=2,
      mutual_learning__refresh_every=4,
      mutual_learning__checkpoint_every=3,
      training__checkpoint_minutes=0.05,
    )
    config_lib.save(config, self._config)

  def new_run(self) -> pathlib.Path:
    """Returns the folder of a run that does not exist yet."""
    self._count += 1
    return self._folder / f"run-{self._count}"

  def start(
    self, run: pathlib.Path, *arguments: str, backwards=False, **options
  ):
    """Starts or resumes the training of a run; its errors go to a file."""
    environment = self._environment | ({_BACKWARDS: "1"} if backwards else {})
    command = [sys.executable, __file__, "--child"]
    command += ["train", f"--config={self._config}", f"--workdir={run}"]
    with (self._folder / "stderr").open("w") as errors:
      return subprocess.Popen(
        [*command, *arguments],
        env=environment,
        stderr=errors,
        stdout=subprocess.DEVNULL,
        **options,
      )

  def _errors(self) -> list[str]:
    return (self._folder / "stderr").read_text().splitlines()

  def _finish(self, run: pathlib.Path, *arguments: str) -> None:
    status = self.start(run, *arguments).wait()
    if status:
      raise SystemExit(f"status {status}:\n" + "\n".join(self._errors()[-20:]))

  def _is_equal(self, run: pathlib.Path) -> bool:
    return _sums(run) == self._expected

  def kill(self, count: int) -> list[list]:
    """SIGKILL at `count` moments; every run is then resumed to its end."""
    where, saving, equal, runs = collections.Counter(), 0, 0, 0
    while sum(where.values()) < count:
      run = self.new_run()
      for number in range(min(_FAULTS_A_RUN, count - sum(where.values()))):
        process = self.start(run)
        if not self._wait_for_a_moment(process, run, number):
          break
        process.send_signal(signal.SIGKILL)
        process.wait()
        where[_phase(run)] += 1
        saving += _is_saving(run)
      self._finish(run)
      runs += 1
      equal += self._is_equal(run)
      print(f"kills {dict(where)}, in a save {saving}, equal {equal}/{runs}")
      shutil.rmtree(run)
    told = ", ".join(f"{where[p]} in {p}" for p in _PHASES if where[p])
    should = "the resumed run ends with the same bits"
    return [
      [
        f"SIGKILL ({told}; {saving} during a save)",
        sum(where.values()),
        f"{equal} of {runs} runs",
        should,
      ]
    ]

  def terminate(self, count: int) -> list[list]:
    """SIGTERM and SIGINT at `count` moments."""
    stopped, sent, equal, runs, seconds = 0, 0, 0, 0, []
    while sent < count:
      run = self.new_run()
      for number in range(min(_FAULTS_A_RUN, count - sent)):
        process = self.start(run)
        if not self._wait_for_a_moment(process, run, number):
          break
        process.send_signal(
          self._random.choice([signal.SIGTERM, signal.SIGINT])
        )
        started = time.monotonic()
        status = process.wait()
        # It was over before it could heed it, or was ending by then, with all
        # phases finished and nobody listening any more.
        if status == 0 or (status != _STOPPED and self._is_finished(run)):
          break
        sent += 1
        seconds.append(time.monotonic() - started)
        last = self._errors()[-1]
        stopped += status == _STOPPED and "everything is saved" in last
      self._finish(run)
      runs += 1
      equal += self._is_equal(run)
      print(f"signals {sent}, stopped {stopped}, equal {equal}/{runs}")
      shutil.rmtree(run)
    slowest = max(seconds, default=0.0)
    return [
      [
        "SIGTERM or SIGINT",
        sent,
        f"{stopped} of {sent}",
        f"saved, status 75; the slowest after {slowest:.1f} s",
      ],
      [
        "... and resumed",
        runs,
        f"{equal} of {runs} runs",
        "the resumed run ends with the same bits",
      ],
    ]

  def damage(self) -> list[list]:
    """Spoils each file of the newest checkpoint of a phase in turn."""
    cut = self._cut_run()
    newest, before = _steps(cut, "mutual_learning")[:2]
    saved = {step: _restored(cut, step) for step in (newest, before)}
    times, unharmed, earlier = (collections.Counter() for _ in range(3))
    for kind in _DAMAGES:
      for name in _files_of_newest(cut):
        run = shutil.copytree(cut, self.new_run())
        _damage(run / name, kind)
        step = _intact(run, "mutual_learning")
        right = step in saved and _restored(run, step) == saved[step]
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
      for kind in _DAMAGES
    ]

  def resume_damaged(self, count: int) -> list[list]:
    """Resumes runs with a spoilt file of the newest checkpoint."""
    cut = self._cut_run()
    tried = [(k, name) for k in _DAMAGES for name in _files_of_newest(cut)]
    self._random.shuffle(tried)
    equal = 0
    for kind, name in tried[:count]:
      run = shutil.copytree(cut, self.new_run())
      _damage(run / name, kind)
      self._finish(run, "--phase=mutual_learning")
      equal += self._is_equal(run)
      shutil.rmtree(run)
    count = min(count, len(tried))
    return [
      [
        "... and resumed",
        count,
        f"{equal} of {count} runs",
        "the resumed run ends with the same bits",
      ]
    ]

  def turn_clock_back(self) -> list[list]:
    """A run whose clock goes backwards, before and after it is stopped."""
    run = self._cut_run(backwards=True)
    status = self.start(run, backwards=True).wait()
    fine = status == 0 and self._is_equal(run)
    shutil.rmtree(run)
    return [
      [
        "a clock that goes back an hour every second; stopped and resumed",
        1,
        f"{int(fine)} of 1",
        "the same bits at the end",
      ]
    ]

  def _cut_run(self, **options) -> pathlib.Path:
    """Returns a run that was stopped in the middle of phase 3."""
    run = self.new_run()
    process = self.start(run, **options)
    while _newest(run, "mutual_learning") < 9 and process.poll() is None:
      time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    if process.wait() != _STOPPED:
      raise SystemExit("the run to be damaged did not stop as it should")
    return run

  def write_twice(self) -> list[list]:
    """A second process on the folder of one that trains."""
    run = self.new_run()
    first = self.start(run)
    while not _is_locked(run):
      time.sleep(0.01)
    second = self.start(run)
    status = second.wait()
    named = f"in use by process {first.pid}" in self._errors()[-1]
    fine = status == 2 and named and first.wait() == 0 and self._is_equal(run)
    return [
      [
        "a second process on the folder",
        1,
        f"{int(fine)} of 1",
        "refused with the first one's pid; the first ends with the same bits",
      ]
    ]

  def fill_disk(self) -> list[list]:
    """Trains on disks that are too small, then makes room."""
    sizes = [_size(self._whole) * share // 100 for share in (25, 50, 75)]
    disk = self._folder / "disk"
    disk.mkdir(exist_ok=True)
    try:
      _mount(disk, sizes[0])
    except subprocess.CalledProcessError:
      return [self._limit_files()]
    told, equal = 0, 0
    try:
      for size in sizes:
        one_line, same = self._fill(disk, size)
        told, equal = told + one_line, equal + same
    finally:
      subprocess.run(["umount", disk], check=True)
    return [
      [
        "a disk that is full",
        len(sizes),
        f"{told} of {len(sizes)}",
        "one line, status 2",
      ],
      [
        "... and resumed with room",
        len(sizes),
        f"{equal} of {len(sizes)} runs",
        "the resumed run ends with the same bits",
      ],
    ]

  def _fill(self, disk: pathlib.Path, size: int) -> tuple[bool, bool]:
    """Tells if a full disk is one line, and if the run then ends as others."""
    _mount(disk, size, "remount,")
    run = disk / "run"
    status = self.start(run).wait()
    errors = self._errors()
    lines = [line for line in errors if "no space left" in line]
    one_line = status == 2 and len(lines) == 1 and errors[-1] == lines[0]
    print(f"disk of {size >> 10} KiB: {lines}")
    _mount(disk, 2**30, "remount,")
    self._finish(run)
    same = self._is_equal(run)
    shutil.rmtree(run)
    return one_line, same

  def _limit_files(self) -> list:
    """The same where nothing can be mounted: files that may not grow."""
    run = self.new_run()
    limit = 20_000

    def limited():
      resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    status = self.start(run, preexec_fn=limited).wait()
    lines = [line for line in self._errors() if "no space left" in line]
    self._finish(run)
    fine = status == 2 and len(lines) == 1 and self._is_equal(run)
    return [
      "files that may not grow (RLIMIT_FSIZE)",
      1,
      f"{int(fine)} of 1",
      "one line, status 2; the resumed run ends with the same bits",
    ]

  def _is_finished(self, run: pathlib.Path) -> bool:
    """Tells whether the last phase of a run says that it is finished."""
    from stylized_nerf_jax.runs import run_folder

    facts = run_folder.RunFolder(run).facts(_PHASES[-1])
    return bool(facts.get("finished"))

  def _wait_for_a_moment(self, process, run: pathlib.Path, number: int) -> bool:
    """Waits for a random moment of training; False if the run ended first.

    A moment is a little after a random checkpoint, or, one time in three,
    within a save. The faults 0, 1, ... of a run are dealt to the phases in
    turn, so that all have their share.
    """
    while not _is_locked(run):
      if process.poll() is not None:
        return False
      time.sleep(0.01)
    planned = number * len(_PHASES) // _FAULTS_A_RUN
    phase = _PHASES[max(planned, _PHASES.index(_phase(run)))]
    first = _newest(run, phase)
    after = self._random.randint(max(first, 0), _STEPS[phase])
    within_save = self._random.random() < 1 / 3
    while _newest(run, phase) < after and process.poll() is None:
      time.sleep(0.002)
    if within_save:
      while not _is_saving(run) and process.poll() is None:
        time.sleep(0.001)
      time.sleep(self._random.uniform(0.0, 0.1))
    else:
      time.sleep(self._random.uniform(0.0, 0.5))
    return process.poll() is None


def _sums(run: pathlib.Path) -> dict:
  """Checksums of the last checkpoint of every phase, verified."""

  found = {}
  for phase in _PHASES:
    step = _newest(run, phase)
    if _intact(run, phase) != step:
      raise SystemExit(f"the last checkpoint of {run}, {phase} is damaged")
    meta = run / phase / "checkpoints" / str(step) / "meta" / "metadata"
    found[phase] = step, json.loads(meta.read_text())["checksums"]
  return found


def _newest(run: pathlib.Path, phase: str) -> int:
  """Step of the newest complete checkpoint; -1 without one."""
  return next(iter(_steps(run, phase)), -1)


def _steps(run: pathlib.Path, phase: str) -> list[int]:
  """Steps of the complete checkpoints, newest first."""
  folder = run / phase / "checkpoints"
  try:
    names = [path.name for path in folder.iterdir()]
  except OSError:
    return []
  return sorted((int(name) for name in names if name.isdigit()), reverse=True)


def _files_of_newest(run: pathlib.Path) -> list[pathlib.Path]:
  """Files of the newest checkpoint of phase 3, relative to the run."""
  step = _newest(run, "mutual_learning")
  folder = run / "mutual_learning" / "checkpoints" / str(step)
  return sorted(p.relative_to(run) for p in folder.rglob("*") if p.is_file())


def _intact(run: pathlib.Path, phase: str) -> int | None:
  """Step that a resumed run goes on from; puts damaged ones aside."""
  from stylized_nerf_jax.training import checkpoints

  store = checkpoints.Checkpoints(run / phase / "checkpoints")
  step = store.repair()
  store.close()
  return step


def _restored(run: pathlib.Path, step: int) -> dict[str, str]:
  """Hashes of all numbers of a checkpoint of phase 3, as they are read."""
  import jax
  import orbax.checkpoint as ocp

  from stylized_nerf_jax.training import checkpoints

  folder = run / "mutual_learning" / "checkpoints"
  names = [path.name for path in (folder / str(step)).iterdir()]
  with ocp.StandardCheckpointer() as reader:
    like = {
      name: reader.metadata(folder / str(step) / name).item_metadata
      for name in names
      if (folder / str(step) / name).is_dir() and name != "meta"
    }
  store = checkpoints.Checkpoints(folder)
  found, _ = store.restore(like, step=step)
  store.close()
  return {
    jax.tree_util.keystr(path): hashlib.sha256(leaf.tobytes()).hexdigest()
    for path, leaf in jax.tree.leaves_with_path(found)
  }


def _is_saving(run: pathlib.Path) -> bool:
  return any(run.glob("*/checkpoints/*orbax-checkpoint-tmp*"))


def _is_locked(run: pathlib.Path) -> bool:
  path = run / "lock"
  return path.is_file() and bool(path.read_text())


def _phase(run: pathlib.Path) -> str:
  """The phase that a run is in."""
  path = run / "manifest.json"
  phases = json.loads(path.read_text())["phases"] if path.is_file() else {}
  for phase in _PHASES:
    if not phases.get(phase, {}).get("finished"):
      return phase
  return _PHASES[-1]


def _damage(path: pathlib.Path, kind: str) -> None:
  content = path.read_bytes()
  middle = len(content) // 2
  if kind == "missing":
    path.unlink()
  elif kind == "truncated":
    path.write_bytes(content[:middle])
  else:
    flipped = bytes([content[middle] ^ 4])
    path.write_bytes(content[:middle] + flipped + content[middle + 1 :])


def _size(folder: pathlib.Path) -> int:
  files = (path for path in folder.rglob("*") if path.is_file())
  return sum(-(-path.stat().st_size // 4096) * 4096 for path in files)


def _mount(folder: pathlib.Path, size: int, option: str = "") -> None:
  options = f"{option}size={size >> 10}k"
  command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
  subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
  main()
