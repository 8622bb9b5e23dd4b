"""`stylized-nerf view`: what it says before anything is loaded or served."""

import importlib.util
import socket

import pytest

from stylized_nerf_jax.cli import main
from stylized_nerf_jax.viewer import addresses


def refused(capsys, *arguments) -> str:
  assert main.main(["view", *map(str, arguments)]) == 2
  line = capsys.readouterr().err
  assert line.count("\n") == 1
  return line


def test_a_port_in_use_is_one_line(finished_run, capsys):
  with socket.socket() as taken:
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    port = taken.getsockname()[1]
    line = refused(capsys, finished_run, "--port", port)
  assert f"--port {port} of 127.0.0.1 cannot be had" in line
  assert "Give another --port" in line


@pytest.mark.parametrize("port", [0, 70000, -1])
def test_ports_that_are_none(finished_run, capsys, port):
  line = refused(capsys, finished_run, f"--port={port}")
  assert f"--port {port}; expected 1 to 65535" in line


def test_a_host_that_is_none(finished_run, capsys):
  line = refused(capsys, finished_run, "--host", "no such host")
  assert "cannot be had" in line


def test_the_extra_is_named(finished_run, capsys, monkeypatch):
  monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
  assert "stylized-nerf-jax[viewer]" in refused(capsys, finished_run)


def test_a_run_that_is_not_there(capsys, tmp_path):
  assert "no such run" in refused(capsys, tmp_path / "absent")


@pytest.mark.parametrize(
  ("host", "only_here"),
  [
    ("127.0.0.1", True),
    ("localhost", True),
    ("127.1.2.3", True),
    ("::1", True),
    ("0.0.0.0", False),
    ("192.168.1.5", False),
  ],
)
def test_which_addresses_are_this_machine_alone(host, only_here):
  assert addresses.is_loopback(host) == only_here
