"""The page of one client: its camera, panels and pictures."""

import logging
import math
import time
from typing import TYPE_CHECKING

from stylized_nerf_jax.scenes import camera_path
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.viewer import session as session_lib
from stylized_nerf_jax.viewer.panel_page import Shown
from stylized_nerf_jax.viewer.path_panel import PathPanel
from stylized_nerf_jax.viewer.request_states import State
from stylized_nerf_jax.viewer.style_panel import StylePanel
from stylized_nerf_jax.viewer.view_panel import ViewPanel

if TYPE_CHECKING:
  import viser

_LOG = logging.getLogger(__name__)
_STATUS_EVERY = 0.25
_BEST_JPEG = 100


class ClientPage:
  """Of one client.

  Args:
    viewer: what is shown.
    client: viser's.

  Attributes:
    viewer, client: as given.
    session: which renders for it.
    styles: the panel of styles.
  """

  def __init__(self, viewer: Shown, client: "viser.ClientHandle"):
    # An extra: importing this module does not need it.
    from viser import Icon

    self.viewer, self.client = viewer, client
    self._rows = viewer.rows
    self._told_at, self._sent_at = 0.0, 0.0
    self._gap = 1.0
    self.session = session_lib.Session(
      viewer.blocks, device=viewer.device, send=self._send, say=self.report
    )
    self.session.turn(rows=self._rows)
    tabs = client.gui.add_tab_group()
    with tabs.add_tab("View", Icon.EYE):
      self._view = ViewPanel(self)
    with tabs.add_tab("Style", Icon.PALETTE):
      self.styles = StylePanel(self)
    with tabs.add_tab("Camera path", Icon.VIDEO):
      self._path = PathPanel(self)
    self._frusta: list = []
    client.camera.on_update(lambda _: self._moved())
    self.session.start()
    self._moved()

  def close(self) -> None:
    """Ends everything of a client that has gone."""
    self.session.stop()
    self._path.close()

  def join(self, seconds: float) -> bool:
    """Waits for the threads of a page that was closed."""
    return self.session.join(seconds) and self._path.join(seconds)

  def look_from(self, camera_to_world, fov: float) -> None:
    """Puts the client's camera at a pose of the file frame; fov in degrees."""
    wxyz, position = self.viewer.world.pose(camera_to_world)
    camera = self.client.camera
    with self.client.atomic():
      camera.wxyz, camera.position = wxyz, position
      camera.fov = math.radians(fov)
    self._view.show_fov(fov)
    self._moved()

  def look_from_view(self, view: int) -> None:
    """Puts it where a photograph was taken, the view of that number."""
    camera = self.viewer.model.scene.cameras[view]
    fov = camera_path.fov_of(camera)
    self.look_from(camera.camera_to_world, fov)

  def set_up(self) -> None:
    """Sets the client's camera upright."""
    self.client.camera.up_direction = self.viewer.world.up

  def resize(self, rows: int) -> None:
    """Renders pictures of so many rows."""
    self._rows = rows
    self.session.turn(rows=rows)
    self._moved()

  def show_photographs(self, shown: bool) -> None:
    """Draws frusta where photographs were taken, or removes them."""
    for node in self._frusta:
      node.remove()
    self._frusta = self.viewer.draw_photographs(self) if shown else []

  def limit_uploads(self, largest: int, say) -> None:
    """Drops uploads of more bytes than that while they arrive.

    viser 1.1 has no limit of its own; what lies behind these names is only
    looked at, and where it is missing the size is checked at the end.
    """
    from viser import _messages

    gui = self.client.gui
    states = getattr(gui, "_current_file_upload_states", None)
    connection = getattr(gui, "_websock_interface", None)
    if states is None or connection is None:
      return

    def check(_, message) -> None:
      state = states.get(message.transfer_uuid)
      if state is None:
        return
      if max(state["total_bytes"], state["transferred_bytes"]) > largest:
        states.pop(message.transfer_uuid, None)
        say(
          f"**{state['filename']}: more than {largest // 2**20} MiB; expected "
          "a smaller file**"
        )

    connection.register_handler(_messages.FileTransferStartUpload, check)
    connection.register_handler(_messages.FileTransferPart, check)

  def report(self, what: str, error: Exception) -> None:
    """Says in the page and in the log what went wrong."""
    _LOG.error("viewer: %s: %s", what, error, exc_info=error)
    self.client.add_notification(
      what.capitalize(), f"{type(error).__name__}: {error}", color="red"
    )

  def _moved(self) -> None:
    camera = self._camera()
    if camera is not None:
      self.session.move(camera)

  def _camera(self) -> scene_lib.Camera | None:
    camera = self.client.camera
    if camera.update_timestamp == 0.0:
      return None  # The page has not said yet where it looks from.
    return self.viewer.world.camera(
      camera.wxyz,
      camera.position,
      fov=camera.fov,
      aspect=camera.aspect,
      rows=self._rows,
    )

  def _send(self, made: session_lib.Picture) -> None:
    png = made.quality >= _BEST_JPEG
    self.client.scene.set_background_image(
      made.pixels,
      format="png" if png else "jpeg",
      jpeg_quality=made.quality,
    )
    self.client.flush()
    now = time.monotonic()
    self._gap += 0.3 * (now - self._sent_at - self._gap)
    self._sent_at = now
    if now - self._told_at >= _STATUS_EVERY or made.done:
      self._told_at = now
      self._view.tell(self._status(made))

  def _status(self, made: session_lib.Picture) -> str:
    height, width = made.pixels.shape[:2]
    line = f"{width} x {height}"
    if made.state is State.LOW_MOVING:
      return f"{line}, {1 / max(self._gap, 1e-3):.1f} pictures a second"
    if made.done:
      return f"{line}, finished in {made.seconds:.1f} s"
    return f"{line}, being refined"
