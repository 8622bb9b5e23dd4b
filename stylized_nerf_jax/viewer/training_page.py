"""A page of a run in training: its previews as they come, and how far it is.

Only what lies in the run's folder is read, in threads of the server: training
goes on whether anybody looks or not.
"""

import http.server
import importlib.resources
import json
import pathlib
import re
import socket
import threading
import urllib.parse
from typing import Any

from stylized_nerf_jax.phases import previews
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.training import metric_log
from stylized_nerf_jax.viewer import addresses

_PREVIEW = re.compile(rf"({'|'.join(run_folder.PHASES)})-(\d{{6,}})")
_HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; "
  "script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'",
  "X-Content-Type-Options": "nosniff",
}
# Losses and scores that stand under the pictures.
_SHOWN = ("loss", "psnr", "test_psnr")


def state(run: pathlib.Path) -> dict[str, Any]:
  """What there is to see of a run.

  Returns:
    {"name" of its folder, "previews": [{"folder", "phase", "step",
    "pictures": file names}], the oldest first, "last": the newest line of its
    metrics}.
  """
  found = []
  if (run / previews.FOLDER).is_dir():
    for folder in (run / previews.FOLDER).iterdir():
      match = _PREVIEW.fullmatch(folder.name)
      if match is None:
        continue
      found.append(
        {
          "folder": folder.name,
          "phase": match[1],
          "step": int(match[2]),
          "pictures": sorted(file.name for file in folder.glob("*.jpg")),
        }
      )
  found.sort(key=lambda e: (run_folder.PHASES.index(e["phase"]), e["step"]))
  rows = metric_log.MetricLog(run / "metrics.jsonl").read()[-1:]
  last = {
    name: rows[0][name]
    for name in ("phase", "step", *_SHOWN)
    if rows and rows[0].get(name) is not None
  }
  return {"name": run.resolve().name, "previews": found, "last": last}


class TrainingPage:
  """Serves the page of one run.

  Args:
    run: its folder, which need not be there yet.
  """

  def __init__(self, run: str | pathlib.Path):
    self._run = pathlib.Path(run)
    self._server: _Server | None = None

  def start(self, host: str, port: int) -> str:
    """Serves, in threads of its own; returns the page's address.

    Raises:
      ValueError: the port is in use, or cannot be had.
    """
    addresses.check_port(host, port)
    handler = _handler(self._run, host)
    self._server = _Server(host, port, handler)
    threading.Thread(
      target=self._server.serve_forever, name="training page", daemon=True
    ).start()
    return f"http://{host}:{port}"

  def stop(self) -> None:
    """Ends the server."""
    if self._server is not None:
      self._server.shutdown()
      self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
  """Of any family of addresses; nobody waits for its threads."""

  daemon_threads = True

  def __init__(self, host: str, port: int, handler: type):
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    self.address_family = found[0]
    super().__init__(found[4][:2], handler)


def _handler(run: pathlib.Path, host: str) -> type:
  page = importlib.resources.files(__package__) / "training_page.html"
  text = page.read_bytes()

  class Handler(http.server.BaseHTTPRequestHandler):
    """Answers what the page asks for, and nothing else."""

    def do_GET(self) -> None:
      """Answers one request."""
      # A page elsewhere whose name leads to this machine is not answered.
      name = self.headers.get("Host", "").rpartition(":")[0].strip("[]")
      if addresses.is_loopback(host) and not addresses.is_loopback(name):
        self._answer(403, "text/plain", b"not at this name")
        return
      path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
      if path == "/":
        self._answer(200, "text/html; charset=utf-8", text)
      elif path == "/state":
        found = json.dumps(state(run)).encode()
        self._answer(200, "application/json", found)
      else:
        self._picture(path)

    def _picture(self, path: str) -> None:
      """A file of a preview, by the names of both and no other way."""
      for one in state(run)["previews"]:
        for name in one["pictures"]:
          if path == f"/{one['folder']}/{name}":
            file = run / previews.FOLDER / one["folder"] / name
            try:
              found = file.read_bytes()
            except FileNotFoundError:
              break
            self._answer(200, "image/jpeg", found)
            return
      self._answer(404, "text/plain", b"nothing here")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
      self.send_response(status)
      for header, value in _HEADERS.items():
        self.send_header(header, value)
      self.send_header("Content-Type", kind)
      self.send_header("Content-Length", str(len(body)))
      self.end_headers()
      self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
      """Says nothing: the terminal is the training's."""

  return Handler
