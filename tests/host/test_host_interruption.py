"""Signals: the first is noted, the second ends the process at once."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from stylized_nerf_jax.cli import main as cli
from stylized_nerf_jax.host import interruption

_BUSY = """
import time
from stylized_nerf_jax.host import interruption
with interruption.listening():
  print("ready", flush=True)
  time.sleep(60)
"""


def wait_for(condition) -> None:
  deadline = time.monotonic() + 10
  while not condition():
    assert time.monotonic() < deadline
    time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_noted_and_training_stops_where_it_looks(number, capsys):
  handlers = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
  with interruption.listening():
    interruption.stop_if_asked("before")
    os.kill(os.getpid(), number)
    wait_for(interruption.asked)
    # Blocks within this one change nothing.
    with interruption.listening():
      assert interruption.asked()
    with pytest.raises(interruption.Interrupted) as caught:
      interruption.stop_if_asked("after step 3 of stylizer")
  assert f"stopped by {number.name} after step 3" in str(caught.value)
  wait_for(lambda: "once more to quit at once" in capsys.readouterr().err)
  assert not interruption.asked()
  interruption.stop_if_asked("afterwards")
  now = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
  assert now == handlers


def test_other_threads_listen_to_nothing():
  seen = []

  def body():
    with interruption.listening():
      seen.append(interruption.asked())

  thread = threading.Thread(target=body)
  thread.start()
  thread.join()
  assert seen == [False]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_quits_at_once(number):
  process = subprocess.Popen(
    [sys.executable, "-c", _BUSY],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )
  with process:
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    line = process.stderr.readline()
    assert line.startswith(f"{number.name}: saving after the step at hand")
    assert process.poll() is None
    process.send_signal(number)
    assert process.wait(timeout=10) == 128 + number


def test_the_command_ends_with_a_status_of_its_own(monkeypatch, capsys):
  from stylized_nerf_jax.cli import train

  def stop(*_):
    raise interruption.Interrupted("stopped by SIGTERM; everything is saved")

  monkeypatch.setattr(train, "run", stop)
  assert cli.main(["train", "--workdir=x"]) == interruption.EXIT_STATUS == 75
  assert capsys.readouterr().err == (
    "stylized-nerf train: stopped by SIGTERM; everything is saved\n"
  )
