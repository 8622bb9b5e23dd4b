"""Losses of phase 1 that depend on the scene."""

import dataclasses
import functools
import types

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest

from stylized_nerf_jax import defaults
from stylized_nerf_jax.fields import hash_encoding, hash_grid
from stylized_nerf_jax.losses import photometric
from stylized_nerf_jax.phases import (
  pipeline,
  radiance_field,
)
from stylized_nerf_jax.pixels import pixel_bank, usable_pixels
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import normalization

_GRID = {"num_levels": 2, "log2_table_size": 6, "finest_resolution": 16}


_CAMERA = rays_lib.CameraArrays(
  jnp.eye(4)[None, :3], jnp.float32([[8, 8, 4, 4]]), jnp.zeros((1, 4))
)


def _small_loss(kind: str, options):
  """Returns the loss of a small field, and the field's parameters."""
  space = normalization.RaySpace(
    kind, 0.5, 1.0, 1.0, 1.0, (-2.0,) * 3, (2.0,) * 3
  )
  field = hash_grid.HashGridField(
    lower=space.lower,
    upper=space.upper,
    contract=kind == "contracted",
    num_proposal=4,
    num_fine=4,
    **_GRID,
  )
  rays = rays_lib.cast_rays(_CAMERA, jnp.full((1, 2), 4.5), space)
  params = jax.jit(field.init)(jax.random.key(0), rays)["params"]
  loss = functools.partial(
    radiance_field.loss_fn,
    field=field,
    setting=rays_lib.RaySetting(space, 1.0, (0.0, 0.0, 0.0)),
    options=options,
  )
  return loss, params


def _loss_of(kind: str, options, num_rays: int):
  """Returns the loss of a small field as a function of a bank, and its params.

  The bank's only view is that of `_CAMERA`, 8 by 8 pixels.
  """
  loss, params = _small_loss(kind, options)

  def loss_of(bank):
    return loss(params, bank, jnp.arange(num_rays), jax.random.key(1))[0]

  return loss_of, params


def _grey_bank():
  return pixel_bank.make_pixel_bank(
    [np.full((8, 8, 3), 0.5, np.float32)], _CAMERA
  )


@pytest.mark.parametrize("kind", ["contracted", "box", "ndc"])
def test_unbounded_scenes_have_a_decay_of_their_own(kind):
  options = defaults.get_config().radiance_field
  options.interlevel_weight = options.distortion_weight = 0.0
  bank = _grey_bank()
  loss_of, params = _loss_of(kind, options, num_rays=4)

  @functools.partial(jax.jit, static_argnums=(0, 1))
  def loss(grid_decay, unbounded):
    options.grid_decay, options.unbounded_grid_decay = grid_decay, unbounded
    return loss_of(bank)

  decayed = params
  if kind == "contracted":
    decayed = params["encoding"]  # Not those of the proposal.
  decay = photometric.grid_decay(hash_encoding.tables(decayed))
  # Far above the rounding of what else the loss holds.
  weight = 1.0 / float(decay)
  added = [loss(*w) - loss(0.0, 0.0) for w in ((weight, 0.0), (0.0, weight))]
  wanted = [0.0, 1.0] if kind == "contracted" else [1.0, 0.0]
  np.testing.assert_allclose(added, wanted, atol=1e-4)


@pytest.mark.parametrize("kind", ["box", "contracted"])
def test_haze_before_cameras_is_weighed(kind):
  options = defaults.get_config().radiance_field
  bank = _grey_bank()
  loss_of, _ = _loss_of(kind, options, num_rays=4)

  @functools.partial(jax.jit, static_argnums=0)
  def loss(weight):
    options.haze_weight = weight
    return loss_of(bank)

  none, once, twice = (float(loss(weight)) for weight in (0.0, 10.0, 20.0))
  assert once > none + 1e-3
  assert twice - none == pytest.approx(2 * (once - none), rel=1e-3)


@pytest.mark.parametrize(
  "kind, of_ndc, rate", [("ndc", 0.5, 0.5), ("ndc", 0, 0.1), ("box", 0.5, 0.1)]
)
def test_ndc_has_a_rate_of_its_own(kind, of_ndc, rate):
  options = defaults.get_config().radiance_field
  options.learning_rate, options.ndc_learning_rate = 0.1, of_ndc
  space = types.SimpleNamespace(kind=kind)
  optimizer = radiance_field.make_optimizer(options, space)
  # The first step of Adam is as long as its rate.
  step, _ = optimizer.update(np.ones(1), optimizer.init(np.ones(1)))
  np.testing.assert_allclose(step, -rate, rtol=1e-5)


