"""The page's styles: paintings with weights, dials, regions, uploads."""

import collections
import pathlib
import shlex
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from stylized_nerf_jax import user_error
from stylized_nerf_jax.outputs import style_titles
from stylized_nerf_jax.stylizer import style_maps
from stylized_nerf_jax.viewer import uploads
from stylized_nerf_jax.viewer.panel_page import Page
from stylized_nerf_jax.viewer.region_panel import NONE, RegionPanel

_STRIP = (512, 72)
_MIX = "a mix, as below"
_AS_FINISHED = "as the run was finished"


class StylePanel:
  """Of one client.

  Args:
    page: that it is on, whose tab is open.
  """

  def __init__(self, page: Page):
    self._page, self._gui = page, page.client.gui
    self._weights: dict[str, object] = {}
    self._called: dict[str, str] = {}
    self._quiet = False
    gui, self._titles = self._gui, titles(page.viewer.model.styles)
    self._one = gui.add_dropdown(
      "Painting", (_MIX, NONE, *self._titles.values()), initial_value=_MIX
    )
    self._one.on_update(lambda _: self._choose(self._one.value))
    self._random = gui.add_button(
      "Random mix", hint="Weights of two or three paintings, drawn at random"
    )
    self._random.on_click(lambda _: self._draw())
    self._dials()
    self._upload = gui.add_upload_button(
      "Drop in a painting",
      mime_type="image/*",
      hint="Any picture; its palette comes at once, its strokes with add-style",
    )
    self._upload.on_upload(lambda event: self._take(event.target.value))
    self._said = gui.add_markdown("")
    self._paintings = gui.add_folder("Paintings and their weights")
    for i, (name, title) in enumerate(self._titles.items()):
      self._add(name, title, page.viewer.paintings.get(name), float(i == 0))
    RegionPanel(page, self._titles)
    page.limit_uploads(uploads.LARGEST, self._say)
    self._turned()

  @property
  def weights(self) -> dict[str, float]:
    """Of all paintings that have one."""
    return {k: s.value for k, s in self._weights.items() if s.value > 0}

  def show(self, weights: dict[str, float], intensity: float) -> None:
    """Sets weights and intensity, as a key of a path says."""
    self._set(weights)
    self._intensity.value = intensity

  def _dials(self) -> None:
    gui, session = self._gui, self._page.session
    with gui.add_folder("Dials"):
      self._intensity = gui.add_slider("Intensity", 0.0, 1.0, 0.01, 1.0)
      spread = gui.add_slider(
        "Spread",
        0.0,
        1.0,
        0.01,
        0.0,
        hint="From the mean of a style to how one photograph saw it",
      )
      palette = gui.add_slider(
        "Palette",
        0.0,
        1.0,
        0.01,
        1.0,
        hint="From the scene's own colours to the painting's",
      )
      kinds = (style_maps.NONE, style_maps.AFFINE, style_maps.TABLE)
      transfer = gui.add_dropdown(
        "Transfer",
        (_AS_FINISHED, *kinds),
        hint="How colours are brought to the painting's palette",
      )
    self._intensity.on_update(
      lambda _: session.turn(intensity=self._intensity.value)
    )
    spread.on_update(lambda _: session.turn(spread=spread.value))
    palette.on_update(lambda _: session.turn(palette=palette.value))

    @transfer.on_update
    def _(_):
      value = None if transfer.value == _AS_FINISHED else transfer.value
      session.turn(transfer=value)

  def _add(self, key: str, title: str, picture, weight: float) -> None:
    """Adds a painting's strip and its weight."""
    with self._paintings:
      if picture is not None:
        self._gui.add_image(strip(picture), format="jpeg", jpeg_quality=85)
      slider = self._gui.add_slider(title, 0.0, 1.0, 0.01, weight, hint=key)
    slider.on_update(lambda _: self._turned())
    self._weights[key], self._called[key] = slider, title

  def _choose(self, title: str) -> None:
    if self._quiet or title == _MIX:
      return
    keys = [k for k, called in self._called.items() if called == title]
    self._set({} if title == NONE else dict.fromkeys(keys, 1.0))

  def _draw(self) -> None:
    random = np.random.default_rng()
    keys = list(self._weights)
    count = min(len(keys), int(random.integers(2, 4)))
    drawn = random.choice(len(keys), count, replace=False)
    shares = random.dirichlet(np.full(count, 2.0)).round(2)
    self._set({keys[i]: float(w) for i, w in zip(drawn, shares)})

  def _set(self, weights: dict[str, float]) -> None:
    self._quiet = True
    for key, slider in self._weights.items():
      slider.value = round(float(weights.get(key, 0.0)), 4)
    self._quiet = False
    self._turned()

  def _turned(self) -> None:
    if self._quiet:
      return
    weights = self.weights
    self._quiet = True
    only = list(weights)
    self._one.value = (
      NONE if not only else self._called[only[0]] if len(only) == 1 else _MIX
    )
    self._quiet = False
    self._page.session.turn(weights=weights)

  def _take(self, dropped) -> None:
    viewer = self._page.viewer
    try:
      if len(self._weights) - len(viewer.model.styles) >= uploads.MOST:
        raise user_error.UserError(
          f"{uploads.MOST} paintings were dropped in already: load the page "
          "anew"
        )
      path, image = uploads.keep(
        viewer.out / "paintings",
        dropped.name,
        dropped.content,
        style_size=viewer.model.config.styles.style_size,
      )
    except user_error.UserError as error:
      self._say(str(error))
      return
    self._say(
      f"*{path.stem}* was never trained: its palette is put on. "
      + self._way_to_strokes(path)
    )
    key = str(path)
    title = style_titles.style_title(path.stem).text
    self._add(key, f"{title} (untrained)", image.image, 0.0)
    self._one.options = (_MIX, NONE, *self._called.values())
    self._set({key: 1.0})

  def _way_to_strokes(self, painting: pathlib.Path) -> str:
    """Says how a painting gets strokes: only a run can be added to."""
    source = self._page.viewer.source
    if not pathlib.Path(source).is_dir():
      return "Strokes need the run that this file was made of."
    command = shlex.join(["stylized-nerf", "add-style", source, str(painting)])
    return f"In a minute or two this gives it strokes:\n\n`{command}`"

  def _say(self, line: str) -> None:
    self._said.content = line


def titles(names: Sequence[str]) -> dict[str, str]:
  """What styles are called in the page, by their names; no two alike."""
  found = {name: style_titles.style_title(name).text for name in names}
  called = collections.Counter(found.values())
  return {
    name: f"{title} ({name})" if called[title] > 1 else title
    for name, title in found.items()
  }


def strip(picture: np.ndarray) -> np.ndarray:
  """Cuts a painting [H, W, 3] in [0, 1] to a strip for the panel, uint8."""
  pixels = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
  image = Image.fromarray(pixels)
  return np.asarray(ImageOps.fit(image, _STRIP, Image.Resampling.LANCZOS))


def command(source: str, file: pathlib.Path, out: pathlib.Path, dials) -> str:
  """The command that renders a saved path as the page shows it."""
  words = ["stylized-nerf", "render", str(source), "--camera-path", str(file)]
  words += ["--out", str(out)]
  if dials.spread > 0:
    words += ["--spread", f"{dials.spread:g}"]
  if dials.palette < 1:
    words += ["--palette", f"{dials.palette:g}"]
  if dials.transfer is not None:
    words += ["--transfer", dials.transfer]
  for name, style in dials.regions.items():
    words += ["--region", f"{name}={style or 'none'}"]
  if dials.regions:
    words += ["--feather", f"{dials.feather:g}"]
  return shlex.join(words)
