"""metrics.jsonl: one JSON object a line, appended and flushed.

TensorBoard's event files can be written beside it.
"""

import json
import math
import os
import pathlib

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import disk, processes


class MetricLog:
  """Appends metrics to a file that survives a killed process.

  A line cut off by a kill stays as it is; `read` leaves it out, and the next
  one starts on a line of its own. Of several processes the first writes.
  """

  def __init__(self, path: str | pathlib.Path):
    self._path = pathlib.Path(path)
    self._board = None

  def mirror_to_tensorboard(self) -> None:
    """From now on writes event files too, in `tensorboard` beside the file.

    Raises:
      ValueError: the extra `tensorboard` is missing.
    """
    try:
      import tensorboardX
    except ImportError:
      raise user_error.UserError(
        "training.tensorboard needs tensorboardX: "
        "pip install 'stylized-nerf-jax[tensorboard]'"
      ) from None
    if self._board is None and processes.is_first():
      folder = self._path.parent / "tensorboard"
      self._board = tensorboardX.SummaryWriter(str(folder), flush_secs=10)

  def write(self, *, phase: str, step: int, **values: float) -> None:
    """Adds one line; values that are not finite are written as null.

    Raises:
      disk.DiskFullError: there is no space.
    """
    if not processes.is_first():
      return
    row = {"phase": phase, "step": int(step)}
    for name, value in values.items():
      number = float(value)
      row[name] = number if math.isfinite(number) else None
    line = json.dumps(row) + "\n"
    with disk.writing(self._path), self._path.open("ab+") as file:
      if file.tell():
        file.seek(-1, os.SEEK_END)
        line = line if file.read() == b"\n" else "\n" + line
      file.write(line.encode())
    if self._board is not None:
      for name, value in values.items():
        self._board.add_scalar(f"{phase}/{name}", float(value), int(step))

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
