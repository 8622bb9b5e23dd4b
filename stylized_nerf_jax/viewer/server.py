"""The viewer: a server of pages that show one model."""

import dataclasses
import pathlib
import threading
import time
from typing import Any

import numpy as np

from stylized_nerf_jax import model as model_lib
from stylized_nerf_jax import region_file, user_error
from stylized_nerf_jax.host import progress
from stylized_nerf_jax.phases import run_styles
from stylized_nerf_jax.runs import run_folder
from stylized_nerf_jax.scenes import camera_path
from stylized_nerf_jax.viewer import addresses
from stylized_nerf_jax.viewer.world import World

# Pixels of a block, and the seconds that one may take.
_BLOCK = 2048
_SMALLEST_BLOCK = 256
_BLOCK_SECONDS = 0.05
_LARGEST_BLOCK = 32768
_ROWS = (360, 540)  # of a picture, unless somebody asks for others
_FRUSTA = 120
_THUMBNAIL_ROWS = 36
# For blocks and frames that are worked on when all ends.
_GOODBYE_SECONDS = 20.0


class Viewer:
  """Of one model.

  Args:
    model: what is shown.
    source: its run's folder, or its file.
    out: folder of films, camera paths and paintings that are dropped in.

  Attributes:
    model, source, out: as given.
    blocks: renders for all clients.
    device: lock of whoever renders.
    world: the page's coordinates.
    paintings: by style, [H, W, 3] in [0, 1], as far as they are at hand.
    rows: of pictures at first.
    first_fov: of the first photograph, in degrees.
    frustum_scale: of what is drawn where a photograph was taken.
  """

  def __init__(
    self,
    model: model_lib.StylizedNerf,
    source: str | pathlib.Path,
    out: pathlib.Path,
  ):
    self._regions = dict(model.regions)
    self.model = dataclasses.replace(model, regions=self._regions)
    self.source, self.out = str(source), out
    self.device = threading.Lock()
    self.world = World(model.scene)
    self.blocks = _warm(self.model)
    self.paintings = _paintings(source)
    first = model.scene.cameras[0]
    self.rows = int(np.clip(first.height, *_ROWS)) // 2 * 2
    self.first_fov = camera_path.fov_of(first)
    self.frustum_scale = float(np.clip(0.6 * self.world.spacing, 0.03, 0.4))
    self._pages: dict[int, Any] = {}
    self._lock = threading.Lock()
    self._thumbnails: dict[int, np.ndarray] = {}
    self._server = None

  def start(self, host: str, port: int) -> str:
    """Serves pages, in threads of its own; returns their address.

    Raises:
      ValueError: the port is in use, or cannot be had.
    """
    addresses.check_port(host, port)
    import viser

    from stylized_nerf_jax.viewer import page

    server = viser.ViserServer(
      host=host, port=port, label="stylized-nerf", verbose=False
    )
    self._server = server
    server.gui.configure_theme(
      control_width="medium",
      dark_mode=True,
      show_logo=False,
      show_share_button=False,
      brand_color=(214, 120, 44),
    )
    server.gui.main_panel.dock_right()
    server.scene.set_up_direction(tuple(self.world.up))
    first = self.model.scene.cameras[0]
    _, position = self.world.pose(first.camera_to_world)
    server.initial_camera.position = position
    server.initial_camera.look_at = self._look_at(first, position)
    server.initial_camera.fov = np.radians(self.first_fov)

    @server.on_client_connect
    def _(client):
      made = page.ClientPage(self, client)
      with self._lock:
        self._pages[client.client_id] = made
      if client.client_id not in server.get_clients():
        left(client)  # While its page was made.

    @server.on_client_disconnect
    def left(client):
      with self._lock:
        gone = self._pages.pop(client.client_id, None)
      if gone is not None:
        gone.close()

    return f"http://{host}:{port}"

  def stop(self) -> None:
    """Ends all pages and the server."""
    with self._lock:
      pages = list(self._pages.values())
      self._pages.clear()
    for one in pages:
      one.close()
    for one in pages:
      one.join(_GOODBYE_SECONDS)
    if self._server is not None:
      self._server.stop()

  def add_region(self, region: region_file.Region) -> None:
    """Adds a part of the scene that has been made meanwhile."""
    self._regions[region.name] = region

  def draw_photographs(self, page) -> list:
    """Draws where photographs were taken, for one client; returns its nodes."""
    nodes = []
    views = len(self.model.scene.cameras)
    chosen = np.linspace(0, views - 1, min(views, _FRUSTA)).round().astype(int)
    for view in map(int, chosen):
      camera = self.model.scene.cameras[view]
      wxyz, position = self.world.pose(camera.camera_to_world)
      node = page.client.scene.add_camera_frustum(
        f"/photographs/{view}",
        fov=np.radians(camera_path.fov_of(camera)),
        aspect=camera.width / camera.height,
        scale=self.frustum_scale,
        image=self._thumbnail(view),
        color=(230, 230, 230),
        thickness=1.0,
        thickness_units="screen",
        wxyz=wxyz,
        position=position,
      )
      node.on_click(
        lambda _, camera=camera: page.look_from(
          camera.camera_to_world, camera_path.fov_of(camera)
        )
      )
      nodes.append(node)
    return nodes

  def _look_at(self, camera, position: np.ndarray) -> np.ndarray:
    """A point in front of a camera, as far away as what all look at."""
    away = np.linalg.norm(self.world.target - position)
    return position - away * camera.camera_to_world[:3, 2]

  def _thumbnail(self, view: int) -> np.ndarray:
    """A photograph as the radiance field has it: [h, w, 3] uint8."""
    if view not in self._thumbnails:
      camera = self.model.scene.cameras[view]
      camera = camera.scaled(_THUMBNAIL_ROWS / camera.height)
      arrays = self.blocks.camera(camera)
      pixels = np.arange(camera.width * camera.height, dtype=np.int32)
      parts = []
      for start in range(0, len(pixels), self.blocks.block):
        rows = pixels[start : start + self.blocks.block]
        with self.device:
          traced = self.blocks.trace(arrays, rows, camera.width)
        parts.append(traced.photographed.rgb)
      rgb = np.concatenate(parts).reshape(camera.height, camera.width, 3)
      self._thumbnails[view] = np.round(np.clip(rgb, 0, 1) * 255).astype(
        "uint8"
      )
    return self._thumbnails[view]


