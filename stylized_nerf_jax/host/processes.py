"""The processes of one run, on one host or many: who is who, and in step.

Every process runs the same program; process 0 alone prints, logs and writes
what all share. Outside of `joined`, and inside it where it finds no others,
there is one process and nothing here does anything.

`exchange` and all that is made of it must be called by every process, in the
same order. They go through jax's service for several processes; who has gone is
found out by `peers`.
"""

import atexit
import contextlib
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import exchange as exchange_lib
from stylized_nerf_jax.host import peers

# EX_UNAVAILABLE of sysexits.h: another process has gone; start all again.
EXIT_STATUS = 69
# Seconds: how long processes wait for each other at the start, and after which
# one is given up whose host no longer answers.
_START_TIMEOUT = 300
_HEARTBEAT_TIMEOUT = 60
_LINE_TIMEOUT = 60
_GRACE = 3
_VARIABLES = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
_LOOPBACK = ("localhost", "127.", "[::1]")

_exchange: exchange_lib.Exchange | None = None
_watch: peers.Watch | None = None
_index, _count = 0, 1
_failed = False


def index() -> int:
  """Number of this process."""
  return _index


def count() -> int:
  """Number of processes."""
  return _count


def is_first() -> bool:
  """Tells whether this process prints, logs and writes for all."""
  return _index == 0


def exchange(what: str, value: Any) -> list[Any]:
  """Returns JSON-able values of all processes; see `Exchange`."""
  return [value] if _exchange is None else _exchange(what, value)


def wait(where: str) -> None:
  """Returns when all processes have come here."""
  exchange(where, None)


def by_first(fn: Callable[[], Any]) -> Any:
  """Has process 0 call a function; returns to all what is JSON-able of it."""
  value = fn() if is_first() else None
  return exchange("by_first", value)[0]


def any_of(*flags: bool) -> list[bool]:
  """Tells of each flag whether it is true in any process."""
  found = exchange("any_of", [bool(flag) for flag in flags])
  return [any(values) for values in zip(*found)]


@contextlib.contextmanager
def joined(
  coordinator: str | None = None,
  count: int | None = None,
  index: int | None = None,
  *,
  detect: bool = False,
) -> Iterator[None]:
  """Runs the block together with the other processes.

  They are found by the arguments, else by the environment variables
  JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID, else, on Cloud
  TPU or with `detect`, by what jax knows of clusters. Must be entered before
  jax has touched a device.

  If another process ends before the block does, this one says so and exits
  with `EXIT_STATUS`.

  Args:
    coordinator: host and port of process 0, HOST:PORT.
    count: number of processes.
    index: of this one, from 0.
    detect: asks jax for the cluster (SLURM, Open MPI, Kubernetes).

  Raises:
    ValueError: the arguments are incomplete or wrong, or the others did not
      come or cannot be reached.
  """
  global _exchange, _watch, _index, _count
  given = _given(coordinator, count, index)
  if given is None and not (detect or _on_cloud_tpu()):
    yield
    return
  _start(given)
  if jax.process_count() > 1:
    _index, _count = jax.process_index(), jax.process_count()
    _exchange, _watch = _connect()
  try:
    yield
    _part()
  except BaseException as error:
    # All processes stop at the same step when they are asked to.
    if getattr(error, "in_step", False):
      _part()
    else:
      _fail(error)
    raise
  finally:
    _exchange, _watch, _index, _count = None, None, 0, 1


def leave(status: int) -> int:
  """Returns an exit status; exits with it at once where `joined` has failed.

  Python's own way out would wait for the other processes.
  """
  if _failed:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
  return status


def _part() -> None:
  if _watch is not None:
    wait("end")
    _watch.end()


def _fail(error: BaseException) -> None:
  """Tells the others of an error, unless it is that one of them has gone."""
  global _failed
  if _watch is None:
    return
  if isinstance(error, jax.errors.JaxRuntimeError):
    # What fails when another has gone: `_end_with_the_other` says it better.
    time.sleep(_GRACE)
  _watch.fail(" ".join(str(error).split()) or type(error).__name__)
  _failed = True
  atexit.register(leave, 1)


