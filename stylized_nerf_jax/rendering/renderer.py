"""Rays from a radiance field and, optionally, a style field.

Deterministic: no jitter, no noise. One ray's colour is the weighted sum of its
samples' colours, c(x, d) of the radiance field or S(x, z) of the style field,
or a mixture of both under the same weights (the dial "intensity").
"""

from typing import Any

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp

from stylized_nerf_jax.rendering import compositing
from stylized_nerf_jax.rendering import rays as rays_lib


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
  setting: rays_lib.RaySetting,
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
  samples, _ = field.apply(bound, rays, method="sample")
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
  setting: rays_lib.RaySetting,
  *,
  blend: bool = False,
  apart: bool = False,
  own_fields: bool = False,
) -> Rendered:
  """Renders rays in N styles, whose geometry is computed once.

  Args:
    field, rays, setting, blend: as in `render_rays`.
    style_field: with `encode` and `paint`, as `fields.style_field` has them.
    variables: "field" and "style_field" parameters, "latents" [N, L], and with
      `blend` "intensity" [].
    apart: also renders the field's own colours, behind the N styles.
    own_fields: every style has its own parameters of the style field, leaves
      [N, ...]; else they share them, and points are encoded once.

  Returns:
    `Rendered` of shape [...], but for rgb, which is [..., N, 3], or with
    `apart` [..., N + 1, 3].
  """
  bound = {"params": variables["field"]}
  samples, _ = field.apply(bound, rays, method="sample")
  params = variables["style_field"]
  lead = samples.points.shape[:-2]

  def paint(painter, encoded, latent):
    colors = painter.paint(
      encoded, jnp.broadcast_to(latent, (*lead, latent.shape[-1]))
    )
    return composite_colors(samples.weights, colors, setting.background)

  def paint_with_its_own(style):
    painter = style_field.bind({"params": style[0]})
    return paint(painter, painter.encode(samples.points), style[1])

  # One after the other: memory does not grow with the number of styles.
  if own_fields:
    rgb = jax.lax.map(paint_with_its_own, (params, variables["latents"]))
  else:
    painter = style_field.bind({"params": params})
    encoded = painter.encode(samples.points)
    rgb = jax.lax.map(
      lambda latent: paint(painter, encoded, latent), variables["latents"]
    )
  if blend or apart:
    own = field.apply(bound, samples, rays.viewdirs, method="color")
    own = composite_colors(samples.weights, own, setting.background)
  if blend:
    rgb = own + variables["intensity"] * (rgb - own)
  if apart:
    rgb = jnp.concatenate([rgb, own[None]])
  return rendered(rays, samples, jnp.moveaxis(rgb, 0, -2), setting)


def rendered(rays, samples, rgb, setting: rays_lib.RaySetting) -> Rendered:
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
