"""`StylizedNerf`: a scene that renders any view in any of its styles."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from stylized_nerf_jax import model_file, user_error
from stylized_nerf_jax.fields import field as field_lib
from stylized_nerf_jax.fields import style_field as style_field_lib
from stylized_nerf_jax.models import (
  palettes,
  renderers,
  style_codes,
  viewpoints,
)
from stylized_nerf_jax.models.dials import Dials
from stylized_nerf_jax.models.style_codes import Style
from stylized_nerf_jax.models.traced_view import TracedView
from stylized_nerf_jax.models.viewpoints import CameraOrView
from stylized_nerf_jax.phases import restore_run
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.rows import devices
from stylized_nerf_jax.scenes import normalization, scene_record
from stylized_nerf_jax.scenes import scene as scene_lib

__all__ = ["StylizedNerf", "Style", "TracedView"]

# Styles that a model's `repr` names.
_SHOWN_STYLES = 6


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class StylizedNerf:
  """A radiance field, and the style field and codes on it, if trained.

  A tree whose leaves are parameters and codes; what else it has is static under
  jit. `field`, `style_field` and `space` are what `render_rays` and
  `render_styled_rays` take beside `params`.

  Attributes:
    config: of the run it comes from.
    scene: cameras, bounds and model frame.
    params: {"field", "style_field", "latents" [S, V, 32]}; the last two are
      missing before phase 3.
    styles: names of the S styles.
    style_hashes: content hashes of their pictures.
    latent_mean: [S, 32], mu_s.
    latent_variance: [S, 32], var_s.
  """

  config: ml_collections.FrozenConfigDict
  scene: scene_record.SceneRecord
  params: Mapping[str, Any]
  styles: tuple[str, ...] = ()
  style_hashes: tuple[str, ...] = ()
  latent_mean: np.ndarray | None = None
  latent_variance: np.ndarray | None = None

  def __repr__(self) -> str:
    styles = ", ".join(self.styles[:_SHOWN_STYLES]) or "none trained"
    if (more := len(self.styles) - _SHOWN_STYLES) > 0:
      styles += f" and {more} more"
    views = len(self.scene.cameras)
    return f"StylizedNerf({self.scene.name}, {views} views; styles: {styles})"

  @classmethod
  def load(cls, path: str | pathlib.Path) -> "StylizedNerf":
    """Loads a run's folder, or a file that `save` wrote, onto the device.

    Raises:
      ValueError: neither is there, phase 1 of the run is not finished, or its
        field is one that nobody has registered here.
    """
    path = pathlib.Path(path)
    read = model_file.read if path.is_file() else restore_run.restore
    fields = read(path)
    try:  # Before anything is rendered, whether its field is known.
      renderers.of(fields["config"], fields["scene"])
    except user_error.UserError as error:
      raise user_error.UserError(f"{path}: {error}") from None
    fields["params"] = jax.tree.map(jnp.asarray, fields["params"])
    return cls(**fields)

  def save(self, path: str | pathlib.Path) -> None:
    """Writes one self-contained file (npz, no pickles)."""
    fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
    model_file.write(path, fields)

  def latent(self, style: Style) -> np.ndarray:
    """Returns the code [32] of a style, or of a mix of styles.

    Args:
      style: a name or a unique part of one, a picture's file that need not
        have been trained on, a code [32], weights by name or file, or pairs of
        any of these and their weights. Weights are divided by their sum, with a
        warning where it is not 1.

    Raises:
      ValueError: no style field was trained, a name is unknown, a picture
        cannot be read, or weights are negative or all zero.
    """
    return self.view_latent(style, view=0, spread=0.0)

  def view_latent(
    self, style: Style, *, view: int, spread: float
  ) -> np.ndarray:
    """Returns the code mu + spread (z[s, view] - mu), mixed over styles.

    Args:
      style: as in `latent`.
      view: index of a training view.
      spread: in [0, 1].

    Raises:
      ValueError: as `latent`, or there is no such training view.
    """
    self._require_styles()
    return self._codes.code(style, view=view, spread=spread)

  def render(
    self,
    camera: CameraOrView,
    style: Style = None,
    *,
    intensity: float = 1.0,
    spread: float = 0.0,
    view: int | None = None,
    latent: np.ndarray | None = None,
    palette: float = 1.0,
  ) -> renderer.Rendered:
    """Renders one image.

    Args:
      camera: in the scene file's coordinates; its size is the image's. Or the
        number of a view of the scene.
      style: as in `latent`, or None for the scene as photographed.
      intensity: 0 shows the radiance field's colours, 1 the style's.
      spread: 0 uses the style's mean code, 1 that of one training view.
      view: that training view; by default the one nearest to the camera.
        Frames of one path should share it: a code per frame would flicker.
      latent: [32], a code to use instead of `style`.
      palette: of pictures never trained on, by their share of the style: 1
        gives the scene the mean and covariance of their colours, 0 none of it.

    Returns:
      `rendering.renderer.Rendered` with rgb [H, W, 3] in [0, 1], depth [H, W]
      in the scene file's units and opacity [H, W], numpy.

    Raises:
      ValueError: unknown style or view, or a dial outside [0, 1].
    """
    camera = self.camera(camera)
    dials = Dials(intensity, spread, view, latent, palette)
    code, color_map = self._code(camera, style, dials)
    stylized = code is not None and intensity > 0.0
    blend = stylized and dials.blends
    variables = self._variables(stylized, latent=code if stylized else None)
    if blend:
      variables["intensity"] = np.float32(intensity)
    if color_map:
      variables["palette"] = color_map
    render = self._renderers.whole(
      stylized, blend=blend, recolor=color_map is not None
    )
    return render(variables, self._arrays(camera), camera.height, camera.width)

  def render_styles(
    self,
    camera: CameraOrView,
    styles: Sequence[Style],
    *,
    intensity: float = 1.0,
    spread: float = 0.0,
    view: int | None = None,
    palette: float = 1.0,
  ) -> list[renderer.Rendered]:
    """Renders one image in several styles, its geometry only once.

    Args:
      camera: as in `render`.
      styles: as in `latent`; none of them None.
      intensity, spread, view, palette: as in `render`, for all of them.

    Returns:
      For each style what `render` returns.

    Raises:
      ValueError: as `render`.
    """
    dials = Dials(intensity, spread, view, palette=palette)
    camera = self.camera(camera)
    view = self.nearest_view(camera) if view is None else view
    codes = [
      self.view_latent(style, view=view, spread=spread) for style in styles
    ]
    variables = self._variables(True, latents=np.stack(codes))
    if dials.blends:
      variables["intensity"] = np.float32(intensity)
    maps = [self._color_map(*one, palette) for one in zip(styles, codes)]
    if recolor := any(maps):
      variables["palette"] = palettes.stack(maps)
    render = self._renderers.whole(
      True, blend=dials.blends, recolor=recolor, in_styles=True
    )
    out = render(variables, self._arrays(camera), camera.height, camera.width)
    return [
      dataclasses.replace(out, rgb=out.rgb[:, :, i]) for i in range(len(styles))
    ]

  def trace(
    self, camera: CameraOrView, samples: int | None = None
  ) -> TracedView:
    """Finds what a camera sees: the part of rendering that no style changes.

    Args:
      camera: as in `render`.
      samples: of each ray that are kept, K; None: as many as the run's geometry
        cache keeps or, where it keeps none, all of the field that fit into
        `geometry_cache.mib`.

    Returns:
      A view for `paint`, 4 K bytes a pixel, which says what keeping K samples
      loses.

    Raises:
      ValueError: there is no such view, or samples is less than 1.
    """
    camera = self.camera(camera)
    kept = self._renderers.samples_to_keep(
      camera.width * camera.height, samples
    )
    photographed, packed, lost = self._renderers.tracer(kept)(
      self._placed["field"], self._arrays(camera), camera.height, camera.width
    )
    means = jax.tree.map(lambda values: values.mean(dtype=np.float64), lost)
    return TracedView(camera, photographed, packed, means)

  def paint(
    self,
    traced: TracedView,
    style: Style = None,
    *,
    intensity: float = 1.0,
    spread: float = 0.0,
    view: int | None = None,
    latent: np.ndarray | None = None,
    palette: float = 1.0,
  ) -> renderer.Rendered:
    """Paints a traced view; several times faster than `render`.

    Args:
      traced: from `trace`.
      style, intensity, spread, view, latent, palette: as in `render`.

    Returns:
      What `render` returns, stylized colours from the samples that were kept.

    Raises:
      ValueError: as `render`.
    """
    dials = Dials(intensity, spread, view, latent, palette)
    code, color_map = self._code(traced.camera, style, dials)
    photographed = traced.photographed
    if code is None or intensity == 0.0:
      return photographed
    variables = self._variables(True, latent=code)
    del variables["field"]
    if color_map:
      variables["palette"] = color_map
    paint = self._renderers.painter(
      traced.packed.shape[-1], recolor=color_map is not None
    )
    rgb = paint(variables, self._arrays(traced.camera), traced.packed)
    if dials.blends:
      rgb = (1.0 - intensity) * photographed.rgb + intensity * rgb
    return dataclasses.replace(photographed, rgb=rgb)

  def _code(self, camera, style: Style, dials: Dials):
    """Returns code and colour map, None where none is."""
    code, color_map = dials.latent, None
    if code is None and style is not None:
      view = self.nearest_view(camera) if dials.view is None else dials.view
      code = self.view_latent(style, view=view, spread=dials.spread)
      if dials.intensity > 0.0:
        color_map = self._color_map(style, code, dials.palette)
    return code, color_map

  def _variables(self, stylized: bool, **codes) -> dict[str, Any]:
    """Returns what a compiled renderer takes, with codes where it paints."""
    if not stylized:
      return {"field": self._placed["field"]}
    self._require_styles()
    floats = {name: np.asarray(v, np.float32) for name, v in codes.items()}
    return {**self._placed, **floats}

  def _arrays(self, camera: scene_lib.Camera) -> rays_lib.CameraArrays:
    return rays_lib.camera_arrays(camera, self.scene.normalization)

  def _color_map(self, style: Style, code: np.ndarray, amount: float):
    """Returns the map of a style's colours; None where they are trained."""
    targets = self._codes.palettes(style)
    if not targets or amount == 0.0:
      return None
    return self._palettes.color_map(code, targets, amount)

  def nearest_view(self, camera: scene_lib.Camera) -> int:
    """Returns the training view whose camera stands nearest."""
    return viewpoints.nearest_view(self.scene, camera)

  def camera(self, camera: CameraOrView) -> scene_lib.Camera:
    """As `viewpoints.camera_of`, of the model's scene."""
    return viewpoints.camera_of(self.scene, camera)

  @property
  def field(self) -> field_lib.Field:
    """The radiance field's module; its parameters are `params["field"]`."""
    return self._renderers.field

  @property
  def style_field(self) -> style_field_lib.StyleField:
    """The style field's module; its parameters: `params["style_field"]`."""
    return self._renderers.style_field

  @property
  def space(self) -> normalization.Normalization:
    """The model's frame, for `camera_rays` and `PixelBank.of`."""
    return self.scene.normalization

  @functools.cached_property
  def _placed(self) -> dict[str, Any]:
    """Parameters on every device, put there once and not with every frame."""
    kept = ("field", "style_field")
    return devices.replicate(
      {name: self.params[name] for name in kept if name in self.params}
    )

  @functools.cached_property
  def _codes(self) -> style_codes.StyleCodes:
    return style_codes.StyleCodes(
      self.config,
      self.styles,
      jnp.asarray(self.latent_mean),
      self.params["latents"],
    )

  @functools.cached_property
  def _palettes(self) -> palettes.Palettes:
    return palettes.Palettes(
      [self.trace(c) for c in palettes.cameras_to_measure(self.scene)],
      lambda view, code: self.paint(view, latent=code).rgb,
      self.scene.background,
    )

  @functools.cached_property
  def _renderers(self) -> renderers.Renderers:
    return renderers.of(self.config, self.scene)

  def _require_styles(self) -> None:
    if "style_field" not in self.params:
      raise user_error.UserError(
        "this model has no style field yet: finish phase 3 with "
        "`stylized-nerf train --phase mutual_learning`"
      )


jax.tree_util.register_dataclass(
  StylizedNerf,
  data_fields=["params", "latent_mean", "latent_variance"],
  meta_fields=["config", "scene", "styles", "style_hashes"],
)
