"""What becomes of tiny runs on disks that are too small for them."""

import pathlib
import resource
import subprocess

from support import fault_lab

_SHARES = (25, 50, 75)  # percent of what a whole run takes
_LARGEST_FILE = 20_000


def fill_disk(lab: fault_lab.Lab) -> list[list]:
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
    fault_lab.resumed_row(equal, len(sizes), " with room"),
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


def _limit_files(lab: fault_lab.Lab) -> list:
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
    f"one line, status 2; {fault_lab.SAME_BITS}",
  ]


def _complaints(lab: fault_lab.Lab) -> list[str]:
  return [line for line in lab.errors() if "no space left" in line]


def _size(folder: pathlib.Path) -> int:
  files = (path for path in folder.rglob("*") if path.is_file())
  return sum(-(-path.stat().st_size // 4096) * 4096 for path in files)


def _mount(folder: pathlib.Path, size: int, option: str = "") -> None:
  options = f"{option}size={size >> 10}k"
  command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
  subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
