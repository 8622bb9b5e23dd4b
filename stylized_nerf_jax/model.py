"""`StylizedNerf`: a scene that renders any view in any of its styles."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from stylized_nerf_jax import model_file, user_error
from stylized_nerf_jax.fields import field as field_lib
from stylized_nerf_jax.fields import style_field as style_field_lib
from stylized_nerf_jax.models import (
  artist,
  block_renderer,
  looks,
  region_paints,
  renderers,
  style_codes,
  viewpoints,
)
from stylized_nerf_jax.models.dials import Dials
from stylized_nerf_jax.models.style_codes import Style
from stylized_nerf_jax.models.traced_view import TracedView
from stylized_nerf_jax.models.viewpoints import CameraOrView
from stylized_nerf_jax.phases import restore_run, style_palettes
from stylized_nerf_jax.region_file import Region
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.scenes import normalization, scene_record
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.stylizer import style_maps

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
    palette_maps: from what the styles look like to their paintings' palettes;
      None: colours are as the style field paints them.
    regions: parts of the scene that have names (docs/regions.md).
  """

  config: ml_collections.FrozenConfigDict
  scene: scene_record.SceneRecord
  params: Mapping[str, Any]
  styles: tuple[str, ...] = ()
  style_hashes: tuple[str, ...] = ()
  latent_mean: np.ndarray | None = None
  latent_variance: np.ndarray | None = None
  palette_maps: style_maps.StyleMaps | None = None
  regions: Mapping[str, Region] = dataclasses.field(default_factory=dict)

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
    transfer: str | None = None,
    recolor: str | pathlib.Path | None = None,
    regions: Mapping[str, Style] | None = None,
    feather: float = region_paints.FEATHER,
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
      palette: 1 is the painting's palette, 0 the luma of the stylized scene in
        the scene's own chroma.
      transfer: "affine" or "table" maps the stylized colours to the palette
        of the painting, "none" leaves them; None: of styles what the model
        stores (`fit_style_maps`), of pictures never trained on "table".
      recolor: a picture's file, whose palette all colours get, in the style or
        as photographed; then `palette` says how much of it.
      regions: styles of parts of the scene by their names, None as
        photographed; of two that hold a place the later counts. The other
        dials are those of all parts, `latent` that of the rest.
      feather: how soft their edges are, in [0, 1].

    Returns:
      `rendering.renderer.Rendered` with rgb [H, W, 3] in [0, 1], depth [H, W]
      in the scene file's units and opacity [H, W], numpy.

    Raises:
      ValueError: unknown style, region or view, or a dial outside [0, 1].
    """
    dials = Dials(intensity, spread, view, latent, palette, transfer, recolor)
    camera = self.camera(camera)
    look = self._artist.look(camera, style, dials)
    if not regions:
      return self._artist.render(camera, look)
    region_paints.check_feather(feather)
    found = [region_paints.find(self.regions, name) for name in regions]
    dials = dataclasses.replace(dials, latent=None)
    over = [self._artist.look(camera, s, dials) for s in regions.values()]
    return self._artist.render_regions(camera, [look, *over], found, feather)

  def region_mask(
    self,
    camera: CameraOrView,
    name: str,
    *,
    feather: float = region_paints.FEATHER,
  ) -> np.ndarray:
    """Renders where a region is: its share of each pixel, [H, W] in [0, 1].

    Args:
      camera, feather: as in `render`.
      name: of the region.

    Raises:
      ValueError: unknown region or view, or a feather outside [0, 1].
    """
    region_paints.check_feather(feather)
    region = region_paints.find(self.regions, name)
    return self._artist.region_mask(self.camera(camera), region, feather)

  def render_styles(
    self,
    camera: CameraOrView,
    styles: Sequence[Style],
    *,
    intensity: float = 1.0,
    spread: float = 0.0,
    view: int | None = None,
    palette: float = 1.0,
    transfer: str | None = None,
    recolor: str | pathlib.Path | None = None,
  ) -> list[renderer.Rendered]:
    """Renders one image in several styles, its geometry only once.

    Args:
      camera: as in `render`.
      styles: as in `latent`; none of them None.
      intensity, spread, view, palette, transfer, recolor: as in `render`, for
        all of them.

    Returns:
      For each style what `render` returns.

    Raises:
      ValueError: as `render`.
    """
    camera = self.camera(camera)
    dials = Dials(intensity, spread, view, None, palette, transfer, recolor)
    if any(style is None for style in styles):
      self.latent(None)  # Says which styles there are.
    looks = [self._artist.look(camera, style, dials) for style in styles]
    return self._artist.render_all(camera, looks)

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
    return self._artist.trace(self.camera(camera), samples)

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
    transfer: str | None = None,
    recolor: str | pathlib.Path | None = None,
  ) -> renderer.Rendered:
    """Paints a traced view; several times faster than `render`.

    Args:
      traced: from `trace`.
      style, ...: as in `render`.

    Returns:
      What `render` returns, stylized colours from the samples that were kept.

    Raises:
      ValueError: as `render`.
    """
    dials = Dials(intensity, spread, view, latent, palette, transfer, recolor)
    look = self._artist.look(traced.camera, style, dials)
    return self._artist.paint(traced, look)

  def blocks(
    self, block: int, samples: int | None = None
  ) -> block_renderer.BlockRenderer:
    """Returns a renderer of chosen pixels, for pictures that grow.

    Args:
      block: pixels at a time, the only shape that is compiled.
      samples: as in `trace`.
    """
    kept = self._artist.renderers.samples_to_keep(block, samples)
    return block_renderer.BlockRenderer(self._artist, self.regions, kept, block)

  def paint_points(
    self, points: np.ndarray, style: Style = None, **dials: Any
  ) -> np.ndarray:
    """Paints points of surfaces [N, 3], file frame: [N, 3], as `render`."""
    look = self._artist.look(self.camera(0), style, Dials(**dials))
    return self._artist.paint_points(points, look)

  def fit_style_maps(
    self,
    paintings: Mapping[str, style_set.StyleImage],
    *,
    transfer: str = style_maps.TABLE,
    advance: Callable[[], None] = lambda: None,
  ) -> "StylizedNerf":
    """Returns the model with maps to the palettes of its paintings.

    Args:
      paintings: those that it was trained on, by its names of them.
      transfer: what `render` does with the maps where it is not told.
      advance: called after each style.

    Raises:
      ValueError: no style field was trained, or a painting is missing.
    """
    self._require_styles()
    Dials(transfer=transfer)  # Says what is wrong with it, if anything is.
    images = [one.image for one in style_set.select(self.styles, paintings)]
    maps = style_palettes.fit(
      self.config,
      self.scene,
      self._artist.placed,
      np.asarray(self.latent_mean),
      images,
      transfer=transfer,
      advance=advance,
    )
    return dataclasses.replace(self, palette_maps=maps)

  def nearest_view(self, camera: scene_lib.Camera) -> int:
    """Returns the training view, of those painted, that stands nearest."""
    return self._artist.nearest_view(camera)

  def camera(self, camera: CameraOrView) -> scene_lib.Camera:
    """As `viewpoints.camera_of`, of the model's scene."""
    return viewpoints.camera_of(self.scene, camera)

  @property
  def field(self) -> field_lib.Field:
    """The radiance field's module; its parameters are `params["field"]`."""
    return self._artist.renderers.field

  @property
  def style_field(self) -> style_field_lib.StyleField:
    """The style field's module; its parameters: `params["style_field"]`."""
    return self._artist.renderers.style_field

  @property
  def space(self) -> normalization.Normalization:
    """The model's frame, for `camera_rays` and `PixelBank.of`."""
    return self.scene.normalization

  @functools.cached_property
  def _artist(self) -> artist.Artist:
    return artist.Artist(
      self.config,
      self.scene,
      self.params,
      self._codes if "latents" in self.params else None,
      self.palette_maps,
    )

  @functools.cached_property
  def _codes(self) -> style_codes.StyleCodes:
    return style_codes.StyleCodes(
      self.config,
      self.styles,
      jnp.asarray(self.latent_mean),
      self.params["latents"],
    )

  def _require_styles(self) -> None:
    looks.require_styles(self.params)


jax.tree_util.register_dataclass(
  StylizedNerf,
  data_fields=[
    *("params", "latent_mean", "latent_variance", "palette_maps", "regions")
  ],
  meta_fields=["config", "scene", "styles", "style_hashes"],
)
