"""`StylizedNerf`: a scene that renders any view in any of its styles."""

import dataclasses
import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import ml_collections
import numpy as np

from stylized_nerf_jax import model_file, user_error
from stylized_nerf_jax.fields import field as field_lib
from stylized_nerf_jax.fields import latents as latents_lib
from stylized_nerf_jax.fields import style_field as style_field_lib
from stylized_nerf_jax.networks import modules, ray_blocks
from stylized_nerf_jax.phases import restore_run
from stylized_nerf_jax.rendering import image_rendering, renderer
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.pictures import style_set

Style = str | Mapping[str, float] | None


# Samples of a ray that a traced view keeps, of 16 in the fast preset: colours
# differ by less than a step of 8 bits in the mean from those of all.
_TRACED_SAMPLES = 10


@dataclasses.dataclass(frozen=True, eq=False)
class TracedView:
  """What a camera sees, ready to be painted in any style.

  Attributes:
    camera: that sees it, file frame.
    photographed: the view in the radiance field's own colours.
    packed: [H, W, 2, K] uint16, see `rendering.geometry_cache.pack`.
  """

  camera: scene_lib.Camera
  photographed: renderer.Rendered
  packed: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class StylizedNerf:
  """A radiance field, and the style field and codes on it, if trained.

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
    styles = ", ".join(self.styles) or "none trained"
    views = len(self.scene.cameras)
    return f"StylizedNerf({self.scene.name}, {views} views; styles: {styles})"

  @classmethod
  def load(cls, path: str | pathlib.Path) -> "StylizedNerf":
    """Loads a run's folder, or a file that `save` wrote.

    Raises:
      ValueError: neither is there, or phase 1 of the run is not finished.
    """
    path = pathlib.Path(path)
    if path.is_file():
      return cls(**model_file.read(path))
    return cls(**restore_run.restore(path))

  def save(self, path: str | pathlib.Path) -> None:
    """Writes one self-contained file (npz, no pickles)."""
    fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
    model_file.write(path, fields)

  def latent(self, style: Style) -> np.ndarray:
    """Returns the code [32] of a style, or of a mix of styles.

    Args:
      style: a name or a unique part of one, or weights by name; weights are
        normalised to 1.

    Raises:
      ValueError: no style field was trained, a name is unknown, or weights
        are negative or all zero.
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
    weights = self._weights(style)
    views = self.params["latents"].shape[1]
    if not 0 <= view < views:
      raise user_error.UserError(
        f"view is {view}; expected 0 to {views - 1}, a training view"
      )
    chosen = [self.styles.index(name) for name in weights]
    means = jnp.asarray(self.latent_mean)[jnp.asarray(chosen)]
    codes = jnp.asarray(self.params["latents"])[jnp.asarray(chosen), view]
    codes = latents_lib.spread(means, codes, spread)
    return np.asarray(latents_lib.mix(codes, list(weights.values())))

  def render(
    self,
    camera: scene_lib.Camera,
    style: Style = None,
    *,
    intensity: float = 1.0,
    spread: float = 0.0,
    view: int | None = None,
    latent: np.ndarray | None = None,
  ) -> renderer.Rendered:
    """Renders one image.

    Args:
      camera: in the scene file's coordinates; its size is the image's.
      style: a name, weights by name, or None for the scene as photographed.
      intensity: 0 shows the radiance field's colours, 1 the style's.
      spread: 0 uses the style's mean code, 1 that of one training view.
      view: that training view; by default the one nearest to the camera.
        Frames of one path should share it: a code per frame would flicker.
      latent: [32], a code to use instead of `style`.

    Returns:
      `rendering.renderer.Rendered` with rgb [H, W, 3] in [0, 1], depth [H, W]
      in the scene file's units and opacity [H, W], numpy.

    Raises:
      ValueError: unknown style, or a dial outside [0, 1].
    """
    latent = self._code(camera, style, intensity, spread, view, latent)
    variables = {"field": self.params["field"]}
    stylized = latent is not None and intensity > 0.0
    blend = stylized and intensity < 1.0
    if stylized:
      self._require_styles()
      variables["style_field"] = self.params["style_field"]
      variables["latent"] = np.asarray(latent, np.float32)
    if blend:
      variables["intensity"] = np.float32(intensity)
    arrays = rays_lib.camera_arrays(camera, self.scene.normalization)
    render = self._renderer(stylized, blend=blend)
    return render(variables, arrays, camera.height, camera.width)

  def render_styles(
    self,
    camera: scene_lib.Camera,
    styles: Sequence[Style],
    *,
    intensity: float = 1.0,
    spread: float = 0.0,
    view: int | None = None,
  ) -> list[renderer.Rendered]:
    """Renders one image in several styles, its geometry only once.

    Args:
      camera: in the scene file's coordinates.
      styles: names, or weights by name; none of them None.
      intensity, spread, view: as in `render`, for all of them.

    Returns:
      For each style what `render` returns.

    Raises:
      ValueError: as `render`.
    """
    _check_dials(intensity, spread)
    view = self.nearest_view(camera) if view is None else view
    codes = [
      self.view_latent(style, view=view, spread=spread) for style in styles
    ]
    variables = {
      "field": self.params["field"],
      "latents": np.stack(codes),
      "style_field": self.params["style_field"],
    }
    blend = intensity < 1.0
    if blend:
      variables["intensity"] = np.float32(intensity)
    arrays = rays_lib.camera_arrays(camera, self.scene.normalization)
    render = self._renderer(True, blend=blend, in_styles=True)
    out = render(variables, arrays, camera.height, camera.width)
    return [out.replace(rgb=out.rgb[:, :, i]) for i in range(len(styles))]

  def trace(self, camera: scene_lib.Camera) -> TracedView:
    """Finds what a camera sees: the part of rendering that no style changes.

    Args:
      camera: in the scene file's coordinates.

    Returns:
      A view for `paint`; 40 bytes a pixel.
    """
    if "trace" not in self._renderers:
      self._renderers["trace"] = image_rendering.make_tracer(
        self._field,
        self._setting,
        _TRACED_SAMPLES,
        rays_per_chunk=ray_blocks.per_chunk(self.config),
        rays_at_once=ray_blocks.for_rendering(self.config),
        measure=False,
      )
    arrays = rays_lib.camera_arrays(camera, self.scene.normalization)
    photographed, packed, _ = self._renderers["trace"](
      self.params["field"], arrays, camera.height, camera.width
    )
    return TracedView(camera, photographed, packed)

  def paint(
    self,
    traced: TracedView,
    style: Style = None,
    *,
    intensity: float = 1.0,
    spread: float = 0.0,
    view: int | None = None,
    latent: np.ndarray | None = None,
  ) -> renderer.Rendered:
    """Paints a traced view; several times faster than `render`.

    Args:
      traced: from `trace`.
      style, intensity, spread, view, latent: as in `render`.

    Returns:
      What `render` returns, stylized colours from ten samples of each ray.

    Raises:
      ValueError: as `render`.
    """
    latent = self._code(traced.camera, style, intensity, spread, view, latent)
    photographed = traced.photographed
    if latent is None or intensity == 0.0:
      return photographed
    self._require_styles()
    if "paint" not in self._renderers:
      self._renderers["paint"] = image_rendering.make_painter(
        self._style_field,
        self._setting,
        rays_per_chunk=ray_blocks.per_chunk(self.config),
        rays_at_once=ray_blocks.for_rendering(
          self.config, samples=traced.packed.shape[-1]
        ),
      )
    variables = {
      "style_field": self.params["style_field"],
      "latent": np.asarray(latent, np.float32),
    }
    arrays = rays_lib.camera_arrays(traced.camera, self.scene.normalization)
    rgb = self._renderers["paint"](variables, arrays, traced.packed)
    if intensity < 1.0:
      rgb = (1.0 - intensity) * photographed.rgb + intensity * rgb
    return photographed.replace(rgb=rgb)

  def _code(self, camera, style: Style, intensity, spread, view, latent):
    """Checks the dials; returns the code [32], None as photographed."""
    _check_dials(intensity, spread)
    if latent is None and style is not None:
      view = self.nearest_view(camera) if view is None else view
      latent = self.view_latent(style, view=view, spread=spread)
    return latent

  def nearest_view(self, camera: scene_lib.Camera) -> int:
    """Returns the training view whose camera stands nearest."""
    centers = self.scene.split("train").centers
    offsets = centers - camera.camera_to_world[:3, 3]
    return int(np.argmin(np.linalg.norm(offsets, axis=-1)))

  @functools.cached_property
  def _field(self) -> field_lib.Field:
    space = self.scene.normalization.space
    return modules.radiance_field(self.config.field, space)

  @functools.cached_property
  def _style_field(self) -> style_field_lib.StyleField:
    space = self.scene.normalization.space
    return modules.style_field_of(self.config.style_field, space)

  @functools.cached_property
  def _setting(self) -> rays_lib.RaySetting:
    return modules.ray_setting(self.scene)

  @functools.cached_property
  def _renderers(self) -> dict:
    return {}

  def _renderer(
    self, stylized: bool, *, blend: bool = False, in_styles: bool = False
  ):
    """Compiles each kind of rendering once."""
    kind = (stylized, blend, in_styles)
    if kind not in self._renderers:
      style_field, at_once = None, ray_blocks.for_rendering(self.config)
      if stylized:
        at_once = ray_blocks.for_stylized_rendering(self.config)
        style_field = self._style_field
      self._renderers[kind] = image_rendering.make_image_renderer(
        self._field,
        style_field,
        self._setting,
        blend=blend,
        in_styles=in_styles,
        rays_per_chunk=ray_blocks.per_chunk(self.config),
        rays_at_once=at_once,
      )
    return self._renderers[kind]

  def _weights(self, style: Style) -> dict[str, float]:
    self._require_styles()
    weights = {style: 1.0} if isinstance(style, str) else dict(style or {})
    if not weights:
      raise user_error.UserError(
        f"no style given; known styles: {', '.join(self.styles)}"
      )
    found = style_set.find_all(weights, self.styles)
    return dict(zip(found, weights.values()))

  def _require_styles(self) -> None:
    if "style_field" not in self.params:
      raise user_error.UserError(
        "this model has no style field yet: finish phase 3 with "
        "`stylized-nerf train --phase mutual_learning`"
      )


def _check_dials(intensity: float, spread: float) -> None:
  for name, value in (("intensity", intensity), ("spread", spread)):
    if not 0.0 <= value <= 1.0:
      raise user_error.UserError(
        f"{name} is {value}; expected a number in [0, 1]"
      )
