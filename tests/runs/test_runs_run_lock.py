"""Two processes and one folder."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from stylized_nerf_jax.runs import run_lock

_HOLD = """
import pathlib, sys, time
from stylized_nerf_jax.runs import run_lock
with run_lock.hold(pathlib.Path(sys.argv[1])):
  print("held", flush=True)
  time.sleep(60)
"""


def test_a_second_holder_is_refused_and_told_of_the_first(tmp_path):
  with run_lock.hold(tmp_path):
    with pytest.raises(ValueError) as caught, run_lock.hold(tmp_path):
      pass
    message = str(caught.value)
    assert f"--workdir {tmp_path} is in use by process {os.getpid()}" in message
    assert socket.gethostname() in message and "since 20" in message
  with run_lock.hold(tmp_path):
    pass


def test_an_error_releases_the_lock_and_leaves_no_text(tmp_path, capsys):
  with pytest.raises(RuntimeError), run_lock.hold(tmp_path):
    raise RuntimeError
  assert (tmp_path / "lock").read_text() == ""
  with run_lock.hold(tmp_path):
    assert capsys.readouterr().err == ""


def test_the_lock_of_a_killed_process_is_free(tmp_path, capsys):
  process = subprocess.Popen(
    [sys.executable, "-c", _HOLD, str(tmp_path)],
    stdout=subprocess.PIPE,
    text=True,
  )
  with process:
    assert process.stdout.readline() == "held\n"
    with (
      pytest.raises(ValueError, match=f"process {process.pid} on"),
      run_lock.hold(tmp_path),
    ):
      pass
    process.send_signal(signal.SIGKILL)
    process.wait()
  with run_lock.hold(tmp_path):
    told = capsys.readouterr().err
    assert f"process {process.pid} on" in told and "going on" in told


def test_a_text_that_means_nothing_is_another_process(tmp_path, capsys):
  (tmp_path / "lock").write_text('{"pid"')
  with run_lock.hold(tmp_path):
    assert "another process ended" in capsys.readouterr().err