def _warm(model: model_lib.StylizedNerf):
  """Compiles what pictures are made of; blocks are as large as is quick."""
  block = _BLOCK
  while True:
    progress.say(f"compiling, for blocks of {block} pixels")
    blocks = model.blocks(block)
    seconds = _time_block(model, blocks)
    if seconds > 3 * _BLOCK_SECONDS and block > _SMALLEST_BLOCK:
      block //= 4
    elif seconds < _BLOCK_SECONDS / 20 and block < _LARGEST_BLOCK:
      block *= 8
    else:
      return blocks


def _time_block(model: model_lib.StylizedNerf, blocks) -> float:
  """Traces and paints a block; the better of two times, in seconds."""
  camera = model.scene.cameras[0]
  arrays = blocks.camera(camera)
  index = np.arange(blocks.block, dtype=np.int32)
  index %= camera.width * camera.height
  style = model.styles[0] if model.styles else None
  paint = blocks.paint_of(camera, style)
  times = []
  for _ in range(3):
    start = time.monotonic()
    traced = blocks.trace(arrays, index, camera.width)
    painted = blocks.paint(arrays, index, camera.width, traced, paint)
    blocks.shown(traced.photographed, painted, paint)
    times.append(time.monotonic() - start)
  if model.styles:  # Intensities below 1 mix in another compiled function.
    half = blocks.paint_of(camera, style, intensity=0.5, palette=0.5)
    blocks.shown(traced.photographed, painted, half)
  return min(times[1:])


def _paintings(source: str | pathlib.Path) -> dict[str, np.ndarray]:
  """The paintings of a run; those of a model's file are not at hand."""
  if not pathlib.Path(source).is_dir():
    return {}
  try:
    stored = run_styles.stored(run_folder.RunFolder(source))
  except user_error.UserError as error:
    progress.say(f"viewer: no thumbnails of paintings: {error}")
    return {}
  return {name: one.image for name, one in stored.items()}
