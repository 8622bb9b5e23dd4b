"""Memory of the devices: what a program takes, and what to do about too much.

The compiler knows what a program takes before it runs. One that does not fit is
compiled again for half of the rows at a time, until it does.
"""

import contextlib
import os
import resource
from collections.abc import Callable, Iterator

import jax

from stylized_nerf_jax import user_error
from stylized_nerf_jax.rows import container_memory

# What else lies on a device, and what its allocator cannot use.
_USABLE = 0.9
_EXHAUSTED = "RESOURCE_EXHAUSTED"


class OutOfMemoryError(user_error.UserError):
  """A device, or the machine, cannot hold what the config asks of it."""


def limit_bytes() -> int:
  """Returns the memory of the smallest device of this process.

  Devices that do not tell share that of the machine, or of the container that
  this process is in.
  """
  devices = jax.local_devices()
  told = [device.memory_stats() or {} for device in devices]
  limits = [stats["bytes_limit"] for stats in told if "bytes_limit" in stats]
  if limits:
    return min(limits)
  physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
  allowed = container_memory.limit_bytes()
  return min(physical, allowed or physical) // len(devices)


def peak_mib() -> float:
  """Returns the largest memory that was ever in use, MiB.

  Of the fullest device, or, where devices do not tell, of the process.
  """
  told = [device.memory_stats() or {} for device in jax.local_devices()]
  peaks = [stats.get("peak_bytes_in_use", 0) for stats in told]
  if any(peaks):
    return max(peaks) / 2**20
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def needed_bytes(compiled) -> int:
  """Returns what a compiled program takes on every device while it runs."""
  stats = compiled.memory_analysis()
  if stats is None:
    return 0
  return (
    stats.argument_size_in_bytes
    + stats.output_size_in_bytes
    - stats.alias_size_in_bytes
    + stats.temp_size_in_bytes
  )


def fit(
  make: Callable[[int], Callable],
  arguments: tuple,
  *,
  rows: int,
  at_once: int,
  limit: int | None = None,
) -> tuple[Callable, int]:
  """Makes a program that the devices can hold.

  Args:
    make: from rows that are worked on at a time (0: all) to a jitted program.
    arguments: of the program.
    rows: that a device gets.
    at_once: how many of them to begin with; 0: all.
    limit: bytes of a device; by default what it has.

  Returns:
    (the program, which is compiled; bytes that it takes on every device).

  Raises:
    OutOfMemoryError: it does not fit with one row at a time either.
  """
  limit = limit_bytes() if limit is None else limit
  while True:
    program = make(at_once)
    needed = _planned(program, arguments)
    if needed is not None and needed <= _USABLE * limit:
      return program, needed
    at_once = (min(at_once, rows) or rows) // 2
    if not at_once:
      raise OutOfMemoryError(
        f"{_EXHAUSTED}: one row at a time takes {mib(needed or limit)} MiB of "
        f"a device's {mib(limit)}"
      )


def _planned(program, arguments) -> int | None:
  """Bytes that a program takes; None if the compiler finds them too many."""
  try:
    return needed_bytes(program.lower(*arguments).compile())
  except jax.errors.JaxRuntimeError as error:
    if _EXHAUSTED not in str(error):
      raise
    return None


def mib(number: float) -> str:
  """Writes a number of bytes in MiB."""
  return f"{number / 2**20:,.0f}"


@contextlib.contextmanager
def advising(what: str, fields: str) -> Iterator[None]:
  """Says which config fields to lower where a block runs out of memory.

  Args:
    what: it does, for the message.
    fields: of the config, for the message.

  Raises:
    OutOfMemoryError: it did.
  """
  try:
    yield
  except (jax.errors.JaxRuntimeError, OutOfMemoryError, MemoryError) as error:
    if not (isinstance(error, MemoryError) or _EXHAUSTED in str(error)):
      raise
    raise OutOfMemoryError(
      f"{what}: out of memory ({_detail(error)}; a device has "
      f"{mib(limit_bytes())} MiB): lower {fields}. What was saved before is "
      "intact"
    ) from error


def _detail(error: BaseException) -> str:
  """The first line of what ran out, without the code in front."""
  lines = str(error).splitlines() or ["the host had none left"]
  return lines[0].partition(f"{_EXHAUSTED}: ")[2].rstrip(".") or lines[0]