@pytest.mark.parametrize(
  "schedule, middle", [("cosine", 0.055), ("exponential", 0.1 * 0.1**0.5)]
)
def test_the_rate_falls_to_its_last(schedule, middle):
  options = defaults.get_config().radiance_field
  options.learning_rate, options.learning_rate_final = 0.1, 0.01
  options.schedule, options.steps = schedule, 100
  space = types.SimpleNamespace(kind="box")
  optimizer = radiance_field.make_optimizer(options, space)
  # Steps of Adam are as long as its rate, where every gradient is the same.
  update = jax.jit(optimizer.update)
  state, taken = optimizer.init(jnp.ones(1)), []
  for _ in range(101):
    step, state = update(jnp.ones(1), state)
    taken.append(-float(step[0]))
  np.testing.assert_allclose(
    [taken[0], taken[50], taken[100]], [0.1, middle, 0.01], rtol=1e-4
  )


@pytest.mark.parametrize(
  "wrong, said",
  [
    ({"schedule": "linear"}, "radiance_field.schedule is 'linear'"),
    ({"schedule": "exponential"}, "learning_rate_final is 0.0"),
    ({"proposal_every": 0}, "proposal_every is 0; expected at least 1"),
  ],
)
def test_options_that_cannot_be_are_named(wrong, said, tmp_path):
  """Before the run's folder is written to."""
  config = defaults.get_config()
  config.radiance_field.update(wrong)
  with pytest.raises(ValueError, match=said):
    pipeline.train(
      ml_collections.FrozenConfigDict(config),
      tmp_path / "run",
      phase="radiance_field",
    )
  assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize("every", [1, 2])
def test_the_proposal_learns_from_some_of_the_rays(every):
  """And the field from all."""
  options = defaults.get_config().radiance_field
  options.proposal_every = every
  loss, params = _small_loss("ndc", options)
  # Denser than the proposal believes.
  params["density_out"]["bias"] += 3.0
  cameras = pixel_bank.ViewCameras(_CAMERA)

  @jax.jit
  def gradient(xy):
    batch = pixel_bank.PixelBatch(
      jnp.zeros(2, jnp.int32), xy, jnp.full((2, 3), 99, jnp.uint8)
    )
    gradients = jax.grad(loss, has_aux=True)
    return gradients(params, cameras, batch, jax.random.key(1))[0]

  def difference(moved):
    xy = np.float32([[2.5, 3.5], [5.5, 4.5]])
    step = np.zeros_like(xy)
    step[moved] = 1.0
    before, after = gradient(xy), gradient(xy + step)
    return {
      name: max(
        np.abs(a - b).max()
        for a, b in zip(*map(jax.tree.leaves, (before[name], after[name])))
      )
      for name in before
    }

  for moved in (0, 1):
    changed = difference(moved)
    teaches = moved % every == 0
    assert (changed["proposal_density"] > 0) == teaches
    assert (changed["proposal_encoding"] > 0) == teaches
    assert changed["encoding"] > 0 and changed["color_out"] > 0


def test_masked_pixels_do_not_count():
  """The loss is blind to the colours of masked pixels, and to no others."""
  options = defaults.get_config().radiance_field
  loss = jax.jit(_loss_of("box", options, num_rays=64)[0])
  mask = np.random.default_rng(0).random((8, 8)) < 0.5

  def of(inside, outside):
    image = np.where(mask[..., None], inside, outside) * np.ones(3)
    return float(loss(pixel_bank.make_pixel_bank([image], _CAMERA, [mask])))

  assert of(0.25, 0.0) == of(0.25, 1.0)
  assert of(0.25, 0.0) != of(1.0, 0.0)


def test_pixels_past_the_box_are_left_out():
  """A camera before a small box: only the middle of its picture shows it."""
  space = normalization.RaySpace(
    "box", 0.5, 10.0, 1.0, 1.0, (-0.5,) * 3, (0.5,) * 3
  )
  pose = np.eye(4)
  pose[2, 3] = 4.5
  camera = camera_lib.Camera(pose, 8, 8, 4, 4, 8, 8)
  cameras = camera_lib.Cameras.from_list([camera])
  mask = np.random.default_rng(0).random((8, 8)) < 0.5
  arrays = rays_lib.camera_arrays(cameras, None)
  # The face before the camera is one wide at a distance of 4: two pixels.
  shown = np.zeros((8, 8), bool)
  shown[3:5, 3:5] = True
  for masks, wanted in ((None, shown), ([mask], shown & mask)):
    scene = types.SimpleNamespace(cameras=cameras, masks=masks)
    (found,) = usable_pixels.usable_pixels(scene, arrays, space)
    np.testing.assert_array_equal(found, wanted)
    unbounded = dataclasses.replace(space, kind="contracted")
    assert usable_pixels.usable_pixels(scene, arrays, unbounded) is masks