def _given(coordinator, count, index):
  """(Coordinator, count, index) of arguments or environment, or None."""
  values = [
    os.environ.get(name) if value is None else value
    for name, value in zip(_VARIABLES, (coordinator, count, index))
  ]
  if values[1] is None and values[2] is None and coordinator is None:
    return None
  names = ("--coordinator", "--processes", "--process")
  for name, variable, value in zip(names, _VARIABLES, values):
    if value is None:
      raise user_error.UserError(
        f"{name} (or {variable}) is missing; expected all three of "
        f"{', '.join(names)}, or none"
      )
  address = str(values[0])
  if not address.rpartition(":")[2].isdigit():
    raise user_error.UserError(
      f"--coordinator is {address!r}; expected host and port of process 0, "
      "such as 10.0.0.1:8476"
    )
  try:
    number, own = int(values[1]), int(values[2])
  except ValueError:
    number, own = 0, 0
  if not 0 <= own < number:
    raise user_error.UserError(
      f"process {values[2]} of {values[1]} does not exist; expected --process "
      "from 0 to one less than --processes"
    )
  return address, number, own


def _on_cloud_tpu() -> bool:
  from jax._src import cloud_tpu_init

  return bool(getattr(cloud_tpu_init, "running_in_cloud_tpu_vm", False))


def _start(given) -> None:
  """Starts jax' own service for several processes."""
  options: dict[str, Any] = {
    "initialization_timeout": _START_TIMEOUT,
    "heartbeat_timeout_seconds": _HEARTBEAT_TIMEOUT,
  }
  try:
    if given is not None:
      address, number, own = given
      if own:
        # jax would abort where nobody comes.
        host, port = _host(address), int(address.rpartition(":")[2])
        peers.await_listener(host, port, timeout=_START_TIMEOUT)
      options |= {
        "coordinator_address": address,
        "num_processes": number,
        "process_id": own,
      }
      if address.startswith(_LOOPBACK):
        # Its service would listen on every interface.
        options["coordinator_bind_address"] = address
    # It would take SIGTERM for itself.
    jax.config.update("jax_enable_preemption_service", False)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(**options)
  except (ValueError, OSError, jax.errors.JaxRuntimeError) as error:
    if given is None and _on_cloud_tpu():
      return  # A single host that is part of no pod.
    found = "no cluster" if given is None else f"no others at {given[0]}"
    raise user_error.UserError(
      f"{found} ({' '.join(str(error).split())[:200]}): start every process "
      "with --coordinator HOST:PORT --processes COUNT --process INDEX"
    ) from None


def _connect() -> tuple[exchange_lib.Exchange, peers.Watch]:
  """Opens the lines; process 0 tells the others through jax where it is.

  Raises:
    ValueError: some process cannot be reached; all raise the same.
  """
  # The one way to jax's service; setup.cfg says up to which version.
  from jax._src import distributed

  state = distributed.global_state
  exchange = exchange_lib.Exchange(_index, _count, state.client)
  host = _host(str(state.coordinator_address))
  listener, place, error, lines = None, None, "", {}
  # Process 0 itself may know its host by an address that only it reaches.
  known = exchange("coordinator", _index and _address(host))[1]
  if _index == 0:
    try:
      listener = peers.listen(known)
      place = [*listener.getsockname()[:2], secrets.token_hex(16)]
    except user_error.UserError as found:
      error = str(found)
  place = exchange("line", place)[0]
  if place is not None:
    *address, token = place
    try:
      if listener is not None:
        lines = peers.accept(listener, _count, token, timeout=_LINE_TIMEOUT)
      else:
        lines = peers.connect(address, _index, token, timeout=_LINE_TIMEOUT)
    except user_error.UserError as found:
      error = str(found)
  if errors := [e for e in exchange("connected", error) if e]:
    raise user_error.UserError(errors[0])
  return exchange, peers.Watch(_index, lines, _end_with_the_other)


def _host(address: str) -> str:
  """Returns the host of HOST:PORT."""
  return address.rpartition(":")[0].strip("[]")


def _address(host: str) -> str:
  """Returns the address of a host as this one knows it, or its name."""
  try:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
  except OSError:
    return host
  return str(found[0][4][0])


def _end_with_the_other(what: str) -> None:
  """Says that another process has gone, and exits."""
  print(
    f"process {_index} of {_count}: {what}; no other can go on without it. "
    "Start all again: they go on from the last checkpoint",
    file=sys.stderr,
    flush=True,
  )
  os._exit(EXIT_STATUS)
