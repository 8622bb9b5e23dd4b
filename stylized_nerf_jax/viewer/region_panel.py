"""The page's regions: a style for each, and new ones picked by clicks."""

import pathlib
import shlex
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from stylized_nerf_jax import region_file, user_error
from stylized_nerf_jax.regions import evidence as evidence_lib
from stylized_nerf_jax.tasks import region_making
from stylized_nerf_jax.viewer.clicks import Clicks
from stylized_nerf_jax.viewer.panel_page import Page

NONE = "none: as photographed"
_AS_ALL = "as all else"
_PICK, _PICKING = "Pick in the picture", "Picking: end without one"
_HELP = (
  "Click what belongs to it; with Shift, what does not. Moving the camera "
  "begins anew."
)
# Marks of clicks, in the page's units before the camera.
_AWAY, _RADIUS = 0.5, 0.004
_INSIDE, _OUTSIDE = (80, 210, 110), (225, 70, 60)


class RegionPanel:
  """Of one client.

  Args:
    page: that it is on, whose folder of styles is open.
    titles: what styles are called, by their names.
  """

  def __init__(self, page: Page, titles: Mapping[str, str]):
    self._page, self._gui = page, page.client.gui
    self._names = {title: name for name, title in titles.items()}
    self._chosen: dict[str, Any] = {}
    self._clicks: Clicks | None = None
    self._marks: list[Any] = []
    self._lock = threading.Lock()
    regions = page.viewer.model.regions
    known = [name for name, one in regions.items() if not one.stale]
    is_run = pathlib.Path(page.viewer.source).is_dir()
    if not known and not is_run:
      return  # A model's file, to which none can be added.
    self._folder = self._gui.add_folder("Regions")
    with self._folder:
      feather = self._gui.add_slider("Feather", 0.0, 1.0, 0.01, 0.15)
      feather.on_update(lambda _: page.session.turn(feather=feather.value))
      if is_run:
        self._picker()
    for name in known:
      self._add(name)

  def _picker(self) -> None:
    gui = self._gui
    self._name = gui.add_text("New region", "", hint="Its name, as in commands")
    self._pick = gui.add_button(_PICK, hint=_HELP)
    self._pick.on_click(lambda _: self._turn())
    self._make = gui.add_button("Make it", disabled=True)
    self._make.on_click(lambda _: self._fit())
    self._said = gui.add_markdown("")

  def _add(self, name: str) -> None:
    """Adds the styles of a region."""
    with self._folder:
      chosen = self._gui.add_dropdown(name, (_AS_ALL, NONE, *self._names))
    self._chosen[name] = chosen
    chosen.on_update(lambda _: self._turned())

  def _turned(self) -> None:
    styles = {
      name: self._names.get(one.value)  # None: as photographed.
      for name, one in self._chosen.items()
      if one.value != _AS_ALL
    }
    self._page.session.turn(regions=styles)

  def _turn(self) -> None:
    """Begins to pick, or ends it."""
    if self._clicks is None:
      self._begin()
    else:
      self._end()
      self._said.content = ""

  def _begin(self) -> None:
    """Looks from the nearest photograph, whose pixels clicks are."""
    page = self._page
    scene, camera = page.viewer.model.scene, page.session.camera
    if camera is None:
      return
    away = scene.cameras.centers - camera.camera_to_world[:3, 3]
    view = int(np.argmin(np.linalg.norm(away, axis=-1)))
    self._clicks = Clicks(scene, page.viewer.world, view)
    page.look_from_view(view)
    click = page.client.scene.on_click
    click()(lambda event: self._clicked(event, True))
    click(modifier="shift")(lambda event: self._clicked(event, False))
    self._pick.label = _PICKING
    self._said.content = _HELP

  def _end(self) -> None:
    self._page.client.scene.remove_click_callback("all")
    self._clicks = None
    self._clear()
    self._pick.label = _PICK

  def _clear(self) -> None:
    for mark in self._marks:
      mark.remove()
    self._marks = []
    self._make.disabled = True

  def _clicked(self, event, inside: bool) -> None:
    with self._lock:
      clicks = self._clicks
      if clicks is None:
        return
      if not clicks.stands_at(event.ray_origin):
        # Seen from elsewhere it is another pixel, and perhaps hidden.
        clicks.clear()
        self._clear()
        self._page.look_from_view(clicks.view)
        self._said.content = "Back at the photograph: click again."
        return
      if not clicks.add(event.ray_direction, inside=inside):
        self._said.content = "That is outside of the photograph."
        return
      place = np.asarray(event.ray_origin) + _AWAY * np.asarray(
        event.ray_direction
      )
      mark = self._page.client.scene.add_icosphere(
        f"/clicks/{len(self._marks)}",
        radius=_RADIUS,
        color=_INSIDE if inside else _OUTSIDE,
        position=tuple(place),
      )
      self._marks.append(mark)
      self._make.disabled = not clicks.inside
      self._said.content = clicks.in_words()

  def _fit(self) -> None:
    """Makes the region that was picked, which takes some seconds."""
    clicks, name = self._clicks, self._name.value.strip()
    if clicks is None or not clicks.inside:
      return
    source = self._page.viewer.source
    evidence = evidence_lib.Evidence(
      views=(clicks.view,),
      inside=tuple(clicks.inside),
      outside=tuple(clicks.outside),
    )
    try:
      region_file.path_of(source, name)
    except user_error.UserError as error:
      self._said.content = str(error)
      return
    self._make.disabled = True
    self._said.content = f"Making *{name}*, which takes some seconds."
    try:
      region = region_making.make(source, name, lambda _: evidence)
    except user_error.UserError as error:
      self._said.content = str(error)
      self._make.disabled = False
      return
    words = ["stylized-nerf", "region", source, "--name", name]
    command = shlex.join([*words, *clicks.options()])
    self._end()
    self._page.viewer.add_region(region)
    self._add(name)
    self._said.content = (
      f"*{region_making.in_words(region)}*. The same again:\n\n`{command}`"
    )
