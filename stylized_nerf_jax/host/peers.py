"""A line between the processes of one run: what they tell, and who has gone.

Process 0 listens and the others connect to it. Messages are JSON. When a
process ends, however it ends, the kernel closes its line, and the others hear
of it at once, whatever they are computing or waiting for.
"""

import json
import queue
import threading
from collections.abc import Callable
from multiprocessing import connection
from typing import Any

_END = "end"


class Peers:
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
    lines: dict[int, connection.Connection],
    on_gone: Callable[[str], None],
  ):
    self._index, self._lines, self._on_gone = index, lines, on_gone
    self._inbox = {other: queue.Queue() for other in lines}
    self._failing = False
    for other in lines:
      threading.Thread(target=self._hear, args=(other,), daemon=True).start()

  def exchange(self, what: str, value: Any) -> list[Any]:
    """Gives every process the values of all; returns when all have come here.

    Args:
      what: is exchanged; all must mean the same.
      value: JSON-able.

    Returns:
      The values by index of their processes.

    Raises:
      RuntimeError: the processes exchange different things.
    """
    if self._index:
      self._send(0, {"what": what, "value": value})
      return self._inbox[0].get()["value"]
    values = [value]
    for other in sorted(self._lines):
      message = self._inbox[other].get()
      if message["what"] != what:
        raise RuntimeError(
          f"processes are out of step: process {other} is at "
          f"{message['what']!r}, process 0 at {what!r}"
        )
      values.append(message["value"])
    for other in self._lines:
      self._send(other, {"what": what, "value": values})
    return json.loads(json.dumps(values))

  def end(self) -> None:
    """Parts from the others, who do the same."""
    self.exchange(_END, None)

  def fail(self, reason: str) -> None:
    """Tells the others that this process ends because of an error."""
    self._failing = True
    self._tell({"failed": self._index, "reason": reason})

  def _tell(self, message: dict, *, but: int = -1) -> None:
    for other in self._lines:
      if other != but:
        self._send(other, message)

  def _send(self, other: int, message: dict) -> None:
    try:
      self._lines[other].send_bytes(json.dumps(message).encode())
    except OSError:
      # It has gone: whoever hears the line says so.
      return

  def _hear(self, other: int) -> None:
    """Takes messages of one line, until it ends."""
    while True:
      try:
        message = json.loads(self._lines[other].recv_bytes())
      except (EOFError, OSError):
        message = {"failed": other, "reason": ""}
      if "failed" in message:
        if self._failing:
          return
        self._tell(message, but=other)
        reason = f": {message['reason']}" if message["reason"] else ""
        self._on_gone(f"process {message['failed']} has ended{reason}")
        return
      self._inbox[other].put(message)
      if message["what"] == _END:
        return


def listen(host: str) -> connection.Listener:
  """Opens the line of process 0 on a free port."""
  return connection.Listener((host, 0), family="AF_INET")


def accept(listener: connection.Listener, count: int, token: str):
  """Waits for `count` - 1 processes that know the token; returns lines."""
  lines = {}
  while len(lines) < count - 1:
    line = listener.accept()
    try:
      hello = json.loads(line.recv_bytes(1000))
    except (ValueError, EOFError, OSError):
      hello = {}
    if hello.get("token") == token:
      lines[hello["index"]] = line
    else:
      line.close()
  listener.close()
  return lines


def connect(host: str, port: int, index: int, token: str):
  """Connects to process 0; returns the line to it."""
  line = connection.Client((host, port), family="AF_INET")
  line.send_bytes(json.dumps({"token": token, "index": index}).encode())
  return {0: line}
