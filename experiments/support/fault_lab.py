"""Tiny runs that something is done to, and one that nothing happens to.

All are trained by processes of their own, with networks of a few layers. A run
is fine if it ends with the numbers of the one that nothing happened to.
"""

import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from stylized_nerf_jax.host import source_revision
from support import run_files, saved_numbers, tiny_networks

STEPS = {"radiance_field": 24, "stylizer": 8, "mutual_learning": 18}
STOPPED = 75  # Exit status of who was stopped and has saved everything.
SAME_BITS = "the resumed run ends with the same bits"
_FAULTS_A_RUN = 6
# Of disks that are too small.
_SHARES = (25, 50, 75)  # percent of what a whole run takes
_LARGEST_FILE = 20_000
# Environment variable of a process whose clock goes backwards.
_BACKWARDS = "FAULTS_CLOCK_GOES_BACKWARDS"


class Lab:
  """Starts tiny runs, resumes them to their end, and compares.

  Args:
    folder: for everything.
    script: what is started with `--child` and the arguments of `run_child`.
    seed: of the moments.

  Attributes:
    folder: as given.
    random: draws the moments.
    whole: the run that nothing happens to.
  """

  def __init__(self, folder: pathlib.Path, script: str, *, seed: int):
    self.folder, self.random = folder, random.Random(seed)
    self.whole = folder / "whole"
    folder.mkdir(parents=True, exist_ok=True)
    self._script, self._count = script, 0
    self._environment = {
      **os.environ,
      # Compiled once for all processes.
      "JAX_COMPILATION_CACHE_DIR": str(folder / "cache"),
      "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
      "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    if not (self.whole / "manifest.json").exists():
      _write_config(folder)
      self._make_whole()
    self._check_version()
    self._expected = saved_numbers.checksums(self.whole)

  def _check_version(self) -> None:
    """Ends the program if the folder was made by another state of the code."""
    made_by = run_files.facts(self.whole, run_files.FIELD)["revision"]
    # A result that was written since does not count.
    made_by = made_by.removesuffix("-dirty")
    if made_by != source_revision.git_revision().removesuffix("-dirty"):
      raise SystemExit(f"{self.folder} was made by {made_by}: use another")

  def _make_whole(self) -> None:
    """Runs twice without a fault; raises SystemExit if the two differ."""
    again = self.new_run()
    for run in (self.whole, again):
      started = time.monotonic()
      self._finish(run)
      print(f"a run took {time.monotonic() - started:.1f} s")
    if saved_numbers.checksums(again) != saved_numbers.checksums(self.whole):
      raise SystemExit("two uninterrupted runs differ: nothing can be compared")
    shutil.rmtree(again)

  def new_run(self) -> pathlib.Path:
    """Returns the folder of a run that does not exist yet."""
    self._count += 1
    return self.folder / f"run-{self._count}"

  def cut_run(self, **options) -> pathlib.Path:
    """Returns a run that was stopped in the middle of phase 3.

    Args:
      **options: of `start`.
    """
    run = self.new_run()
    process = self.start(run, **options)
    wanted, phase = STEPS["mutual_learning"] // 2, run_files.MUTUAL_LEARNING
    while run_files.newest(run, phase) < wanted and process.poll() is None:
      time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    if process.wait() != STOPPED:
      raise SystemExit("the run to be damaged did not stop as it should")
    return run

  def start(
    self, run: pathlib.Path, *arguments: str, backwards=False, **options
  ) -> subprocess.Popen:
    """Starts or resumes the training of a run; see `errors`.

    Args:
      run: its folder.
      *arguments: of the command, beside config and folder.
      backwards: the clock of the process goes backwards.
      **options: of the process.
    """
    environment = self._environment | ({_BACKWARDS: "1"} if backwards else {})
    command = [sys.executable, self._script, "--child", "train"]
    command += [f"--config={self.folder / 'config.json'}", f"--workdir={run}"]
    with (self.folder / "stderr").open("w") as errors:
      return subprocess.Popen(
        [*command, *arguments],
        env=environment,
        stderr=errors,
        stdout=subprocess.DEVNULL,
        **options,
      )

  def errors(self) -> list[str]:
    """Returns what the process that was started last wrote to stderr."""
    return (self.folder / "stderr").read_text().splitlines()

  def is_equal(self, run: pathlib.Path) -> bool:
    """Tells whether a finished run has the numbers that it should have."""
    return saved_numbers.checksums(run) == self._expected

  def ends_equal(self, run: pathlib.Path, *arguments: str) -> bool:
    """Resumes a run to its end, compares, and removes it.

    Args:
      run: its folder.
      *arguments: as in `start`.
    """
    self._finish(run, *arguments)
    equal = self.is_equal(run)
    shutil.rmtree(run)
    return equal

  def _finish(self, run: pathlib.Path, *arguments: str) -> None:
    status = self.start(run, *arguments).wait()
    if status:
      raise SystemExit(f"status {status}:\n" + "\n".join(self.errors()[-20:]))

  def moments(self, run: pathlib.Path, most: int) -> Iterator[subprocess.Popen]:
    """Starts a run again and again, and yields it at random moments.

    Whoever asks for the next moment has ended the process before.

    Args:
      run: its folder.
      most: moments; fewer come of a run that ends, or has come to a few.
    """
    for number in range(min(_FAULTS_A_RUN, most)):
      process = self.start(run)
      if not self._wait_for_a_moment(process, run, number):
        break
      yield process

  def _wait_for_a_moment(self, process, run: pathlib.Path, number: int) -> bool:
    """Waits for a random moment of training; False if the run ended first.

    A moment is a little after a random checkpoint, or, one time in three,
    within a save. The faults 0, 1, ... of a run are dealt to the phases in
    turn, so that all have their share.
    """
    while not run_files.is_locked(run):
      if process.poll() is not None:
        return False
      time.sleep(0.01)
    phases = run_files.PHASES
    planned = number * len(phases) // _FAULTS_A_RUN
    current = phases.index(run_files.current_phase(run))
    phase = phases[max(planned, current)]
    first = run_files.newest(run, phase)
    after = self.random.randint(max(first, 0), STEPS[phase])
    within_save = self.random.random() < 1 / 3
    while run_files.newest(run, phase) < after and process.poll() is None:
      time.sleep(0.002)
    if within_save:
      while not run_files.is_saving(run) and process.poll() is None:
        time.sleep(0.001)
      time.sleep(self.random.uniform(0.0, 0.1))
    else:
      time.sleep(self.random.uniform(0.0, 0.5))
    return process.poll() is None


def resumed_row(equal: int, runs: int, how: str = "") -> list:
  """Returns the row that says how runs ended after what the row above says."""
  return [f"... and resumed{how}", runs, f"{equal} of {runs} runs", SAME_BITS]


def run_child(arguments: list[str]) -> int:
  """Runs one command of `stylized-nerf` with the small networks.

  Args:
    arguments: what follows `--child`.

  Returns:
    The exit status.
  """
  tiny_networks.put_in_place()
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


def _write_config(folder: pathlib.Path) -> None:
  mutual = STEPS["mutual_learning"]
  tiny_networks.write_config(
    folder,
    radiance_field__steps=STEPS["radiance_field"],
    radiance_field__steps_per_dispatch=2,
    radiance_field__checkpoint_every=4,
    radiance_field__evaluate_every=12,
    stylizer__steps=STEPS["stylizer"],
    stylizer__checkpoint_every=2,
    mutual_learning__steps=mutual - 6,
    mutual_learning__patch_steps=6,
    mutual_learning__decoder_every=2,
    mutual_learning__refresh_every=4,
    mutual_learning__checkpoint_every=3,
    training__checkpoint_minutes=0.05,
  )


def fill_disk(lab: Lab) -> list[list]:
  """Trains on disks that are too small, then makes room.

  Args:
    lab: where the runs are.

  Returns:
    Rows for the table of faults.
  """
  sizes = [_size(lab.whole) * share // 100 for share in _SHARES]
  disk = lab.folder / "disk"
  disk.mkdir(exist_ok=True)
  try:
    _mount(disk, sizes[0])
  except subprocess.CalledProcessError:
    return [_limit_files(lab)]
  told, equal = 0, 0
  try:
    for size in sizes:
      one_line, same = _fill(lab, disk, size)
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
    resumed_row(equal, len(sizes), " with room"),
  ]


def _fill(lab, disk: pathlib.Path, size: int) -> tuple[bool, bool]:
  """Tells if a full disk is one line, and if the run then ends as others."""
  _mount(disk, size, "remount,")
  run = disk / "run"
  status = lab.start(run).wait()
  errors, lines = lab.errors(), _complaints(lab)
  one_line = status == 2 and len(lines) == 1 and errors[-1] == lines[0]
  print(f"disk of {size >> 10} KiB: {lines}")
  _mount(disk, 2**30, "remount,")
  return one_line, lab.ends_equal(run)


def _limit_files(lab: Lab) -> list:
  """The same where nothing can be mounted: files that may not grow."""
  run = lab.new_run()

  def limited():
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))

  status = lab.start(run, preexec_fn=limited).wait()
  one_line = status == 2 and len(_complaints(lab)) == 1
  fine = lab.ends_equal(run) and one_line
  return [
    "files that may not grow (RLIMIT_FSIZE)",
    1,
    f"{int(fine)} of 1",
    f"one line, status 2; {SAME_BITS}",
  ]


def _complaints(lab: Lab) -> list[str]:
  return [line for line in lab.errors() if "no space left" in line]


def _size(folder: pathlib.Path) -> int:
  files = (path for path in folder.rglob("*") if path.is_file())
  return sum(-(-path.stat().st_size // 4096) * 4096 for path in files)


def _mount(folder: pathlib.Path, size: int, option: str = "") -> None:
  options = f"{option}size={size >> 10}k"
  command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
  subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
