"""Paints what cameras see of a scene, in looks."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.models import looks as looks_lib
from stylized_nerf_jax.models import (
  palettes,
  region_paints,
  renderers,
  style_fields,
  surface_rays,
  viewpoints,
)
from stylized_nerf_jax.models.dials import Dials
from stylized_nerf_jax.models.style_codes import Blend, Style, StyleCodes
from stylized_nerf_jax.models.traced_view import LastPainted, TracedView
from stylized_nerf_jax.region_file import Region
from stylized_nerf_jax.regions import layers as layers_lib
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.rows import devices
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.selection import small_views
from stylized_nerf_jax.stylizer import style_maps


class Artist:
  """Of one model.

  Args:
    config: of its run.
    record: of its scene.
    params: "field" and, after phase 3, "style_field", among others; after its
      finish "finished", the style fields of the styles.
    codes: of its styles; None before phase 3.
    maps: to the palettes of its styles, or None.

  Attributes:
    renderers: those that are compiled.
  """

  def __init__(
    self,
    config,
    record: scene_record.SceneRecord,
    params: Mapping[str, Any],
    codes: StyleCodes | None,
    maps: style_maps.StyleMaps | None,
  ):
    self.renderers = renderers.of(config, record)
    self._record, self._params, self._codes = record, params, codes
    self._most_rays = config.views.rays
    self._last = LastPainted()
    self._tables = looks_lib.TableChooser(codes, maps, lambda: self._palettes)

  def look(
    self, camera: scene_lib.Camera, style: Style, dials: Dials
  ) -> looks_lib.Look:
    """Returns what a style is under dials, seen from a camera.

    Raises:
      ValueError: as `StylizedNerf.render`.
    """
    code = None
    if dials.latent is not None:
      style = None
      if dials.intensity > 0.0:
        looks_lib.require_styles(self._params)
        assert self._codes is not None
        code = self._codes.of_code(dials.latent)
    elif style is not None:
      looks_lib.require_styles(self._params)
      assert self._codes is not None
      view = dials.view
      if view is None:
        view = self.nearest_view(camera)
      code = self._codes.blend(style, view=view, spread=dials.spread)
    table = self._tables.table(style, code, dials)
    return looks_lib.Look(code, table, dials)

  def render(
    self, camera: scene_lib.Camera, look: looks_lib.Look
  ) -> renderer.Rendered:
    """Renders one image."""
    if look.stylized and not look.plain:
      return self._render_apart(camera, [look])[0]
    blend = look.stylized and look.dials.blends
    variables = {"field": self.placed["field"]}
    if look.stylized:
      assert look.code is not None
      variables = self._variables(look.code)
    if blend:
      variables["intensity"] = np.float32(look.dials.intensity)
    render = self.renderers.whole(look.stylized, blend=blend)
    out = render(variables, self.arrays(camera), camera.height, camera.width)
    if look.stylized or look.table is None:
      return out
    return look.shown(out.rgb, out, self._record.background)

  def render_all(
    self, camera: scene_lib.Camera, looks: Sequence[looks_lib.Look]
  ) -> list[renderer.Rendered]:
    """Renders looks that have codes and share their dials, geometry once."""
    dials = looks[0].dials
    if dials.intensity > 0.0 and not all(look.plain for look in looks):
      return self._render_apart(camera, looks)
    variables = self._variables_of_all(looks)
    if dials.blends:
      variables["intensity"] = np.float32(dials.intensity)
    render = self.renderers.whole(
      True,
      blend=dials.blends,
      in_styles=True,
      own_fields=self.fields.are_finished,
    )
    out = render(variables, self.arrays(camera), camera.height, camera.width)
    return [
      dataclasses.replace(out, rgb=out.rgb[:, :, i]) for i in range(len(looks))
    ]

  def render_regions(
    self,
    camera: scene_lib.Camera,
    looks: Sequence[looks_lib.Look],
    regions: Sequence[Region],
    feather: float,
  ) -> renderer.Rendered:
    """Renders each region in its look, and the rest in the first look.

    Args:
      camera: file frame.
      looks: one more than regions.
      regions: a later one lies over those before it.
      feather: of their edges, in [0, 1].
    """
    modules, styles, variables = self._layer_variables(looks, regions, feather)
    out = self.renderers.layers(modules, styles)(
      variables, self.arrays(camera), camera.height, camera.width
    )
    rgb = self.together(out.rgb, out.own, out.opacity, out.whole, looks)
    return dataclasses.replace(out.whole, rgb=rgb)

  def layers_of_pixels(
    self,
    arrays: rays_lib.CameraArrays,
    index: np.ndarray,
    width: int,
    looks: Sequence[looks_lib.Look],
    regions: Sequence[Region],
    feather: float,
  ) -> layers_lib.Layers:
    """Paints parts of pixels index [N] of an image of that width."""
    modules, styles, variables = self._layer_variables(looks, regions, feather)
    render = self.renderers.layers(modules, styles, len(index))
    return render(variables, arrays, index, width)

  def _layer_variables(self, looks, regions, feather):
    """Modules of regions, which code paints each part, and all parameters."""
    codes = [one.code for one in looks if one.stylized and one.code]
    places = iter(range(len(codes)))
    styles = tuple(next(places) if one.stylized else None for one in looks)
    variables = {
      "field": self.placed["field"],
      "style_fields": [self.fields.of(code) for code in codes],
      "latents": [np.asarray(code.code, np.float32) for code in codes],
      "regions": [one.params for one in regions],
      "feather": np.float32(feather),
    }
    modules = tuple(region_paints.module(one) for one in regions)
    return modules, styles, variables

  def together(
    self,
    rgb: np.ndarray,
    own: np.ndarray,
    opacity: np.ndarray,
    whole: renderer.Rendered,
    looks: Sequence[looks_lib.Look],
  ) -> np.ndarray:
    """Maps and mixes the colours of parts of a scene, and adds them up.

    Args:
      rgb, own, opacity: as of `regions.layers.Layers`.
      whole: the scene as photographed.
      looks: of the parts.

    Returns:
      [..., 3].
    """
    background = self._record.background
    opacities = list(np.moveaxis(opacity, -1, 0))
    shown = []
    for i, (look, part) in enumerate(zip(looks, opacities)):
      alone = dataclasses.replace(whole, rgb=own[..., i, :], opacity=part)
      shown.append(look.shown(rgb[..., i, :], alone, background).rgb)
    return layers_lib.together(shown, opacities, background)

  def region_mask(
    self, camera: scene_lib.Camera, region: Region, feather: float
  ) -> np.ndarray:
    """Renders a region's share of each pixel: [H, W], in [0, 1]."""
    render = self.renderers.region_mask(region_paints.module(region))
    variables = {
      "field": self.placed["field"],
      "region": region.params,
      "feather": np.float32(feather),
    }
    return render(variables, self.arrays(camera), camera.height, camera.width)

  def trace(self, camera: scene_lib.Camera, samples: int | None) -> TracedView:
    """As `StylizedNerf.trace`."""
    kept = self.renderers.samples_to_keep(camera.width * camera.height, samples)
    photographed, packed, lost = self.renderers.tracer(kept)(
      self.placed["field"], self.arrays(camera), camera.height, camera.width
    )
    means = jax.tree.map(lambda values: values.mean(dtype=np.float64), lost)
    return TracedView(camera, photographed, packed, means)

  def paint(
    self, traced: TracedView, look: looks_lib.Look
  ) -> renderer.Rendered:
    """Paints a traced view."""
    photographed = traced.photographed
    rgb = photographed.rgb
    if look.stylized:
      rgb = self._last.rgb(
        traced, look.source, lambda: self._paint(traced, look.code)
      )
    return self.shown(rgb, photographed, look)

  def paint_points(
    self, points: np.ndarray, look: looks_lib.Look
  ) -> np.ndarray:
    """Paints points of surfaces [N, 3], file frame: [N, 3] in [0, 1].

    Where colours are the field's own, they are those that the nearest training
    camera sees.
    """
    own = self.renderers.points("colors")(
      self.placed["field"], surface_rays.towards(self._record, points)
    )
    whole = np.ones(len(points), np.float32)
    photographed = renderer.Rendered(own, np.zeros_like(whole), whole)
    rgb = own
    if look.stylized:
      assert look.code is not None
      variables = self.paint_variables(look.code)
      inside = surface_rays.field_points(self._record, points)
      rgb = self.renderers.point_painter()(variables, inside)
    return np.asarray(self.shown(rgb, photographed, look).rgb)

  def shown(
    self, rgb, photographed: renderer.Rendered, look: looks_lib.Look
  ) -> renderer.Rendered:
    """Maps and mixes what was painted, if there is anything to do."""
    if not look.stylized and look.table is None:
      return photographed
    if not (look.stylized and look.plain):
      return look.shown(rgb, photographed, self._record.background)
    if look.dials.blends:
      intensity = look.dials.intensity
      rgb = (1.0 - intensity) * photographed.rgb + intensity * rgb
    return dataclasses.replace(photographed, rgb=rgb)

  def nearest_view(self, camera: scene_lib.Camera) -> int:
    """Returns the training view, of those painted, that stands nearest."""
    return viewpoints.nearest_view(self._centers, camera)

  @functools.cached_property
  def _centers(self) -> np.ndarray:
    return viewpoints.painted_centers(self._record, self._most_rays)

  @functools.cached_property
  def placed(self) -> dict[str, Any]:
    """Parameters on every device, put there once and not with every frame."""
    kept = ("field", "style_field", "finished")
    return devices.replicate(
      {name: self._params[name] for name in kept if name in self._params}
    )

  @functools.cached_property
  def fields(self) -> style_fields.StyleFields:
    """Those that paint."""
    return style_fields.StyleFields(self.placed)

  @functools.cached_property
  def _palettes(self) -> palettes.Palettes:
    return palettes.Palettes(
      [self.trace(c, None) for c in small_views.small_cameras(self._record)],
      self._paint,
      self._record.background,
    )

  def _paint(self, traced: TracedView, code) -> np.ndarray:
    variables = self.paint_variables(code)
    paint = self.renderers.painter(traced.packed.shape[-1])
    return paint(variables, self.arrays(traced.camera), traced.packed)

  def _render_apart(self, camera, looks) -> list[renderer.Rendered]:
    """Renders looks whose colours are mapped or mixed after compositing."""
    variables = self._variables_of_all(looks)
    render = self.renderers.whole(
      True, in_styles=True, apart=True, own_fields=self.fields.are_finished
    )
    out = render(variables, self.arrays(camera), camera.height, camera.width)
    own = dataclasses.replace(out, rgb=out.rgb[:, :, -1])
    return [
      look.shown(out.rgb[:, :, i], own, self._record.background)
      for i, look in enumerate(looks)
    ]

  def _variables(self, code: Blend) -> dict[str, Any]:
    """Returns what a compiled renderer paints with."""
    return {"field": self.placed["field"], **self.paint_variables(code)}

  def paint_variables(
    self, code: Blend, *, tables: bool = True
  ) -> dict[str, Any]:
    """Returns what paints in a code: {"style_field", "latent"}.

    Args:
      code: of a style or a mix.
      tables: as of `StyleFields.of`.
    """
    return {
      "style_field": self.fields.of(code, tables=tables),
      "latent": np.asarray(code.code, np.float32),
    }

  def _variables_of_all(self, looks) -> dict[str, Any]:
    """Returns what a compiled renderer of several styles paints with."""
    codes = [look.code for look in looks]
    style_field = self.placed["style_field"]
    if self.fields.are_finished:
      of_each = [self.fields.of(code) for code in codes]
      style_field = jax.tree.map(lambda *leaves: jnp.stack(leaves), *of_each)
    return {
      "field": self.placed["field"],
      "style_field": style_field,
      "latents": np.stack([np.asarray(c.code, np.float32) for c in codes]),
    }

  def arrays(self, camera: scene_lib.Camera) -> rays_lib.CameraArrays:
    """Returns a camera as arrays of the model frame."""
    return rays_lib.camera_arrays(camera, self._record.normalization)
