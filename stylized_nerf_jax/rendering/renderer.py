"""Whole images from a radiance field and, optionally, a style field.

Deterministic: no jitter, no noise. One ray's colour is the weighted sum of its
samples' colours, c(x, d) of the radiance field or S(x, z) of the style field,
or a mixture of both under the same weights (the dial "intensity").
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.rendering import compositing
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import mapping
from stylized_nerf_jax.scenes import normalization


@flax.struct.dataclass
class Rendered:
  """A rendered image, or a batch of rays.

  Attributes:
    rgb: [..., 3], in [0, 1].
    depth: [...], Euclidean distance from the camera centre in the scene
      file's units; 0 where opacity is below 0.5.
    opacity: [...], in [0, 1].
  """

  rgb: Any
  depth: Any
  opacity: Any


@dataclasses.dataclass(frozen=True)
class RaySetting:
  """What stays fixed while rendering one scene; hashable.

  Attributes:
    space: what the ray parameter runs through.
    scale: model units in one unit of the scene file.
    background: colour behind everything, [0, 1]; None where rays always hit
      something: what still passes is black.
  """

  space: normalization.RaySpace
  scale: float
  background: tuple[float, float, float] | None = None


def composite_colors(weights, colors, background=None):
  """Colour of each ray over a background.

  Args:
    weights: [..., K].
    colors: [..., K, 3].
    background: [3] or [..., 3]; None is black.

  Returns:
    [..., 3].
  """
  composited = compositing.composite(weights, colors)
  if background is None:
    return composited
  through = 1.0 - compositing.opacity(weights)
  return composited + through[..., None] * jnp.asarray(background)


def render_rays(
  field: nn.Module,
  style_field: nn.Module | None,
  variables: dict,
  rays: rays_lib.Rays,
  setting: RaySetting,
  *,
  blend: bool = False,
) -> Rendered:
  """Renders rays without randomness.

  Args:
    field: a radiance field.
    style_field: paints the samples; None: the field's own colours.
    variables: "field" parameters; with a style field also "style_field"
      parameters, "latent" [L] or [..., L], and with `blend` "intensity" [].
    rays: [...].
    setting: of the scene.
    blend: mixes the field's colours in by 1 - intensity.

  Returns:
    `Rendered` of shape [...].
  """
  bound = {"params": variables["field"]}
  samples, _ = field.apply(bound, rays, method="sample", with_color=False)
  colors = 0.0
  if style_field is None or blend:
    colors = field.apply(bound, samples, rays.viewdirs, method="color")
  if style_field is not None:
    lead = samples.points.shape[:-2]
    latent = variables["latent"]
    latents = jnp.broadcast_to(latent, (*lead, latent.shape[-1]))
    stylized = style_field.apply(
      {"params": variables["style_field"]}, samples.points, latents
    )
    intensity = variables["intensity"] if blend else 1.0
    colors = (1.0 - intensity) * colors + intensity * stylized
  rgb = composite_colors(samples.weights, colors, setting.background)
  return rendered(rays, samples, rgb, setting)


def render_rays_in_styles(
  field: nn.Module,
  style_field: nn.Module,
  variables: dict,
  rays: rays_lib.Rays,
  setting: RaySetting,
  *,
  blend: bool = False,
) -> Rendered:
  """Renders rays in N styles, whose geometry and encoding are computed once.

  Args:
    field, rays, setting, blend: as in `render_rays`.
    style_field: with `encode` and `paint`, as `fields.style_field` has them.
    variables: "field" and "style_field" parameters, "latents" [N, L], and with
      `blend` "intensity" [].

  Returns:
    `Rendered` of shape [...], but for rgb, which is [..., N, 3].
  """
  bound = {"params": variables["field"]}
  samples, _ = field.apply(bound, rays, method="sample", with_color=False)
  painter = style_field.bind({"params": variables["style_field"]})
  encoded = painter.encode(samples.points)
  lead = samples.points.shape[:-2]

  def paint(latent):
    colors = painter.paint(
      encoded, jnp.broadcast_to(latent, (*lead, latent.shape[-1]))
    )
    return composite_colors(samples.weights, colors, setting.background)

  # One after the other: memory does not grow with the number of styles.
  rgb = jax.lax.map(paint, variables["latents"])
  if blend:
    own = field.apply(bound, samples, rays.viewdirs, method="color")
    own = composite_colors(samples.weights, own, setting.background)
    rgb = own + variables["intensity"] * (rgb - own)
  return rendered(rays, samples, jnp.moveaxis(rgb, 0, -2), setting)


def rendered(rays, samples, rgb, setting: RaySetting) -> Rendered:
  """Puts colours together with depth and opacity of samples.

  Args:
    rays: [...].
    samples: of those rays.
    rgb: of those rays, whatever its shape.
    setting: of the scene.
  """
  opacity = compositing.opacity(samples.weights)
  t = compositing.expected_t(samples.weights, samples.t)
  return Rendered(
    rgb=rgb,
    depth=rays_lib.euclidean_depth(
      rays, t, opacity, setting.space, setting.scale
    ),
    opacity=opacity,
  )


def make_image_renderer(
  field: nn.Module,
  style_field: nn.Module | None,
  setting: RaySetting,
  *,
  blend: bool = False,
  in_styles: bool = False,
  rays_per_chunk: int = 16384,
  rays_at_once: int = 0,
) -> Callable:
  """Compiles a renderer of whole images over all devices.

  Args:
    field, style_field, setting, blend: as in `render_rays`.
    in_styles: renders with `render_rays_in_styles` instead.
    rays_per_chunk, rays_at_once: as in `over_images`.

  Returns:
    render(variables, camera: CameraArrays of shape [], height, width) ->
    `Rendered` of numpy [H, W, ...].
  """

  def render_pixels(constants, xy):
    variables, camera = constants
    rays = rays_lib.cast_rays(camera, xy, setting.space)
    if in_styles:
      return render_rays_in_styles(
        field, style_field, variables, rays, setting, blend=blend
      )
    return render_rays(
      field, style_field, variables, rays, setting, blend=blend
    )

  return over_images(render_pixels, rays_per_chunk, rays_at_once)


def over_images(
  render_pixels: Callable, rays_per_chunk: int, rays_at_once: int = 0
) -> Callable:
  """Compiles a function of pixels into one of whole images, on all devices.

  Args:
    render_pixels: ((variables, camera), xy [R, 2], *values of these pixels
      [R, ...]) -> tree of [R, ...].
    rays_per_chunk: most rays that a device gets in one call.
    rays_at_once: R, rays of these that are rendered together; 0: all.

  Returns:
    render(variables, camera: CameraArrays of shape [], height, width, *values
    [H, W, ...]) -> the same tree of numpy [H, W, ...].
  """

  def render_indices(constants, rows):
    variables, camera, width = constants
    index, *values = rows
    xy = rays_lib.pixel_centers(index, width)
    return render_pixels((variables, camera), xy, *values)

  mapped = mapping.make_map(
    render_indices, rows_per_device=rays_per_chunk, rows_at_once=rays_at_once
  )

  def render(variables, camera, height: int, width: int, *values):
    index = np.arange(height * width, dtype=np.int32)
    rows = index, *(value.reshape(-1, *value.shape[2:]) for value in values)
    flat = mapped((variables, camera, np.int32(width)), rows)
    return jax.tree.map(
      lambda values: values.reshape(height, width, *values.shape[1:]), flat
    )

  return render
