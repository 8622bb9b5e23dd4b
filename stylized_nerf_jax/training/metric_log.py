"""metrics.jsonl: one JSON object a line, appended and flushed."""

import json
import math
import pathlib


class MetricLog:
  """Appends metrics to a file that survives a killed process.

  A line cut off by a kill stays as it is; `read` leaves it out.
  """

  def __init__(self, path: str | pathlib.Path):
    self._path = pathlib.Path(path)

  def write(self, *, phase: str, step: int, **values: float) -> None:
    """Adds one line; values that are not finite are written as null."""
    row = {"phase": phase, "step": int(step)}
    for name, value in values.items():
      number = float(value)
      row[name] = number if math.isfinite(number) else None
    with self._path.open("a") as file:
      file.write(json.dumps(row) + "\n")

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
