"""How the rows of a batch are divided over devices.

Every device takes as many whole rows as there are for all, and what is left
over goes to the first devices, one row each. The others compute such a row too,
since all devices run one program, and it counts for nothing.
"""

import dataclasses
from typing import Any

import flax
import jax
import numpy as np

from stylized_nerf_jax import user_error


@dataclasses.dataclass(frozen=True)
class Division:
  """Rows 0, 1, ... of a batch over devices.

  A batch that has fewer rows than there are devices, and divides their number,
  is repeated: the average is the same.

  Attributes:
    total: rows of the batch.
    devices: of all processes.

  Raises:
    ValueError: there is no row.
  """

  total: int
  devices: int

  def __post_init__(self):
    if self.total < 1:
      raise user_error.UserError(
        f"a batch has {self.total} rows; expected 1 or more: raise the number "
        "of rows of a step in the config"
      )

  @property
  def repeats(self) -> int:
    """How many devices take the same row; 1 unless rows are few."""
    return self.devices // self.total if self.devices % self.total == 0 else 1

  @property
  def each(self) -> int:
    """Rows that every device takes."""
    return self.total * self.repeats // self.devices

  @property
  def left_over(self) -> int:
    """Rows beyond those, fewer than there are devices."""
    return self.total * self.repeats % self.devices

  def first(self, devices: np.ndarray) -> np.ndarray:
    """Returns the first row [D] of what devices [D] take."""
    return devices * self.each // self.repeats

  def rows(self, devices: np.ndarray) -> np.ndarray:
    """Returns what devices [D] take: rows [D, each]."""
    return self.first(devices)[:, None] + np.arange(self.each)

  def extra(self, devices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the row beyond those [D], and whether it counts [D]."""
    row = self.devices * self.each + devices
    counts = devices < self.left_over
    return np.where(counts, row, self.total - 1), counts


def blocks(rows: int, most: int, *, lanes: int = 1) -> tuple[int, int, int]:
  """Cuts the rows of a device into blocks that it takes one after another.

  Args:
    rows: of the device.
    most: rows of a block; 0: any number.
    lanes: blocks that it takes side by side, of whose number that of the
      blocks is a multiple; fewer rows than this are one block.

  Returns:
    (number of equal blocks, rows of each, rows that are left).
  """
  number = -(-rows // most) if most else 1
  if number > 1:
    number = min(-(-number // lanes), rows // lanes) * lanes or 1
  each = rows // number
  return number, each, rows - number * each


def chunk(rows: int, devices: int, *, most: int, multiple: int = 0) -> int:
  """Returns how many rows every device gets in one call.

  The same for all numbers of rows from `most` times `devices` on, so that few
  shapes are compiled.

  Args:
    rows: in all.
    devices: that share them.
    most: rows of a device.
    multiple: what the answer is a multiple of, if it is more; 0: of nothing.
  """
  share = min(most, -(-rows // devices))
  if not multiple or share <= multiple:
    return share
  return min(most // multiple, -(-share // multiple)) * multiple


@flax.struct.dataclass
class Places:
  """What D devices take of a batch.

  Attributes:
    first: [D], int32, the first of their rows.
    weight: [D], share of their rows in the batch; None without extra rows.
    extra: [D], int32, one row more, or None where the batch divides evenly.
    extra_weight: [D], its share in the batch, 0 where it does not count.
  """

  first: Any
  weight: Any = None
  extra: Any = None
  extra_weight: Any = None


def make_places(division: Division, devices: np.ndarray) -> Places:
  """Tells what devices [D] take, by their places among all."""
  first = division.first(devices).astype(np.int32)
  if not division.left_over:
    return Places(first)
  extra, counts = division.extra(devices)
  share = np.float32(division.each / division.total)
  return Places(
    first,
    weight=np.full(devices.shape, share),
    extra=extra.astype(np.int32),
    extra_weight=counts.astype(np.float32) / np.float32(division.total),
  )


def by_device(batch, division: Division, count: int):
  """Deals rows that devices take among them.

  Args:
    batch: tree of [steps, N, ...]: what each of them takes, then, where the
      batch does not divide evenly, one row more of each.
    division: of the batch.
    count: of the devices, D.

  Returns:
    Trees of [D, steps, rows, ...] and of [D, steps, 1, ...], or None.
  """
  end = count * division.each

  def deal(rows, each):
    shape = (rows.shape[0], count, each, *rows.shape[2:])
    return np.swapaxes(rows.reshape(shape), 0, 1)

  own = jax.tree.map(lambda v: deal(v[:, :end], division.each), batch)
  if not division.left_over:
    return own, None
  return own, jax.tree.map(lambda v: deal(v[:, end:], 1), batch)


def take(array: np.ndarray, index: np.ndarray, axis: int = 1) -> np.ndarray:
  """Picks rows along an axis; nothing is copied where it is all of them."""
  array = np.asarray(array)
  if np.array_equal(index, np.arange(array.shape[axis])):
    return array
  return np.take(array, index, axis=axis)
