"""The page's view: what is shown, from where, and how large."""

import math

from stylized_nerf_jax.viewer import shown
from stylized_nerf_jax.viewer.panel_page import Page

_FOVS = (5.0, 120.0)


class ViewPanel:
  """Of one client.

  Args:
    page: that it is on, whose tab is open.
  """

  def __init__(self, page: Page):
    self._page, self._quiet = page, False
    gui, session = page.client.gui, page.session
    output = gui.add_dropdown("Shown", shown.OUTPUTS)
    split = gui.add_slider("Before | after", 0.0, 1.0, 0.01, 0.5, visible=False)

    @output.on_update
    def _(_):
      split.visible = output.value == shown.SPLIT
      session.turn(output=output.value)

    split.on_update(lambda _: session.turn(split=split.value))
    self._photographs()
    with gui.add_folder("Camera"):
      self.fov = gui.add_slider(
        "Field of view",
        *_FOVS,
        0.5,
        _shown_fov(page.viewer.first_fov),
        hint="Of the height, in degrees",
      )
      reset = gui.add_button_group("Reset", ("view", "up"))
    self.fov.on_update(lambda _: self._zoom())
    reset.on_click(
      lambda _: (
        page.look_from_view(0) if reset.value == "view" else page.set_up()
      )
    )
    with gui.add_folder("Picture"):
      rows = gui.add_slider(
        "Rows",
        96,
        1088,
        2,
        page.viewer.rows,
        hint="Of the picture at rest; its width follows the window",
      )
      quality = gui.add_slider(
        "JPEG quality", 40, 100, 1, 90, hint="At rest; 100 sends PNG"
      )
      frusta = gui.add_checkbox("Photographs in 3D", False)
    rows.on_update(lambda _: page.resize(int(rows.value)))
    quality.on_update(lambda _: session.turn(quality=int(quality.value)))
    frusta.on_update(lambda _: page.show_photographs(frusta.value))
    self._status = gui.add_markdown("*warming up*")

  def tell(self, line: str) -> None:
    """Shows a line about the picture."""
    self._status.content = line

  def _photographs(self) -> None:
    gui, viewer = self._page.client.gui, self._page.viewer
    count = len(viewer.model.scene.cameras)
    self._number = gui.add_slider(
      "Photograph", 1, max(2, count), 1, 1, hint="Looks from where it was taken"
    )
    self._number.on_update(
      lambda _: self._page.look_from_view(
        min(count, int(self._number.value)) - 1
      )
    )

  def show_fov(self, fov: float) -> None:
    """Sets the slider, without turning the camera's."""
    self._quiet = True
    self.fov.value = _shown_fov(fov)
    self._quiet = False

  def _zoom(self) -> None:
    if not self._quiet:
      self._page.client.camera.fov = math.radians(self.fov.value)


def _shown_fov(fov: float) -> float:
  """As a slider shows it."""
  return round(2 * min(_FOVS[1], max(_FOVS[0], fov))) / 2
