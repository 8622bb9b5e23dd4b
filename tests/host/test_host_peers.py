"""Lines between processes, here between threads of one."""

import concurrent.futures
import contextlib
import os
import socket
import threading
import time

import pytest

from stylized_nerf_jax.host import peers

_PATIENCE = 10.0  # seconds
_TOKEN = "0123456789abcdef" * 2


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


@contextlib.contextmanager
def _accepting(count, timeout=_PATIENCE):
  """(Address, future lines) of a process 0 that waits for the others."""
  listener = peers.listen("127.0.0.1")
  address = listener.getsockname()
  with concurrent.futures.ThreadPoolExecutor(1) as pool:
    yield (
      address,
      pool.submit(peers.accept, listener, count, _TOKEN, timeout=timeout),
    )


def _connect(address, index, token=_TOKEN):
  return peers.connect(address, index, token, timeout=_PATIENCE)


def _close(lines):
  for line in lines.values():
    line.close()


def _is_sent_away(stranger):
  stranger.settimeout(_PATIENCE)
  with contextlib.suppress(ConnectionError):
    assert stranger.recv(1) == b""


@pytest.fixture
def three():
  """(Watches, their lines, what they are told) of processes 0, 1 and 2."""
  with _accepting(3) as (address, accepted):
    others = [_connect(address, index) for index in (1, 2)]
    lines = [accepted.result(_PATIENCE), *others]
  gone = [Gone() for _ in lines]
  yield [peers.Watch(i, lines[i], gone[i]) for i in range(3)], lines, gone
  for own in lines:
    _close(own)


def test_one_interface_is_listened_on():
  with peers.listen("127.0.0.1") as listener:
    address, port = listener.getsockname()
    assert address == "127.0.0.1"
    # On another of this host's addresses the port is free.
    with socket.create_server(("127.0.0.2", port)):
      pass


def test_an_address_of_another_host_is_named():
  with pytest.raises(ValueError, match="192.0.2.1 is none of process 0's host"):
    peers.listen("192.0.2.1")


def test_the_silent_hold_up_nobody():
  """Connections that say nothing, or half a greeting, before all others."""
  with _accepting(3) as (address, accepted):
    silent = [socket.create_connection(address) for _ in range(20)]
    silent[0].sendall(_TOKEN[:10].encode())
    started = time.monotonic()
    others = [_connect(address, index) for index in (1, 2)]
    lines = accepted.result(_PATIENCE)
    assert time.monotonic() - started < peers._GREETING_TIMEOUT / 2
  assert set(lines) == {1, 2}
  for each in (lines, *others, dict(enumerate(silent))):
    _close(each)


def test_who_says_nothing_is_sent_away(monkeypatch):
  monkeypatch.setattr(peers, "_GREETING_TIMEOUT", 0.2)
  with _accepting(2) as (address, accepted):
    with socket.create_connection(address) as silent:
      _is_sent_away(silent)
    other = _connect(address, 1)
    _close(accepted.result(_PATIENCE))
  _close(other)


@pytest.mark.parametrize(
  "greeting",
  [
    peers._greeting("f" * 32, 1),  # another token
    peers._greeting(_TOKEN, 0),  # process 0 itself
    peers._greeting(_TOKEN, 3),  # one too many
    _TOKEN.encode() + b"-000000001",
    b"GET / HTTP/1.1\r\nHost: somebody\r\n\r\n" * 9,
    b"\xff" * 100,
  ],
)
def test_strangers_are_sent_away(greeting):
  with _accepting(3) as (address, accepted):
    with socket.create_connection(address) as stranger:
      stranger.sendall(greeting)
      _is_sent_away(stranger)
    others = [_connect(address, index) for index in (1, 2)]
    lines = accepted.result(_PATIENCE)
  assert set(lines) == {1, 2}
  for each in (lines, *others):
    _close(each)


def test_the_first_of_two_of_one_number_counts():
  with _accepting(3) as (address, accepted):
    first = _connect(address, 1)
    time.sleep(3 * peers._POLL)
    second = _connect(address, 1)
    _is_sent_away(second[0])
    last = _connect(address, 2)
    lines = accepted.result(_PATIENCE)
  lines[1].sendall(b"x")
  assert first[0].recv(1) == b"x"
  for each in (lines, first, second, last):
    _close(each)


def test_who_does_not_come_is_named():
  with _accepting(4, timeout=0.5) as (address, accepted):
    other = _connect(address, 2)
    with pytest.raises(ValueError, match="process 1, 3 of 4 did not connect"):
      accepted.result(_PATIENCE)
  _is_sent_away(other[0])
  _close(other)


def test_who_cannot_be_reached_is_named():
  with peers.listen("127.0.0.1") as listener:
    address = listener.getsockname()
  with pytest.raises(ValueError, match="process 1 cannot reach process 0 at"):
    _connect(address, 1)


def test_who_parts_is_not_missed(three):
  watches, lines, gone = three
  for watch in watches:
    watch.end()
  _close(lines[0])
  _close(lines[2])
  time.sleep(0.1)
  assert [one.text for one in gone] == ["", "", ""]


def test_all_hear_of_one_that_has_gone(three):
  _, lines, gone = three
  # As the kernel does it for a process that was killed.
  with socket.socket(fileno=os.dup(lines[1][0].fileno())) as line:
    line.shutdown(socket.SHUT_RDWR)
  assert gone[0].wait() == "process 1 has ended"
  assert gone[2].wait() == "process 1 has ended"


def test_all_hear_that_the_first_has_gone():
  with _accepting(3) as (address, accepted):
    others = [_connect(address, index) for index in (1, 2)]
    lines = accepted.result(_PATIENCE)
  gone = [Gone(), Gone()]
  for index, (line, one) in enumerate(zip(others, gone), start=1):
    peers.Watch(index, line, one)
  _close(lines)
  assert [one.wait() for one in gone] == ["process 0 has ended"] * 2
  for each in others:
    _close(each)


@pytest.mark.parametrize("reason", ["no space left", "Ä" * 9000, "\n" * 9000])
def test_all_hear_why_one_has_failed(three, reason):
  watches, _, gone = three
  watches[2].fail(reason)
  for other in (0, 1):
    start = f"process 2 has ended: {reason[:10]}"
    assert gone[other].wait().startswith(start)
  assert gone[2].text == ""


def test_what_makes_no_sense_is_an_end(three):
  _, lines, gone = three
  lines[2][0].sendall(b'{"gone": null}' * 9000)
  lines[2][0].shutdown(socket.SHUT_WR)
  assert gone[0].wait() == "process 2 has ended"
