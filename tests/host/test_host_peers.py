"""Lines between processes, here between threads of one."""

import concurrent.futures
import contextlib
import json
import os
import socket
import threading
from multiprocessing import connection

import pytest

from stylized_nerf_jax.host import peers as peers_lib

_PATIENCE = 10.0  # seconds


class Gone:
  """Remembers what a process is told of others that have gone."""

  def __init__(self):
    self.text, self._event = "", threading.Event()

  def __call__(self, text: str) -> None:
    self.text = text
    self._event.set()

  def wait(self) -> str:
    assert self._event.wait(_PATIENCE)
    return self.text


@pytest.fixture
def three():
  """(Peers, their lines, what they are told) of processes 0, 1 and 2."""
  listener = peers_lib.listen("127.0.0.1")
  port = listener.address[1]
  with concurrent.futures.ThreadPoolExecutor(1) as pool:
    accepted = pool.submit(peers_lib.accept, listener, 3, "secret")
    stranger = connection.Client(("127.0.0.1", port))
    stranger.send_bytes(json.dumps({"token": "wrong", "index": 1}).encode())
    others = [
      peers_lib.connect("127.0.0.1", port, index, "secret") for index in (1, 2)
    ]
    lines = [accepted.result(_PATIENCE), *others]
  with pytest.raises(EOFError):
    stranger.recv_bytes()
  gone = [Gone() for _ in lines]
  peers = [peers_lib.Peers(i, lines[i], gone[i]) for i in range(3)]
  yield peers, lines, gone
  for line in (line for own in lines for line in own.values()):
    with contextlib.suppress(OSError):
      line.close()


def _all(peers, call):
  with concurrent.futures.ThreadPoolExecutor(len(peers)) as pool:
    futures = [pool.submit(call, i, peer) for i, peer in enumerate(peers)]
    return [future.result(_PATIENCE) for future in futures]


def test_every_process_gets_the_values_of_all(three):
  peers, _, _ = three
  for _ in range(3):
    found = _all(peers, lambda i, peer: peer.exchange("x", {"i": i}))
    assert found == [[{"i": 0}, {"i": 1}, {"i": 2}]] * 3


def test_who_parts_is_not_missed(three):
  peers, lines, gone = three
  _all(peers, lambda _, peer: peer.end())
  lines[0][1].close()
  lines[2][0].close()
  assert [one.text for one in gone] == ["", "", ""]


def test_all_hear_of_one_that_has_gone(three):
  _, lines, gone = three
  # As the kernel does it for a process that was killed.
  with socket.socket(fileno=os.dup(lines[1][0].fileno())) as line:
    line.shutdown(socket.SHUT_RDWR)
  assert gone[0].wait() == "process 1 has ended"
  assert gone[2].wait() == "process 1 has ended"


def test_all_hear_why_one_has_failed(three):
  peers, _, gone = three
  peers[2].fail("no space left")
  assert gone[0].wait() == "process 2 has ended: no space left"
  assert gone[1].wait() == "process 2 has ended: no space left"
  assert gone[2].text == ""


def test_processes_out_of_step_are_an_error(three):
  peers, _, _ = three
  with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for i, what in ((1, "save"), (2, "stop")):
      pool.submit(peers[i].exchange, what, None)
    with pytest.raises(RuntimeError, match="process 2 is at 'stop', process 0"):
      peers[0].exchange("save", None)
    # Lets the two go.
    for other in (1, 2):
      peers[0]._send(other, {"what": "", "value": []})
