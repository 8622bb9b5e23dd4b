"""Memory that a container, or another control group of Linux, allows."""

import pathlib


def limit_bytes(root: pathlib.Path = pathlib.Path("/")) -> int | None:
  """Returns the smallest limit of the control groups of this process.

  Reads both versions of them, each group and those around it; None without
  any. A limit beyond the machine's memory is none.

  Args:
    root: where `proc` and `sys` are.
  """
  try:
    lines = (root / "proc/self/cgroup").read_text().splitlines()
  except OSError:
    return None
  found = []
  for line in lines:
    _, kinds, group = line.split(":", 2)
    if kinds == "":
      top, file = root / "sys/fs/cgroup", "memory.max"
    elif "memory" in kinds.split(","):
      top, file = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
    else:
      continue
    folder = top / group.lstrip("/")
    # In a container its own group is mounted at the top, whatever its name.
    for place in (folder, *folder.parents):
      if place.is_relative_to(top):
        found.append(_number(place / file))
  return min((limit for limit in found if limit), default=None)


def _number(path: pathlib.Path) -> int | None:
  """Reads a limit; "max" and files that are not there are none."""
  try:
    text = path.read_text().strip()
  except OSError:
    return None
  return int(text) if text.isdigit() else None
