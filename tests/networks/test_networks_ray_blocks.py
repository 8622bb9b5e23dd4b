"""Rays are worked on together as the machine likes it."""

import jax
import pytest

from stylized_nerf_jax import defaults
from stylized_nerf_jax.networks import ray_blocks


def _paper():
  config = defaults.get_config()
  config.field.kind = "positional"
  config.style_field.update(encoding="frequency", depth=8, width=256)
  return config


def _all(config):
  return (
    ray_blocks.for_rendering(config),
    ray_blocks.for_rendering(config, samples=10),
    ray_blocks.for_stylized_rendering(config),
    ray_blocks.for_field_steps(config),
    ray_blocks.for_style_steps(config),
  )


def test_a_layer_of_a_block_stays_in_the_caches():
  config = _paper()
  floats = (256 + 63) * (64 + 64 + 64)
  block = ray_blocks.for_rendering(config)
  assert block * floats * 4 <= 4 * 2**20 < 2 * block * floats * 4
  # Ten samples of a ray are less than all of them.
  assert ray_blocks.for_rendering(config, samples=10) > block


def test_intervals_of_the_proposal_count_too():
  config = defaults.get_config()
  floats = 16 * (64 + 7 * 4) + 32 * (16 + 5 * 2)
  block = ray_blocks.for_rendering(config)
  assert block * floats * 4 <= 4 * 2**20 < 2 * block * floats * 4


def test_tables_are_not_added_up_block_after_block():
  found = _all(defaults.get_config())
  assert found[3:] == (0, 0)
  assert min(found[:3]) > 0


def test_accelerators_take_all_at_once(monkeypatch):
  monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
  assert _all(_paper()) == (0,) * 5


@pytest.mark.parametrize("make", [_paper, defaults.get_config])
def test_a_number_that_is_asked_for_is_taken(make):
  config = make()
  config.rendering.rays_at_once = 5
  config.training.rays_at_once = 7
  assert _all(config) == (5, 5, 5, 7, 7)


def test_a_device_is_given_as_many_rays_as_it_likes(monkeypatch):
  fast, paper = defaults.get_config(), _paper()
  assert ray_blocks.per_chunk(fast) == ray_blocks.per_chunk(paper) == 8192
  monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
  assert ray_blocks.per_chunk(fast) == 2**18
  # Layers of 256 over 192 samples: 4 GiB hold some ten thousand rays.
  rays = ray_blocks.per_chunk(paper)
  assert rays * (256 + 63) * 192 * 4 <= 2**32 < 2 * rays * (256 + 63) * 192 * 4
  fast.rendering.rays_per_chunk = 77
  assert ray_blocks.per_chunk(fast) == 77
