"""Who of the processes of one run has gone: a line from each to the first.

jax's service finds out after its heartbeats' time, and where process 0 has
gone, which runs the service, it aborts the others without a word of who it was.
So every other process keeps one connection to process 0. Nothing goes over it
but a greeting and a process' last words. When a process ends, however it ends,
the kernel closes its line, and the others hear of it at once, whatever they are
computing or waiting for.
"""

import contextlib
import hmac
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence

from stylized_nerf_jax import user_error

_PARTED = b"parted"
_LONGEST_WORDS = 4000  # bytes
_DIGITS = 10  # of an index
# Seconds: between two words of a greeting, and between looks at the clock.
_GREETING_TIMEOUT = 10.0
_POLL = 0.1


class Watch:
  """One process' end of the lines.

  Args:
    index: of this process.
    lines: to the others by their index; of all but process 0 there is only
      the one to process 0.
    on_gone: told from another thread, in a sentence, that another process
      ended or failed. It should end this one.
  """

  def __init__(
    self,
    index: int,
    lines: dict[int, socket.socket],
    on_gone: Callable[[str], None],
  ):
    self._index, self._lines, self._on_gone = index, lines, on_gone
    self._ending = False
    for other in lines:
      threading.Thread(target=self._hear, args=(other,), daemon=True).start()

  def end(self) -> None:
    """Parts from the others; all must have come to their end."""
    self._say(_PARTED)

  def fail(self, reason: str) -> None:
    """Tells the others that this process ends because of an error."""
    self._say(_words(self._index, reason))

  def _say(self, words: bytes) -> None:
    """Says the last of this process on all lines."""
    self._ending = True
    for line in self._lines.values():
      # One that has gone is heard of by whoever hears its line.
      with contextlib.suppress(OSError):
        line.sendall(words)
        line.shutdown(socket.SHUT_WR)

  def _hear(self, other: int) -> None:
    """Waits for the last words of another process, or for its silence."""
    said = b""
    with contextlib.suppress(OSError):
      while received := self._lines[other].recv(_LONGEST_WORDS):
        said = (said + received)[:_LONGEST_WORDS]
    if said == _PARTED or self._ending:
      return
    gone, reason = _understood(said, other)
    self._say(_words(gone, reason))
    self._on_gone(f"process {gone} has ended{f': {reason}' if reason else ''}")


def _words(gone: int, reason: str) -> bytes:
  """Last words: which process has gone, and why."""
  reason = reason.encode()[: _LONGEST_WORDS // 8].decode(errors="ignore")
  return json.dumps({"gone": gone, "reason": reason}).encode()


def _understood(said: bytes, other: int) -> tuple[int, str]:
  """Which process has gone, and why, of the last words of another."""
  try:
    words = json.loads(said)
    return int(words["gone"]), str(words["reason"])
  except (ValueError, KeyError, TypeError):
    return other, ""


def listen(host: str) -> socket.socket:
  """Opens the line of process 0 on a free port of one interface.

  Args:
    host: address of the interface, as the other processes know it.

  Raises:
    ValueError: this host has no such interface.
  """
  try:
    found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    family, _, _, _, address = found[0]
    return socket.create_server(address[:2], family=family)
  except OSError as error:
    raise user_error.UserError(
      f"the coordinator's address {host} is none of process 0's host "
      f"({error.strerror or error}); expected an address of that host which "
      "the others reach: give it in --coordinator to all"
    ) from None


def accept(
  listener: socket.socket, count: int, token: str, *, timeout: float
) -> dict[int, socket.socket]:
  """Waits for the other processes; strangers are sent away.

  Who connects and says nothing holds up nobody.

  Args:
    listener: of `listen`; it is closed.
    count: number of processes, this one included.
    token: what they have to know.
    timeout: in seconds, until all must have come.

  Returns:
    Lines by the index of the process.

  Raises:
    ValueError: some have not come in time.
  """
  greeted: queue.SimpleQueue = queue.SimpleQueue()
  lines: dict[int, socket.socket] = {}
  end = time.monotonic() + timeout
  with listener:
    listener.settimeout(_POLL)
    while len(lines) < count - 1 and time.monotonic() < end:
      with contextlib.suppress(OSError):  # Nobody came, or has gone again.
        line, _ = listener.accept()
        arguments = (line, token, greeted)
        threading.Thread(target=_meet, args=arguments, daemon=True).start()
      while not greeted.empty():
        index, line = greeted.get()
        if 0 < index < count and index not in lines:
          lines[index] = line
        else:
          line.close()
  missing = sorted(set(range(1, count)) - set(lines))
  if missing:
    for line in lines.values():
      line.close()
    raise user_error.UserError(
      f"process {', '.join(map(str, missing))} of {count} did not connect to "
      f"process 0 within {timeout:g} s; expected all to reach each other: see "
      "that no firewall stands between their hosts"
    )
  return lines


def connect(
  address: Sequence, index: int, token: str, *, timeout: float
) -> dict[int, socket.socket]:
  """Connects to process 0 and greets it; returns the line to it.

  Args:
    address: of its listener, host and port.
    index: of this process.
    token: that shows whose it is.
    timeout: in seconds.

  Raises:
    ValueError: it cannot be reached.
  """
  host, port = address
  try:
    line = socket.create_connection((host, port), timeout=timeout)
    line.sendall(_greeting(token, index))
  except OSError as error:
    raise user_error.UserError(
      f"process {index} cannot reach process 0 at {host}, port {port} "
      f"({error.strerror or error}); expected hosts that reach each other on "
      "any port: see that no firewall stands between them"
    ) from None
  line.settimeout(None)
  return {0: line}


def await_listener(host: str, port: int, *, timeout: float) -> None:
  """Waits until somebody listens there.

  Args:
    host: name or address.
    port: of it.
    timeout: in seconds.

  Raises:
    OSError: nobody does, and why the last try failed.
  """
  end = time.monotonic() + timeout
  while True:
    left = max(end - time.monotonic(), _POLL)
    try:
      socket.create_connection((host, port), timeout=left).close()
      return
    except OSError:
      if time.monotonic() > end:
        raise
      time.sleep(_POLL)


def _greeting(token: str, index: int) -> bytes:
  return f"{token}{index:0{_DIGITS}d}".encode()


def _meet(line: socket.socket, token: str, greeted: queue.SimpleQueue) -> None:
  """Hears the greeting of one that has connected: (index, line), or closes."""
  expected = len(_greeting(token, 0))
  said = b""
  try:
    line.settimeout(_GREETING_TIMEOUT)
    while len(said) < expected:
      received = line.recv(expected - len(said))
      if not received:
        break
      said += received
    line.settimeout(None)
  except OSError:
    said = b""
  known, index = said[:-_DIGITS], said[-_DIGITS:]
  if hmac.compare_digest(known, token.encode()) and index.isdigit():
    greeted.put((int(index), line))
  else:
    line.close()
