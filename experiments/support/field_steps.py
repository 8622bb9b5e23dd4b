"""Training steps of phase 1, to be timed."""

import functools

import numpy as np

from stylized_nerf_jax.networks import modules, ray_blocks
from stylized_nerf_jax.phases import radiance_field
from stylized_nerf_jax.pixels import pixel_bank
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rows import prng
from support import cases, flops


def problem(
  config, record, params=None, *, rays: int, steps: int
) -> cases.Problem:
  """Returns steps of phase 1 on pixels of random colours.

  Args:
    config: of a run.
    record: of the scene.
    params: of the field; None: as they are at the start.
    rays: of a step.
    steps: of a call.
  """
  options, space = config.radiance_field, record.normalization.space
  field = modules.radiance_field(config.field, space)
  if params is None:
    params = radiance_field.init_params(field, record, seed=0)
  cameras = record.split("train")
  random = np.random.default_rng(0)
  images = (
    random.integers(0, 256, (c.height, c.width, 3), dtype=np.uint8)
    for c in cameras
  )
  loss = functools.partial(
    radiance_field.loss_fn,
    field=field,
    setting=modules.ray_setting(record),
    options=options,
  )
  return cases.Problem(
    loss,
    radiance_field.make_optimizer(options, space),
    params,
    constants=pixel_bank.make_pixel_bank(
      images, rays_lib.camera_arrays(cameras, record.normalization)
    ),
    batch=None,
    rays=rays,
    steps=steps,
    flops=3 * flops.of_field(config, params),
    rows_at_once=ray_blocks.for_field_steps(config),
    key=prng.stream_key(0, "bench"),
  )
