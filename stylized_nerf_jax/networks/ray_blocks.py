"""How many rays are worked on together.

A processor computes a layer of a few hundred rays from its caches, and one of
many thousand from memory, at half the speed. An accelerator wants as many rays
as it can hold.
"""

import jax

from stylized_nerf_jax.fields import encodings, style_field
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
  samples = modules.final_samples(config.field)
  widest = max(
    _field_floats(config.field), _style_floats(config.style_field, samples)
  )
  return min(_power_of_two(_CHUNK_FLOATS // widest), _LARGEST_CHUNK)


def for_rendering(config, *, samples: int = 0) -> int:
  """Returns the rays of a chunk that are rendered together; 0: all.

  Args:
    config: of the run.
    samples: that a style field paints; 0: there is none, or it paints what
      the radiance field has just sampled.
  """
  asked = config.rendering.rays_at_once
  if samples:
    return asked or _in_cache(_style_floats(config.style_field, samples))
  return asked or _in_cache(_field_floats(config.field))


def for_stylized_rendering(config) -> int:
  """The same where a style field paints what the radiance field samples."""
  found = _style_floats(config.style_field, modules.final_samples(config.field))
  floats = max(found, _field_floats(config.field))
  return config.rendering.rays_at_once or _in_cache(floats)


def for_field_steps(config) -> int:
  """Returns the rays of a step of phase 1 that are taken together; 0: all.

  Of hash grids always all: the gradient of a table is as large as the table,
  however few rays it is of, and would be added up block after block.
  """
  asked = config.training.rays_at_once
  if asked or config.field.kind == "hash_grid":
    return asked
  return _in_cache(_field_floats(config.field))


def for_style_steps(config) -> int:
  """Returns the rays of a field step of phase 3 that are taken together."""
  asked = config.training.rays_at_once
  if asked or config.style_field.encoding == "hash_grid":
    return asked
  kept = config.geometry_cache.samples or modules.final_samples(config.field)
  return _in_cache(_style_floats(config.style_field, kept))


def _in_cache(floats_per_ray: int) -> int:
  if jax.default_backend() != "cpu":
    return 0
  return _power_of_two(max(CACHED_FLOATS // floats_per_ray, _FEWEST))


def _power_of_two(number: int) -> int:
  """Rounds down to one, which divides other powers of two."""
  return 1 << (number.bit_length() - 1)


def _field_floats(config) -> int:
  """Floats of a ray's widest layer and its input, over all samples."""
  if config.kind == "hash_grid":
    grid = config.hash_grid
    encoded = grid.num_levels * grid.num_features
    proposed = grid.proposal_levels * grid.proposal_features
    return grid.num_fine * (grid.width + encoded) + grid.num_proposal * (
      grid.proposal_width + proposed
    )
  options = config.positional
  encoded = encodings.frequency_size(options.position_octaves)
  samples = 2 * options.num_coarse + options.num_fine
  return samples * (options.width + encoded)


def _style_floats(config, samples: int) -> int:
  """The same of a style field that paints so many samples."""
  if config.encoding == "hash_grid":
    encoded = config.num_levels * config.num_features
  else:
    octaves = style_field.StyleField.num_octaves
    encoded = encodings.frequency_size(octaves)
  return samples * (config.width + encoded + config.latent_size)
