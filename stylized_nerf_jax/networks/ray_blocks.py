"""How many rays are worked on together.

A processor computes a layer of a few hundred rays from its caches, and one of
many thousand from memory, at half the speed. An accelerator wants as many rays
as it can hold.
"""

import jax

from stylized_nerf_jax.fields import field as field_lib
from stylized_nerf_jax.networks import modules

# 4 MiB of a layer's float32. Of less, starting a layer takes as long as
# computing it; more is written to memory and read again (docs/performance.md).
CACHED_FLOATS = 1 << 20
_FEWEST = 8
_CPU_CHUNK = 8192
# An accelerator's: 4 GiB of a layer's float32, and no more rays than keep it
# busy.
_CHUNK_FLOATS = 1 << 30
_LARGEST_CHUNK = 1 << 18


def per_chunk(config) -> int:
  """Returns the most rays that a device renders in one call.

  Args:
    config: of the run; `rendering.rays_per_chunk`, where it is not 0.
  """
  if config.rendering.rays_per_chunk:
    return config.rendering.rays_per_chunk
  if jax.default_backend() == "cpu":
    return _CPU_CHUNK
  return min(_power_of_two(_CHUNK_FLOATS // _widest(config)), _LARGEST_CHUNK)


def for_rendering(config, *, samples: int = 0) -> int:
  """Returns the rays of a chunk that are rendered together; 0: all.

  Args:
    config: of the run.
    samples: that a style field paints; 0: there is none, or it paints what
      the radiance field has just sampled.
  """
  asked = config.rendering.rays_at_once
  if samples:
    return asked or _in_cache(samples * _style_field(config).floats_per_sample)
  return asked or _in_cache(_field(config).floats_per_ray)


def for_stylized_rendering(config) -> int:
  """The same where a style field paints what the radiance field samples."""
  return config.rendering.rays_at_once or _in_cache(_widest(config))


def for_field_steps(config) -> int:
  """Returns the rays of a step of phase 1 that are taken together; 0: all.

  Of fields with tables always all: their gradient is as large as the tables,
  however few rays it is of, and would be added up block after block.
  """
  asked, field = config.training.rays_at_once, _field(config)
  if asked or field.has_tables:
    return asked
  return _in_cache(field.floats_per_ray)


def for_style_steps(config) -> int:
  """Returns the rays of a field step of phase 3 that are taken together."""
  asked, style_field = config.training.rays_at_once, _style_field(config)
  if asked or style_field.has_tables:
    return asked
  kept = config.geometry_cache.samples or _field(config).num_samples
  return _in_cache(kept * style_field.floats_per_sample)


def _field(config) -> field_lib.Field:
  return modules.radiance_field(config.field, modules.ANY_SPACE)


def _style_field(config):
  return modules.style_field_of(config.style_field, modules.ANY_SPACE)


def _widest(config) -> int:
  """Floats of a ray's widest layer where a style field paints all samples."""
  field = _field(config)
  painted = field.num_samples * _style_field(config).floats_per_sample
  return max(field.floats_per_ray, painted)


def _in_cache(floats_per_ray: int) -> int:
  if jax.default_backend() != "cpu":
    return 0
  return _power_of_two(max(CACHED_FLOATS // floats_per_ray, _FEWEST))


def _power_of_two(number: int) -> int:
  """Rounds down to one, which divides other powers of two."""
  return 1 << (number.bit_length() - 1)
