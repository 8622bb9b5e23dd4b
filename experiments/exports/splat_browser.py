"""Splat files drawn by a WebGL renderer of others, in headless Chromium.

The renderer is `@mkkellogg/gaussian-splats-3d` (npm), whose drawing knows
nothing of this project. Chromium draws on the processor (SwiftShader).
"""

import base64
import contextlib
import io
import mimetypes
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image
from playwright import sync_api

from stylized_nerf_jax.scenes import cameras as cameras_lib

PACKAGES = ("three@0.187.0", "@mkkellogg/gaussian-splats-3d@0.4.7")
_PAGE = pathlib.Path(__file__).with_name("splat_page.html")
_HOST = "http://splats.test"
_FLAGS = (
  "--no-sandbox",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--ignore-gpu-blocklist",
)
_NEAR, _FAR = 0.01, 1e4
_MINUTES = 60_000.0


@contextlib.contextmanager
def page(chromium: str, packages: pathlib.Path) -> Iterator[sync_api.Page]:
  """Opens the page that draws.

  Args:
    chromium: the program.
    packages: folder that holds `node_modules` with `PACKAGES`.
  """
  with sync_api.sync_playwright() as player:
    browser = player.chromium.launch(executable_path=chromium, args=_FLAGS)
    opened = browser.new_page()
    opened.set_default_timeout(10 * _MINUTES)
    opened.on("console", lambda m: print("browser:", m.text))
    opened.on("pageerror", lambda e: print("browser:", e))
    opened.route("**/*", lambda route: _serve(route, packages))
    yield opened
    browser.close()


def draw(
  opened: sync_api.Page,
  file: pathlib.Path,
  cameras: Sequence[cameras_lib.Camera],
  axes: np.ndarray,
) -> list[np.ndarray]:
  """Draws a file as pinhole cameras see it, over black.

  Args:
    opened: from `page`.
    file: PLY.
    cameras: of one size, file frame.
    axes: [4, 4], from that to the frame of the splats.

  Returns:
    [H, W, 3] in [0, 1] of each camera.
  """
  opened.goto(f"{_HOST}/page.html")
  opened.wait_for_function("window.ready === true")
  first = cameras[0]
  opened.evaluate(
    "([url, width, height]) => window.begin(url, width, height)",
    [f"{_HOST}/file{file.resolve()}", first.width, first.height],
  )
  found = []
  for camera in cameras:
    pose = axes @ camera.camera_to_world
    url = opened.evaluate(
      "([pose, projection]) => window.draw(pose, projection)",
      [pose.ravel().tolist(), _projection(camera, pose).ravel().tolist()],
    )
    data = base64.b64decode(url.partition(",")[2])
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    found.append(np.asarray(picture, np.float32) / 255.0)
  return found


def _projection(camera: cameras_lib.Camera, pose: np.ndarray) -> np.ndarray:
  """Returns OpenGL's projection of a pinhole, which keeps its middle."""
  width, height = camera.width, camera.height
  return np.array(
    [
      [2 * camera.fl_x / width, 0, 1 - 2 * camera.cx / width, 0],
      [0, 2 * camera.fl_y / height, 2 * camera.cy / height - 1, 0],
      [
        0,
        0,
        -(_FAR + _NEAR) / (_FAR - _NEAR),
        -2 * _FAR * _NEAR / (_FAR - _NEAR),
      ],
      [0, 0, -1, 0],
    ]
  )


def _serve(route: sync_api.Route, packages: pathlib.Path) -> None:
  """Answers from the disk; nothing is fetched from anywhere."""
  path = route.request.url.removeprefix(_HOST).partition("?")[0]
  if path == "/page.html":
    file = _PAGE
  elif path.startswith("/file/"):
    file = pathlib.Path(path.removeprefix("/file"))
  else:
    file = packages / path.lstrip("/")
  if not file.is_file():
    route.fulfill(status=404)
    return
  kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
  route.fulfill(body=file.read_bytes(), content_type=kind)
