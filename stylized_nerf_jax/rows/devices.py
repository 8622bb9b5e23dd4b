"""The devices that rows are divided over: the only file that knows pmap.

State and constants go in and come out unreplicated, so checkpoints are plain
trees and one device or many run the same code. What leaves through
`out_axes=None` must be equal on all devices.
"""

import functools
from collections.abc import Callable

import jax
import numpy as np

from stylized_nerf_jax.rows import division as division_lib

AXIS = "batch"


def count() -> int:
  """Number of devices of all processes."""
  return jax.device_count()


def in_words() -> str:
  """Names the devices of all processes, for people, such as "the CPU"."""
  kinds = sorted({device.device_kind for device in jax.devices()})
  if kinds == ["cpu"]:
    return "the CPU" if count() == 1 else f"{count()} CPU devices"
  return f"{count()} x {', '.join(kinds)}"


def replicate(tree):
  """Puts a tree on every device of this process, as pmap leaves its results.

  Free for what is there already. Without it the first call, whose arguments
  lie elsewhere, and the second, which takes results of the first, would each
  be compiled.
  """
  everywhere = _on_each(tuple(jax.local_devices()))
  leaves = jax.tree.leaves(tree)
  if all(getattr(leaf, "sharding", None) == everywhere for leaf in leaves):
    return tree  # To put it there again takes longer than a small program.
  return jax.device_put(tree, everywhere)


@functools.cache
def _on_each(local: tuple[jax.Device, ...]) -> jax.sharding.NamedSharding:
  mesh = jax.make_mesh(
    (len(local),),
    (AXIS,),
    axis_types=(jax.sharding.AxisType.Auto,),
    devices=local,
  )
  return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())


def own_rows(total: int) -> np.ndarray:
  """Returns which rows of a batch the devices of this process take: [N].

  Those that all devices take come first, then, where the batch does not divide
  evenly, one for each device of this process.

  Args:
    total: rows of the whole batch.
  """
  division = division_lib.Division(total, count())
  rows = division.rows(places()).reshape(-1)
  if division.left_over:
    rows = np.concatenate([rows, division.extra(places())[0]])
  return rows


def _devices() -> list[jax.Device]:
  """All devices, those of a process beside each other."""
  return sorted(jax.devices(), key=lambda device: device.process_index)


def places() -> np.ndarray:
  """Where the devices of this process stand among all: [D]."""
  own = jax.process_index()
  return np.array(
    [i for i, d in enumerate(_devices()) if d.process_index == own]
  )


def pmap(fn: Callable, *, in_axes, out_axes, donate=()) -> Callable:
  """Maps over all devices; a process gives and gets what its own have.

  Arguments of the numbers `donate` are consumed: results take their place.
  """
  return jax.pmap(
    fn,
    axis_name=AXIS,
    in_axes=in_axes,
    out_axes=out_axes,
    donate_argnums=donate,
    devices=_devices() if jax.process_count() > 1 else None,
  )
