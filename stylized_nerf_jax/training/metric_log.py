"""metrics.jsonl: one JSON object a line, appended and flushed."""

import json
import math
import os
import pathlib


class MetricLog:
  """Appends metrics to a file that survives a killed process.

  A line cut off by a kill stays as it is; `read` leaves it out, and the next
  one starts on a line of its own.
  """

  def __init__(self, path: str | pathlib.Path):
    self._path = pathlib.Path(path)

  def write(self, *, phase: str, step: int, **values: float) -> None:
    """Adds one line; values that are not finite are written as null."""
    row = {"phase": phase, "step": int(step)}
    for name, value in values.items():
      number = float(value)
      row[name] = number if math.isfinite(number) else None
    line = json.dumps(row) + "\n"
    with self._path.open("ab+") as file:
      if file.tell():
        file.seek(-1, os.SEEK_END)
        line = line if file.read() == b"\n" else "\n" + line
      file.write(line.encode())

  def read(self) -> list[dict]:
    """Returns all complete lines."""
    rows = []
    if self._path.is_file():
      for line in self._path.read_text().splitlines():
        try:
          rows.append(json.loads(line))
        except json.JSONDecodeError:
          continue
    return rows
