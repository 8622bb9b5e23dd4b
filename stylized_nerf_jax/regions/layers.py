"""Rays whose samples are painted by the region that they lie in.

Regions are told apart at the samples, before anything is composited: they lie
in space, and all views agree about them. Every part becomes a layer of its own,
so that colours can be mapped behind the compositing, as those of whole pictures
are; layers add up to the picture.
"""

from collections.abc import Callable, Sequence

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.rendering import (
  compositing,
  image_rendering,
  renderer,
)
from stylized_nerf_jax.rendering import rays as rays_lib

# Narrower borders of regions are jagged.
_LEAST_FEATHER = 0.02


@flax.struct.dataclass
class Layers:
  """What rays show of N parts of a scene, each alone over the background.

  Attributes:
    rgb: [..., N, 3], painted.
    own: [..., N, 3], in the radiance field's own colours.
    opacity: [..., N]; they sum to the whole scene's.
    whole: the scene in the radiance field's own colours.
  """

  rgb: jax.Array
  own: jax.Array
  opacity: jax.Array
  whole: renderer.Rendered


def render_layers(
  field: nn.Module,
  style_field: nn.Module | None,
  regions: Sequence[nn.Module],
  styles: Sequence[int | None],
  variables: dict,
  rays: rays_lib.Rays,
  setting: rays_lib.RaySetting,
) -> Layers:
  """Renders each part of a scene alone.

  Args:
    field, style_field, rays, setting: as in `renderer.render_rays`.
    regions: R modules `fields.region_field.RegionField`. A later one lies over
      those before it.
    styles: of R + 1 parts, the rest of the scene first, which code paints it;
      None: as photographed.
    variables: "field" parameters and, where anything is painted,
      "style_fields", parameters for each code, and "latents" [C, L];
      "regions", R parameters; "feather" [], as in `share`.

  Returns:
    `Layers` of R + 1 parts.
  """
  bound = {"params": variables["field"]}
  samples, _ = field.apply(bound, rays, method="sample")
  colors = field.apply(bound, samples, rays.viewdirs, method="color")
  painted: dict[int | None, jax.Array] = {None: colors}
  for code in {style for style in styles if style is not None}:
    assert style_field is not None
    latent = variables["latents"][code]
    lead = samples.points.shape[:-2]
    painted[code] = style_field.apply(
      {"params": variables["style_fields"][code]},
      samples.points,
      jnp.broadcast_to(latent, (*lead, latent.shape[-1])),
    )
  left = samples.weights
  weights = []
  for one, params in reversed(list(zip(regions, variables["regions"]))):
    shares = _shares(one, params, samples, variables["feather"])
    weights.append(left * shares)
    left = left - weights[-1]
  weights = [left, *reversed(weights)]

  def layers(of_parts):
    composited = [
      renderer.composite_colors(own, part, setting.background)
      for own, part in zip(weights, of_parts)
    ]
    return jnp.stack(composited, axis=-2)

  own = renderer.composite_colors(samples.weights, colors, setting.background)
  return Layers(
    rgb=layers([painted[style] for style in styles]),
    own=layers([colors] * len(styles)),
    opacity=jnp.stack([compositing.opacity(w) for w in weights], axis=-1),
    whole=renderer.rendered(rays, samples, own, setting),
  )


def together(
  layers: Sequence[np.ndarray],
  opacities: Sequence[np.ndarray],
  background: Sequence[float] | None,
) -> np.ndarray:
  """Adds layers up to a picture.

  Args:
    layers: N times [H, W, 3], each alone over the background.
    opacities: N times [H, W].
    background: [3]; None: black.

  Returns:
    [H, W, 3].
  """
  behind = np.zeros(3, np.float32)
  if background is not None:
    behind = np.asarray(background, np.float32)
  through = 1.0 - np.sum(opacities, axis=0)[..., None]
  fronts = [
    layer - (1.0 - opacity[..., None]) * behind
    for layer, opacity in zip(layers, opacities)
  ]
  return np.sum(fronts, axis=0) + through * behind


def make_layer_renderer(
  field: nn.Module,
  style_field: nn.Module | None,
  regions: Sequence[nn.Module],
  styles: Sequence[int | None],
  setting: rays_lib.RaySetting,
  *,
  rays_per_chunk: int,
  rays_at_once: int = 0,
  pixels: bool = False,
) -> Callable:
  """Compiles `render_layers` for whole images, over all devices.

  With `pixels` for chosen pixels, as `image_rendering.over_pixels` has it.

  Returns:
    render(variables, camera: CameraArrays of shape [], height, width) ->
    `Layers` of numpy [H, W, ...].
  """

  def render_pixels(constants, xy):
    variables, camera = constants
    rays = rays_lib.cast_rays(camera, xy, setting.space)
    return render_layers(
      field, style_field, regions, styles, variables, rays, setting
    )

  over = image_rendering.over_images
  if pixels:
    over = image_rendering.over_pixels
  return over(render_pixels, rays_per_chunk, rays_at_once)


def make_mask_renderer(
  field: nn.Module,
  region: nn.Module,
  setting: rays_lib.RaySetting,
  *,
  rays_per_chunk: int,
  rays_at_once: int = 0,
) -> Callable:
  """Compiles a renderer of a region's share of pixels.

  Returns:
    render(variables, camera: CameraArrays of shape [], height, width) -> numpy
    [H, W], in [0, 1]; variables are "field", "region" and "feather".
  """

  def render_pixels(constants, xy):
    variables, camera = constants
    rays = rays_lib.cast_rays(camera, xy, setting.space)
    bound = {"params": variables["field"]}
    samples, _ = field.apply(bound, rays, method="sample")
    shares = _shares(region, variables["region"], samples, variables["feather"])
    return compositing.opacity(samples.weights * shares)

  return image_rendering.over_images(
    render_pixels, rays_per_chunk, rays_at_once
  )


def _shares(region: nn.Module, params, samples, feather) -> jax.Array:
  """Shares of a region in samples: [..., K], in [0, 1]."""
  return share(region.apply({"params": params}, samples.points), feather)


def share(signed: jax.Array, feather: jax.Array | float) -> jax.Array:
  """Turns signed distances to a border into shares, by a smooth ramp.

  Args:
    signed: [...], in [-1, 1], as of `fields.region_field.RegionField`.
    feather: half of the ramp's width, in [0, 1] of what 1 means in `signed`.

  Returns:
    [...], in [0, 1], a half on the border.
  """
  half = jnp.maximum(feather, _LEAST_FEATHER)
  x = jnp.clip(0.5 + 0.5 * signed / half, 0.0, 1.0)
  return x * x * (3.0 - 2.0 * x)
