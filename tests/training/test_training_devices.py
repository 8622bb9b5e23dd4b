"""What rows draw, and how a field trains, on 1, 2, 4 and 8 devices."""

import functools
import json
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from stylized_nerf_jax.rows import prng

KEY = jax.random.key(3)

_TRAIN = """
import functools, json, sys
import jax, numpy as np
import tiny_run
from stylized_nerf_jax import defaults
from stylized_nerf_jax.networks import modules
from stylized_nerf_jax.phases import radiance_field
from stylized_nerf_jax.rendering import rays
from stylized_nerf_jax.rows import devices
from stylized_nerf_jax.scenes import scene_record
from stylized_nerf_jax.scenes.synthetic import embedded
from stylized_nerf_jax.pixels import pixel_bank
from stylized_nerf_jax.training import train_steps
from stylized_nerf_jax.training import state as state_lib

import pathlib
config = defaults.get_config()
tiny_run.shrink(config, pathlib.Path())
config.field.kind = sys.argv[1]
options = config.radiance_field
options.density_noise = 0.1
scene = embedded.make_scene(num_train=4, num_test=1, width=24, height=16)
record = scene_record.make_scene_record(scene)
field = modules.radiance_field(config.field, record.normalization.space)
train = scene.split("train")
bank = pixel_bank.make_pixel_bank(
  (train.images[i] for i in range(len(train))),
  rays.camera_arrays(train.cameras, record.normalization),
)
optimizer = radiance_field.make_optimizer(options, record.normalization.space)
params = radiance_field.init_params(field, record, seed=0)
state = state_lib.create(params, optimizer)
loss = functools.partial(
  radiance_field.loss_fn, field=field, options=options,
  setting=modules.ray_setting(record),
)
take = train_steps.make_train_steps(
  loss, optimizer, num_steps=1, rows=int(sys.argv[2]),
  rows_at_once=int(sys.argv[3]),
)
losses = []
for _ in range(12):
  state, metrics = take(state, bank, jax.random.key(5), None)
  losses.append(float(metrics["loss"]))
print(json.dumps([devices.count(), losses]))
"""


def _draws_of(key, rows):
  """Draws of many kinds."""
  first, second = jax.random.split(key)
  folded = jax.random.fold_in(first, 9)
  return [
    jax.random.uniform(key, (rows, 3)),
    jax.random.normal(first, (rows,)),
    jax.random.randint(second, (rows, 2, 2), 0, 1000),
    jax.random.bits(folded, (rows, 5), "uint8"),
    jax.random.bernoulli(jax.random.split(folded, 3)[1], 0.5, (rows, 40)),
  ]


@functools.partial(jax.jit, static_argnames="rows")
def _draws(first, rows=8):
  """The same by the key of a share."""
  return _draws_of(prng.share_key(KEY, first), rows)


def test_rows_draw_the_same_on_any_number_of_devices():
  parts = [_draws(8 * device) for device in range(4)]
  whole = _draws(0, rows=32)
  for one, many in zip(whole, zip(*parts)):
    np.testing.assert_array_equal(one, np.concatenate(many))


def test_the_first_device_draws_what_the_key_itself_draws():
  plain = jax.jit(_draws_of, static_argnames="rows")(KEY, rows=8)
  for ours, theirs in zip(_draws(0), plain):
    np.testing.assert_array_equal(ours, theirs)


def test_a_share_may_begin_at_any_row():
  whole = _draws(0, rows=9)
  parts = zip(
    _draws(0, rows=5),
    _draws(5, rows=3),
    _draws(8, rows=1),
  )
  for one, many in zip(whole, parts):
    np.testing.assert_array_equal(one, np.concatenate(many))


def test_scalars_are_shared_and_rows_are_not():
  keys = [prng.share_key(KEY, device) for device in range(3)]
  assert len({float(jax.random.uniform(key)) for key in keys}) == 1
  rows = [jax.random.uniform(key, (4,)).tolist() for key in keys]
  assert len({tuple(row) for row in rows}) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
  ("kind", "rays", "at_once"),
  [("hash_grid", 64, 0), ("positional", 64, 0), ("hash_grid", 67, 13)],
)
def test_any_number_of_devices_gives_the_same_losses(kind, rays, at_once):
  here = pathlib.Path(__file__).parents[1]
  curves = {}
  for count in (1, 2, 4, 8):
    flags = f"--xla_force_host_platform_device_count={count}"
    flags += " --xla_backend_optimization_level=0"
    environment = {**os.environ, "XLA_FLAGS": flags, "NPROC": "16"}
    path = [str(here), str(here.parent), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    found = subprocess.run(
      [sys.executable, "-c", _TRAIN, kind, str(rays), str(at_once)],
      env=environment,
      stdout=subprocess.PIPE,
      text=True,
      check=True,
    )
    devices, curves[count] = json.loads(found.stdout)
    assert devices == count
  assert len(set(curves[1])) == 12
  for count in (2, 4, 8):
    np.testing.assert_allclose(curves[count], curves[1], rtol=1e-3)
