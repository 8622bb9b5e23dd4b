"""Whole images over all devices: rows of pixels, mapped.

What a pixel is made into is in `renderer.py` and `geometry_cache.py`.
"""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.rendering import geometry_cache, renderer
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import mapping


def make_image_renderer(
  field: nn.Module,
  style_field: nn.Module | None,
  setting: rays_lib.RaySetting,
  *,
  blend: bool = False,
  in_styles: bool = False,
  apart: bool = False,
  own_fields: bool = False,
  rays_per_chunk: int = 16384,
  rays_at_once: int = 0,
) -> Callable:
  """Compiles a renderer of whole images over all devices.

  Args:
    field, style_field, setting, blend: as in `renderer.render_rays`.
    in_styles: renders with `renderer.render_rays_in_styles` instead.
    apart, own_fields: as there; only with `in_styles`.
    rays_per_chunk, rays_at_once: as in `over_images`.

  Returns:
    render(variables, camera: CameraArrays of shape [], height, width) ->
    `renderer.Rendered` of numpy [H, W, ...].
  """

  def render_pixels(constants, xy):
    variables, camera = constants
    rays = rays_lib.cast_rays(camera, xy, setting.space)
    parts = field, style_field, variables, rays, setting
    if in_styles:
      return renderer.render_rays_in_styles(
        *parts, blend=blend, apart=apart, own_fields=own_fields
      )
    return renderer.render_rays(*parts, blend=blend)

  return over_images(render_pixels, rays_per_chunk, rays_at_once)


def make_tracer(
  field: nn.Module,
  setting: rays_lib.RaySetting,
  count: int,
  *,
  rays_per_chunk: int,
  rays_at_once: int = 0,
  measure: bool = True,
  pixels: bool = False,
):
  """Compiles `geometry_cache.render_and_pack` for whole images.

  Args:
    field, setting, count, measure: as there.
    rays_per_chunk, rays_at_once: as in `over_images`.
    pixels: for chosen pixels instead, as `over_pixels` has it.

  Returns:
    render(params, camera: CameraArrays of shape [], height, width) -> its
    results, as numpy [H, W, ...].
  """

  def render_pixels(constants, xy):
    params, camera = constants
    rays = rays_lib.cast_rays(camera, xy, setting.space)
    return geometry_cache.render_and_pack(
      field, params, rays, setting, count, measure=measure
    )

  over = over_pixels if pixels else over_images
  return over(render_pixels, rays_per_chunk, rays_at_once)


def make_painter(
  style_field: nn.Module,
  setting: rays_lib.RaySetting,
  *,
  rays_per_chunk: int,
  rays_at_once: int = 0,
  pixels: bool = False,
):
  """Compiles the painting of packed samples, over all devices.

  Args:
    style_field: paints the samples.
    setting: of the scene.
    rays_per_chunk, rays_at_once: as in `over_images`.
    pixels: for chosen pixels instead, as `over_pixels` has it; packed
      [N, 2, K] comes last.

  Returns:
    paint(variables, camera: CameraArrays of shape [], packed [H, W, 2, K]) ->
    colours [H, W, 3], numpy. `variables` are "style_field" parameters and
    "latent" [L].
  """

  def paint_pixels(constants, xy, packed):
    variables, camera = constants
    rays = rays_lib.cast_rays(camera, xy, setting.space)
    samples = geometry_cache.unpack(packed, rays, setting.space)
    colors = style_field.apply(
      {"params": variables["style_field"]}, samples.points, variables["latent"]
    )
    return renderer.composite_colors(
      samples.weights, colors, setting.background
    )

  if pixels:
    return over_pixels(paint_pixels, rays_per_chunk, rays_at_once)
  render = over_images(paint_pixels, rays_per_chunk, rays_at_once)

  def paint(variables, camera, packed):
    return render(variables, camera, *packed.shape[:2], packed)

  return paint


def make_encoder(style_field: nn.Module, setting: rays_lib.RaySetting):
  """Compiles the encoding of packed samples, over all devices.

  What tables say of a sample is linear in the tables: of a mix of style fields
  it is the mix of what each of them says, and need not be read again.

  Args:
    style_field, setting: as in `make_painter`.

  Returns:
    encode(params, camera: CameraArrays of shape [], index [N], width, packed
    [N, 2, K]) -> [D, R, K, E] float16, on the D devices. `params` are the style
    field's.
  """

  def encode_pixels(constants, rows, kept):
    del kept
    params, camera, width = constants
    index, packed = rows
    xy = rays_lib.pixel_centers(index, width)
    rays = rays_lib.cast_rays(camera, xy, setting.space)
    samples = geometry_cache.unpack(packed, rays, setting.space)
    encoded = style_field.apply(
      {"params": params}, samples.points, method="encode"
    )
    return encoded.astype(jnp.float16)

  # All of a block at once: in parts it would take twice as long.
  mapped = mapping.make_block_map(encode_pixels)

  def encode(params, camera, index, width: int, packed):
    return mapped((params, camera, np.int32(width)), (index, packed))

  return encode


def make_encoded_painter(style_field: nn.Module, setting: rays_lib.RaySetting):
  """Compiles the painting of samples that `make_encoder` has encoded.

  Args:
    style_field, setting: as there.

  Returns:
    paint(variables, packed [N, 2, K], encoded: P times [D, R, K, E]) -> colours
    [N, 3], numpy. `variables` are "style_field" parameters, "latent" [L], and
    "shares" [P] of what is encoded.
  """

  def paint_rows(variables, packed, encoded):
    shares = variables["shares"]
    parts = (
      share * part.astype(jnp.float32) for share, part in zip(shares, encoded)
    )
    colors = style_field.apply(
      {"params": variables["style_field"]},
      functools.reduce(jnp.add, parts),
      variables["latent"],
      method="paint",
    )
    return renderer.composite_colors(
      geometry_cache.unpack_weights(packed), colors, setting.background
    )

  # Layers are cut where they are computed, and two parts go side by side.
  mapped = mapping.make_block_map(paint_rows)

  def paint(variables, packed, encoded):
    return mapping.fetch(mapped(variables, packed, tuple(encoded)), len(packed))

  return paint


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
  mapped = over_pixels(render_pixels, rays_per_chunk, rays_at_once)

  def render(variables, camera, height: int, width: int, *values):
    index = np.arange(height * width, dtype=np.int32)
    rows = (value.reshape(-1, *value.shape[2:]) for value in values)
    flat = mapped(variables, camera, index, width, *rows)
    return jax.tree.map(
      lambda values: values.reshape(height, width, *values.shape[1:]), flat
    )

  return render


def over_pixels(
  render_pixels: Callable, rays_per_chunk: int, rays_at_once: int = 0
) -> Callable:
  """Compiles a function of pixels into one of chosen pixels of an image.

  Args:
    render_pixels, rays_per_chunk, rays_at_once: as in `over_images`.

  Returns:
    render(variables, camera: CameraArrays of shape [], index [N] int32: pixels
    counted row by row, width, *values [N, ...]) -> the same tree of numpy
    [N, ...].
  """

  def render_indices(constants, rows):
    variables, camera, width = constants
    index, *values = rows
    xy = rays_lib.pixel_centers(index, width)
    return render_pixels((variables, camera), xy, *values)

  mapped = mapping.make_map(
    render_indices, rows_per_device=rays_per_chunk, rows_at_once=rays_at_once
  )

  def render(variables, camera, index, width: int, *values):
    return mapped((variables, camera, np.int32(width)), (index, *values))

  return render
