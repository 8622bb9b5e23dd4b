"""Rays of training views in the style of their codes, as field steps see them.

The geometry is held constant by construction: the radiance field's parameters
are among the constants of the steps, never among what is differentiated.
"""

import jax

from stylized_nerf_jax.losses import mutual
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.rendering import geometry_cache, renderer
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import samples as samples_lib
from stylized_nerf_jax.scenes import scene_record


class RayPainter:
  """Samples rays of a scene and paints them.

  Args:
    config: of the run.
    record: of its scene.

  Attributes:
    field: the radiance field.
    style_field: the style field.
    setting: of the scene's rays.
  """

  def __init__(self, config, record: scene_record.SceneRecord):
    space = record.normalization.space
    self.setting = modules.ray_setting(record)
    self.field = modules.radiance_field(config.field, space)
    self.style_field = modules.style_field_of(config.style_field, space)

  def sample(
    self, constants, view: jax.Array, xy: jax.Array, packed: jax.Array | None
  ) -> tuple[samples_lib.Samples, samples_lib.Samples | None]:
    """Finds the samples of R rays.

    Args:
      constants: {"cameras" of the training views, and "field", parameters of
        the radiance field, where nothing is packed}.
      view: [R].
      xy: [R, 2], pixel centres.
      packed: [R, 2, K], samples of the geometry cache; None: the field's.

    Returns:
      (the samples, those of the coarse pass of a field that has one).
    """
    camera = jax.tree.map(lambda values: values[view], constants["cameras"])
    rays = rays_lib.cast_rays(camera, xy, self.setting.space)
    if packed is not None:
      return geometry_cache.unpack(packed, rays, self.setting.space), None
    samples, found = self.field.apply(
      {"params": constants["field"]}, rays, method="sample"
    )
    return samples, self.field.coarse_samples(found)

  def paint(
    self, style_field_params, samples: samples_lib.Samples, latents: jax.Array
  ) -> tuple[jax.Array, jax.Array]:
    """Paints rays in the style of their codes [R, L].

    Returns:
      (colours [R, 3], how much those of a ray's samples differ, []).
    """
    colors = self.style_field.apply(
      {"params": style_field_params}, samples.points, latents
    )
    composited = renderer.composite_colors(
      samples.weights, colors, self.setting.background
    )
    return composited, mutual.ray_spread(samples.weights, colors)
