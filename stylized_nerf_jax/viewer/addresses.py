"""Addresses that pages are served at: which can be had, who reaches them."""

import socket

from stylized_nerf_jax import user_error
from stylized_nerf_jax.host import progress

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_port(host: str, port: int) -> None:
  """Raises ValueError where a port cannot be had.

  viser would take the next one that is free, and say nothing.
  """
  if not 0 < port < 65536:
    raise user_error.UserError(f"--port {port}; expected 1 to 65535")
  try:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family[0], socket.SOCK_STREAM) as tried:
      tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
      tried.bind(family[4])
  except OSError as error:
    raise user_error.UserError(
      f"--port {port} of {host} cannot be had: {error.strerror or error}; is "
      "another viewer open? Give another --port"
    ) from None


def is_loopback(host: str) -> bool:
  """Whether only this machine reaches an address."""
  return host in _LOOPBACK or host.startswith("127.")


def warn_of_others(command: str, host: str) -> None:
  """Says who reaches an address that others reach, too."""
  if not is_loopback(host):
    progress.say(
      f"{command}: --host {host}: whoever reaches this machine can use the "
      "page; it asks nobody who they are"
    )
