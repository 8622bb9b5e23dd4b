"""Flax modules from a config and a scene."""

import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import field as field_lib
from stylized_nerf_jax.fields import (
  hash_grid,
  jaxnerf,
  positional,
  style_field,
)
from stylized_nerf_jax.options import field_kinds, field_options
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import normalization, scene_record

# Where a module is only asked for its sizes, which are the same in any space.
ANY_SPACE = normalization.RaySpace(
  "box", 0.0, 1.0, 1.0, 1.0, lower=(-1.0,) * 3, upper=(1.0,) * 3
)


def radiance_field(config, space: normalization.RaySpace) -> field_lib.Field:
  """Builds the radiance field that `config.field` describes.

  Raises:
    ValueError: a kind that is unknown here, or arguments that it does not take.
  """
  if config.kind == "hash_grid":
    return hash_grid.HashGridField.for_space(
      space, **config.hash_grid.to_dict()
    )
  if config.kind == "positional":
    return positional.PositionalField.for_space(
      space, **config.positional.to_dict()
    )
  if config.kind == "jaxnerf":
    options = config.jaxnerf.to_dict()
    del options["checkpoint"]
    return jaxnerf.JaxNerfField.for_space(space, **options)
  cls = field_kinds.find(config.kind)
  options = field_options.parsed(config)
  try:
    if hasattr(cls, "for_space"):
      return cls.for_space(space, **options)
    return cls(**options)
  except TypeError as error:
    raise user_error.UserError(
      f"config field field.options is {config.options!r}, which the field "
      f"{config.kind} does not take: {error}"
    ) from error


def field_inputs(config) -> dict:
  """Returns what of `config.field` makes a field, as plain values."""
  kind = config.kind
  if kind in field_kinds.BUILT_IN:
    return {"kind": kind, **getattr(config, kind).to_dict()}
  return {"kind": kind, "options": field_options.parsed(config)}


def is_coarse_to_fine(field: field_lib.Field) -> bool:
  """Tells whether a field samples rays in a coarse pass first."""
  key = jax.eval_shape(lambda: jax.random.key(0))
  *_, found = jax.eval_shape(field.init_with_output, key, one_ray())[0]
  return field.coarse_samples(found) is not None


def one_ray() -> rays_lib.Rays:
  """Returns shapes of one ray [1], to ask modules for theirs."""
  ones = jax.ShapeDtypeStruct((1, 3), jnp.float32)
  end = jax.ShapeDtypeStruct((1, 1), jnp.float32)
  return rays_lib.Rays(ones, ones, ones, ones, end, end)


def style_field_of(
  config, space: normalization.RaySpace
) -> style_field.StyleField:
  """Builds the style field that `config.style_field` describes."""
  return style_field.StyleField.for_space(space, **config.to_dict())


def init_style_field(config, space: normalization.RaySpace, key):
  """Initialises a style field's parameters."""
  module = style_field_of(config, space)
  points = jnp.zeros((1, 1, 3))
  latents = jnp.zeros((1, module.latent_size))
  return jax.jit(module.init)(key, points, latents)["params"]


def ray_setting(record: scene_record.SceneRecord) -> rays_lib.RaySetting:
  """What stays fixed while rendering the scene of a record."""
  return rays_lib.RaySetting(
    space=record.normalization.space,
    scale=record.normalization.scale,
    background=record.background,
  )
