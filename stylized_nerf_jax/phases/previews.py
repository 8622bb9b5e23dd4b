"""Pictures of a run while it trains: RUN/previews.

One training camera, small, as photographed and in every painting: in phase 1 as
the growing field has it, with AdaIN on that one picture; in phase 2 as the
decoder paints it; in phase 3 as the style field does, and in the finish style
by style. What is trained is only read: a run with previews comes to the same
bits as one without, and they are no input of any phase.
"""

import functools
import pathlib
import shutil
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from stylized_nerf_jax.host import disk, processes, progress
from stylized_nerf_jax.models import renderers
from stylized_nerf_jax.networks import stylizer_nets
from stylized_nerf_jax.outputs import contact_sheet, image_writer
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.runs import preview_pace, run_folder
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.stylizer import adain, stylize, vgg

FOLDER, LATEST = "previews", "latest.jpg"
PHOTOGRAPHED = "photographed"
_QUALITY = 85
_SHEET_TILE = 252


class Previews:
  """Makes the previews of one command that trains.

  Args:
    config: of the run.
    run: its folder.
    record: of its scene.
    nets: the 2D networks; None: nothing but the field is shown.
    facts: what they see of the styles; None as well.
    pace: says when one is due; None: as the config asks for.

  Attributes:
    are_made: whether there are any: the config asks for them, and one process
      trains alone (a rendering is shared among all of them).
  """

  def __init__(
    self,
    config,
    run: run_folder.RunFolder,
    record: scene_record.SceneRecord,
    nets: stylizer_nets.Nets | None = None,
    facts: stylizer_nets.StyleFacts | None = None,
    *,
    pace: preview_pace.PreviewPace | None = None,
  ):
    options = config.previews
    self.are_made = bool(options.every_seconds) and processes.count() == 1
    self._pace = pace or preview_pace.PreviewPace(options.every_seconds)
    self._config, self._record = config, record
    self._folder = run.path / FOLDER
    self._nets, self._facts = nets, facts
    self._side = options.size
    self._frozen: dict[str, Any] = {}  # Of the field that has been trained.
    self._shown: dict[str, np.ndarray] = {}

  def due(self, phase: str) -> bool:
    """Tells whether it is time for one; steps should be done when it is made.

    Args:
      phase: of the run.
    """
    return self.are_made and self._pace.due(phase)

  def of_field(self, step: int, params) -> None:
    """Shows the field of phase 1.

    Args:
      step: of its training.
      params: the field's.
    """
    with self._pace.taking("radiance_field"):
      view = self._render_field(params)
      shown = {PHOTOGRAPHED: view}
      if self._nets is not None:
        painted = self._by_decoder(self._nets.decoder, self._encode(view))
        shown |= {f"{name}-2D": rgb for name, rgb in painted.items()}
      self._write("radiance_field", step, shown)

  def of_decoder(self, step: int, decoder, field_params) -> None:
    """Shows what phase 2's decoder makes of the scene.

    Args:
      step: of its training.
      decoder: its parameters.
      field_params: of the frozen field.
    """
    with self._pace.taking("stylizer"):
      view = self._frozen_view(field_params)
      painted = self._by_decoder(decoder, self._frozen_features(field_params))
      self._write("stylizer", step, {PHOTOGRAPHED: view, **painted})

  def of_style_field(self, step: int, style_field, field_params) -> None:
    """Shows the style field of phase 3.

    Args:
      step: of its training.
      style_field: its parameters.
      field_params: of the frozen field.
    """
    with self._pace.taking("mutual_learning"):
      view = self._frozen_view(field_params)
      assert self._facts is not None
      codes = dict(zip(self._facts.names, self._facts.latent_mean))
      painted = self._in_styles(codes, style_field, field_params)
      self._write("mutual_learning", step, {PHOTOGRAPHED: view, **painted})

  def of_finish(
    self,
    step: int,
    number: int,
    codes: Mapping[str, np.ndarray],
    style_field,
    before,
    field_params,
  ) -> None:
    """Shows the style that is being finished.

    Args:
      step: of the finish, of all styles.
      number: of the style among those of `codes`.
      codes: mean codes [L] of the styles that the run shows, by name.
      style_field: its parameters.
      before: those that it began with, in which styles are shown that are not
        begun.
      field_params: of the frozen field.
    """
    with self._pace.taking("finish"):
      if not set(codes) <= set(self._shown):
        self._shown = {
          PHOTOGRAPHED: self._frozen_view(field_params),
          **self._in_styles(codes, before, field_params),
        }
      name = list(codes)[number]
      painted = self._renderers.whole(True)(
        {
          "field": field_params,
          "style_field": style_field,
          "latent": np.asarray(codes[name], np.float32),
        },
        *self._view,
      )
      self._shown[name] = painted.rgb
      self._write("finish", step, self._shown)

  @functools.cached_property
  def _renderers(self) -> renderers.Renderers:
    return renderers.Renderers(self._config, self._record)

  @functools.cached_property
  def _view(self) -> tuple[rays_lib.CameraArrays, int, int]:
    """The camera, and its picture's height and width."""
    cameras = self._record.split("train")
    camera = cameras[len(cameras) // 2]
    longest = max(camera.width, camera.height)
    camera = camera.scaled(min(1.0, self._side / longest))
    arrays = rays_lib.camera_arrays(camera, self._record.normalization)
    return arrays, camera.height, camera.width

  def _render_field(self, params) -> np.ndarray:
    return self._renderers.whole(False)({"field": params}, *self._view).rgb

  def _frozen_view(self, field_params) -> np.ndarray:
    """The view of the field that is not trained any more, rendered once."""
    if "view" not in self._frozen:
      self._frozen["view"] = self._render_field(field_params)
    return self._frozen["view"]

  def _frozen_features(self, field_params) -> jax.Array:
    if "features" not in self._frozen:
      view = self._frozen_view(field_params)
      self._frozen["features"] = self._encode(view)
    return self._frozen["features"]

  def _in_styles(
    self, codes: Mapping[str, np.ndarray], style_field, field_params
  ) -> Mapping[str, np.ndarray]:
    """Renders the view in the mean codes of all styles, its geometry once."""
    variables = {
      "field": field_params,
      "style_field": style_field,
      "latents": np.stack(list(codes.values())).astype(np.float32),
    }
    painted = self._renderers.whole(True, in_styles=True)(
      variables, *self._view
    )
    return {name: painted.rgb[:, :, i] for i, name in enumerate(codes)}

  def _encode(self, view: np.ndarray) -> jax.Array:
    assert self._nets is not None
    return self._encoding(self._nets.encoder.params, view)

  @functools.cached_property
  def _encoding(self) -> Callable:
    assert self._nets is not None
    layout = self._nets.encoder.layout

    @jax.jit
    def encode(params, picture):
      padded = stylize.pad_to_stride(picture[None])
      features = vgg.VggEncoder(layout).apply({"params": params}, padded)
      return adain.normalise(features["relu4_1"])

    return encode

  @functools.cached_property
  def _decoding(self) -> Callable:
    _, height, width = self._view

    @jax.jit
    def decode(params, features, mean, std):
      target = adain.restyle(features, mean, std)
      return stylize.decode(params, target, height, width)[0]

    return decode

  def _by_decoder(self, decoder, features) -> Mapping[str, np.ndarray]:
    """Paints the view in all styles as a picture of its own."""
    facts = self._facts
    assert facts is not None
    means, stds = facts.statistics["relu4_1"]
    return {
      name: np.asarray(self._decoding(decoder, features, means[i], stds[i]))
      for i, name in enumerate(facts.names)
    }

  def _write(
    self, phase: str, step: int, shown: Mapping[str, np.ndarray]
  ) -> None:
    """Writes pictures and a contact sheet; the newest sheet is `LATEST`."""
    folder = self._folder / f"{phase}-{step:06d}"
    partial = self._folder / f".{folder.name}.partial"
    try:
      for stale in (partial, folder):
        shutil.rmtree(stale, ignore_errors=True)
      for name, rgb in shown.items():
        file = _file_name(name)
        image_writer.save_image(partial / file, rgb, quality=_QUALITY)
      sheet = self._folder / f".{LATEST}"
      contact_sheet.save_contact_sheet(
        sheet.with_suffix(".partial.jpg"),
        [_enlarged(rgb) for rgb in shown.values()],
        labels=[
          f"{phase}, step {step}" if name == PHOTOGRAPHED else name
          for name in shown
        ],
        tile_width=_SHEET_TILE,
      )
      partial.rename(folder)
      sheet.with_suffix(".partial.jpg").replace(self._folder / LATEST)
    except Exception as error:
      if not disk.is_full(error):
        raise
      # Training says so when it cannot save, and is not stopped by a picture.
      progress.say(f"{self._folder}: no space left for previews")
      self.are_made = False


def _enlarged(rgb: np.ndarray) -> np.ndarray:
  """Makes small pictures as wide as a tile, so that there is room below."""
  times = -(-_SHEET_TILE // rgb.shape[1])
  return np.repeat(np.repeat(rgb, times, axis=0), times, axis=1)


def _file_name(name: str) -> str:
  return f"{pathlib.PurePath(name).name}.jpg"
