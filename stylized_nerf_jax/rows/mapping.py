"""Row-wise functions over all devices, in chunks of equal shape."""

import functools
from collections.abc import Callable

import jax
import numpy as np

from stylized_nerf_jax.rows import accumulation, device_memory, devices
from stylized_nerf_jax.rows import division as division_lib


def make_map(
  fn: Callable, *, rows_per_device: int, rows_at_once: int = 0
) -> Callable:
  """Compiles a row-wise function over all devices, in chunks of equal shape.

  Args:
    fn: (constants, rows: tree of [R, ...]) -> tree of [R, ...].
    rows_per_device: most rows of a device in one call. Chunks are as few and
      as equal as they can be; the last row is repeated to fill the last one.
    rows_at_once: of a device's rows `fn` gets so many, block after block, and
      R is this; 0: all. Fewer where the device's memory asks for it.

  Returns:
    run(constants, rows: tree of numpy [N, ...]) -> tree of numpy [N, ...].
    Every process gives the same rows, and gets the results of all.
  """
  mapped = _mapped(fn, rows_at_once, together=jax.process_count() > 1)

  def run(constants, rows):
    constants = devices.replicate(constants)
    total = jax.tree.leaves(rows)[0].shape[0]
    count = devices.count()
    per_device = division_lib.chunk(
      total, count, most=rows_per_device, multiple=rows_at_once
    )
    parts = []
    for start in range(0, total, per_device * count):
      cut = functools.partial(_cut, start=start, shape=(count, per_device))
      parts.append(mapped(constants, jax.tree.map(cut, rows)))
    return jax.tree.map(
      lambda *xs: np.concatenate([_flat(x) for x in xs])[:total], *parts
    )

  return run


def make_block_map(fn: Callable) -> Callable:
  """Compiles a row-wise function of blocks whose results stay on the devices.

  Args:
    fn: (constants, rows: tree of [R, ...], kept: tree of [R, ...]) -> tree of
      [R, ...].

  Returns:
    run(constants, rows: tree of numpy [N, ...], kept) -> tree of device arrays
    [D, R, ...], D devices' rows, which `fetch` brings here. `kept` is a tree of
    what such functions returned of N rows. Of one process alone.
  """
  mapped = _mapped(
    lambda constants, rows: fn(constants, *rows), 0, together=False
  )

  def run(constants, rows, kept=()):
    total = jax.tree.leaves(rows)[0].shape[0]
    shape = devices.count(), -(-total // devices.count())
    cut = functools.partial(_cut, start=0, shape=shape)
    return mapped(devices.replicate(constants), (jax.tree.map(cut, rows), kept))

  return run


def fetch(tree, count: int):
  """Returns the first rows of what stayed on devices: numpy [count, ...]."""
  return jax.tree.map(lambda array: _flat(array)[:count], tree)


def _mapped(fn: Callable, rows_at_once: int, *, together: bool) -> Callable:
  """Compiles for every number of rows of a device: rows [D, R, ...]."""

  def mapped_fn(at_once, constants, rows):
    found = accumulation.map_blocks(
      functools.partial(fn, constants), rows, most=at_once
    )
    return jax.lax.all_gather(found, devices.AXIS) if together else found

  def make(at_once: int):
    return devices.pmap(
      functools.partial(mapped_fn, at_once),
      in_axes=(None, 0),
      out_axes=None if together else 0,
    )

  compiled = {}  # by the rows that a device gets

  def call(constants, rows):
    per_device = jax.tree.leaves(rows)[0].shape[1]
    if per_device not in compiled:
      compiled[per_device], _ = device_memory.fit(
        make, (constants, rows), rows=per_device, at_once=rows_at_once
      )
    return compiled[per_device](constants, rows)

  return call


def _cut(rows: np.ndarray, *, start: int, shape: tuple[int, int]):
  """Returns rows from `start` on as [own devices, rows, ...], padded."""
  part = rows[start : start + shape[0] * shape[1]]
  missing = shape[0] * shape[1] - part.shape[0]
  if missing:
    part = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)])
  return division_lib.take(
    part.reshape(*shape, *rows.shape[1:]), devices.places(), axis=0
  )


def _flat(array: jax.Array) -> np.ndarray:
  array = np.asarray(array)
  return array.reshape(-1, *array.shape[2:])
