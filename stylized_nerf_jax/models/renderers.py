"""The compiled renderers of a model, each made when it is first asked for."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn

from stylized_nerf_jax import user_error
from stylized_nerf_jax.meshes import point_radiance
from stylized_nerf_jax.networks import modules, ray_blocks
from stylized_nerf_jax.regions import layers as layers_lib
from stylized_nerf_jax.rendering import geometry_cache, image_rendering
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import mapping
from stylized_nerf_jax.scenes import scene_record

# Models whose compiled renderers are kept.
_KEPT = 4


class Renderers:
  """Of one config and scene, whatever the parameters.

  Args:
    config: of the run.
    record: of the scene.

  Attributes:
    field: the radiance field's module.
    style_field: the style field's module.
    setting: of the scene.
  """

  def __init__(self, config, record: scene_record.SceneRecord):
    self._config = config
    self.setting: rays_lib.RaySetting = modules.ray_setting(record)
    self.field: Any = modules.radiance_field(config.field, self.setting.space)
    self.style_field: Any = modules.style_field_of(
      config.style_field, self.setting.space
    )
    self._compiled: dict[tuple, Callable] = {}

  def whole(
    self,
    stylized: bool,
    *,
    blend: bool = False,
    in_styles: bool = False,
    apart: bool = False,
    own_fields: bool = False,
  ) -> Callable:
    """Returns a renderer of whole images; see `make_image_renderer`."""

    def make():
      style_field, at_once = None, ray_blocks.for_rendering(self._config)
      if stylized:
        at_once = ray_blocks.for_stylized_rendering(self._config)
        style_field = self.style_field
      return image_rendering.make_image_renderer(
        self.field,
        style_field,
        self.setting,
        blend=blend,
        in_styles=in_styles,
        apart=apart,
        own_fields=own_fields,
        rays_per_chunk=ray_blocks.per_chunk(self._config),
        rays_at_once=at_once,
      )

    kind = ("whole", stylized, blend, in_styles, apart, own_fields)
    return self._once(kind, make)

  def layers(
    self,
    regions: tuple[nn.Module, ...],
    styles: tuple[int | None, ...],
    block: int | None = None,
  ) -> Callable:
    """Returns a renderer of parts of a scene; see `make_layer_renderer`.

    Args:
      regions, styles: of the parts.
      block: chosen pixels that are rendered; None: whole pictures.
    """

    def make():
      return layers_lib.make_layer_renderer(
        self.field,
        self.style_field,
        regions,
        styles,
        self.setting,
        rays_per_chunk=block or ray_blocks.per_chunk(self._config),
        rays_at_once=ray_blocks.for_stylized_rendering(self._config),
        pixels=block is not None,
      )

    return self._once(("layers", regions, styles, block), make)

  def region_mask(self, region: nn.Module) -> Callable:
    """Returns a renderer of shares of pixels; see `make_mask_renderer`."""

    def make():
      return layers_lib.make_mask_renderer(
        self.field,
        region,
        self.setting,
        rays_per_chunk=ray_blocks.per_chunk(self._config),
        rays_at_once=ray_blocks.for_rendering(self._config),
      )

    return self._once(("region mask", region), make)

  def tracer(self, samples: int, block: int | None = None) -> Callable:
    """Returns a tracer that keeps so many samples; see `make_tracer`.

    Args:
      samples: of a ray.
      block: chosen pixels that are traced, and nothing measured; None: whole
        pictures.
    """

    def make():
      return image_rendering.make_tracer(
        self.field,
        self.setting,
        samples,
        rays_per_chunk=block or ray_blocks.per_chunk(self._config),
        rays_at_once=ray_blocks.for_rendering(self._config),
        measure=block is None,
        pixels=block is not None,
      )

    return self._once(("trace", samples, block), make)

  def painter(self, samples: int, block: int | None = None) -> Callable:
    """Returns a painter of so many samples, as `tracer`; see `make_painter`."""

    def make():
      return image_rendering.make_painter(
        self.style_field,
        self.setting,
        rays_per_chunk=block or ray_blocks.per_chunk(self._config),
        rays_at_once=ray_blocks.for_rendering(self._config, samples=samples),
        pixels=block is not None,
      )

    return self._once(("paint", samples, block), make)

  def encoder(self) -> Callable:
    """Returns what encodes blocks of pixels; see `make_encoder`."""

    def make():
      return image_rendering.make_encoder(self.style_field, self.setting)

    return self._once(("encode",), make)

  def encoded_painter(self) -> Callable:
    """Returns a painter of what `encoder` encoded, as `make_encoded_painter`.

    It is compiled for every number of samples and of parts that it is given.
    """

    def make():
      return image_rendering.make_encoded_painter(
        self.style_field, self.setting
      )

    return self._once(("paint encoded",), make)

  def points(self, what: str) -> Callable:
    """Returns what asks the field at points: (params, rays: Rays of numpy [N,
    ...]) -> numpy [N, ...].

    Args:
      what: "colors" or "thickness", see `meshes.point_radiance`.
    """

    def make():
      find = getattr(point_radiance, what)
      return mapping.make_map(
        lambda params, rays: find(self.field, params, rays),
        rows_per_device=ray_blocks.per_chunk(self._config),
        rows_at_once=ray_blocks.for_rendering(self._config),
      )

    return self._once(("points", what), make)

  def point_painter(self) -> Callable:
    """Returns what paints points: ({"style_field", "latent"}, numpy [N, 3],
    field coordinates) -> numpy [N, 3].
    """

    def paint(variables, points):
      colors = self.style_field.apply(
        {"params": variables["style_field"]},
        points[:, None, :],
        variables["latent"],
      )
      return colors[:, 0]

    def make():
      return mapping.make_map(
        paint,
        rows_per_device=ray_blocks.per_chunk(self._config),
        rows_at_once=ray_blocks.for_rendering(self._config, samples=1),
      )

    return self._once(("paint points",), make)

  def samples_to_keep(self, pixels: int, asked: int | None) -> int:
    """Returns how many samples of each ray a traced view keeps.

    Args:
      pixels: of the view.
      asked: by the caller; None: as many as the run's geometry cache or, where
        it has none, all that the field has, within `geometry_cache.mib`.

    Raises:
      ValueError: less than 1 is asked for.
    """
    all_of_them = self.field.num_samples
    if asked is not None:
      if asked < 1:
        raise user_error.UserError(
          f"samples is {asked}; expected 1 to {all_of_them}, those of a ray"
        )
      return min(asked, all_of_them)
    options = self._config.geometry_cache
    bytes_each = pixels * geometry_cache.BYTES_PER_SAMPLE
    fit = int(options.mib * 2**20) // bytes_each or 1
    return min(options.samples or all_of_them, all_of_them, fit)

  def _once(self, kind: tuple, make: Callable[[], Callable]) -> Callable:
    if kind not in self._compiled:
      self._compiled[kind] = make()
    return self._compiled[kind]


@functools.lru_cache(maxsize=_KEPT)
def of(config, record: scene_record.SceneRecord) -> Renderers:
  """Returns those of a config and a scene, the same for the same two."""
  return Renderers(config, record)
