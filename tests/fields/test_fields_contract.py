"""What every radiance field must do; a new one is added to `FIELDS`.

The protocol is `fields/field.py`.
"""

import functools
import inspect
import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_fields

from stylized_nerf_jax.fields import field as field_lib
from stylized_nerf_jax.fields import (
  hash_encoding,
  hash_grid,
  jaxnerf,
  positional,
)
from stylized_nerf_jax.rendering import rays as rays_lib

KEY = jax.random.PRNGKey(0)
BOX = {"lower": (-2.0,) * 3, "upper": (2.0,) * 3}
HASH_GRID = functools.partial(
  hash_grid.HashGridField, **BOX, **tiny_fields.HASH_GRID
)
POSITIONAL = functools.partial(
  positional.PositionalField, **tiny_fields.POSITIONAL
)
JAXNERF = functools.partial(jaxnerf.JaxNerfField, **tiny_fields.JAXNERF)
FIELDS = {
  f"{name}, {kind}": make(contract=kind == "contracted", spacing=kind)
  for name, make in (("hash grid", HASH_GRID), ("positional", POSITIONAL))
  for kind in ("linear", "contracted")
}
# What is not contracted is compared with JaxNeRF's own numbers elsewhere.
FIELDS["JaxNeRF, contracted"] = JAXNERF(contract=True, spacing="contracted")
NEAR, FAR = 0.2, 3.0
METHODS = ("__call__", "sample", "color", "losses", "coarse_samples")


@pytest.fixture(params=FIELDS.values(), ids=FIELDS)
def field(request):
  return request.param


def make_rays(shape=(6,)):
  rng = np.random.default_rng(0)
  directions = rng.normal(size=(*shape, 3)).astype(np.float32)
  directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
  origins = rng.uniform(-0.5, 0.5, (*shape, 3)).astype(np.float32)
  ends = np.ones((*shape, 1), np.float32)
  return rays_lib.Rays(
    origins, directions, directions, origins, NEAR * ends, FAR * ends
  )


@functools.lru_cache
def params_of(field):
  """Draws parameters; to compile `init` takes longer than a test."""
  rng = np.random.default_rng(1)
  shapes = jax.eval_shape(field.init, KEY, make_rays())["params"]
  return jax.tree.map(
    lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes
  )


@functools.partial(jax.jit, static_argnames=("field", "noise"))
def render(field, params, rays, key=None, *, noise=0.0):
  """Samples, colours and what the losses need, asked for one by one."""
  bound = field.bind({"params": params})
  samples, found = bound.sample(rays, key, noise=noise)
  return samples, bound.color(samples, rays.viewdirs), found


@functools.partial(jax.jit, static_argnames="field")
def call_and_render(field, params, rays, key):
  """What calling it returns, and what its methods do: one program of both."""
  return field.apply({"params": params}, rays, key), render(
    field, params, rays, key
  )


def total_loss(params, field, rays, key=None):
  """Everything a field is trained on, unweighted."""
  rng = np.random.default_rng(3)
  target = rng.random((rays.near.shape[0], 3)).astype(np.float32)
  bound = field.bind({"params": params})
  samples, found = bound.sample(rays, key)
  colors = bound.color(samples, rays.viewdirs)
  rgb = jnp.sum(samples.weights[..., None] * colors, axis=-2)
  own = bound.losses(rays, found, target, jnp.zeros(3))
  return jnp.mean((rgb - target) ** 2) + sum(own.values())


_gradients = jax.jit(jax.grad(total_loss), static_argnames="field")


@functools.lru_cache
def shapes_of(field, lead):
  return jax.tree.leaves(
    jax.eval_shape(field.apply, {"params": params_of(field)}, make_rays(lead))
  )


@pytest.mark.parametrize("method", METHODS)
def test_methods_take_what_the_protocol_says(field, method):
  asked, given = (
    [
      (p.name, p.kind, p.default)
      for p in inspect.signature(getattr(cls, method)).parameters.values()
    ]
    for cls in (field_lib.Field, type(field))
  )
  assert given == asked


def test_modules_are_equal_by_their_attributes(field):
  copy = type(field)(
    **{
      name: getattr(field, name)
      for name in type(field).__dataclass_fields__
      if name not in ("parent", "name")
    }
  )
  assert copy == field and hash(copy) == hash(field)


def test_samples_lie_on_their_rays_and_weights_are_shares(field):
  rays = make_rays()
  samples, colors, _ = jax.tree.map(
    np.asarray, render(field, params_of(field), rays)
  )
  count = field.num_samples
  assert samples.points.shape == colors.shape == (6, count, 3)
  assert samples.t.shape == samples.weights.shape == (6, count)
  assert samples.features.shape[:-1] == (6, count)
  t = samples.t
  assert (np.diff(t, axis=-1) >= 0).all()
  assert t.min() >= NEAR and t.max() <= FAR
  assert samples.weights.min() >= 0
  assert np.sum(samples.weights, axis=-1).max() <= 1 + 1e-5
  assert colors.min() >= 0 and colors.max() <= 1
  along = rays.origins[:, None] + t[..., None] * rays.directions[:, None]
  if field.contract:
    norm = np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1)
    along = (2 - 1 / norm) / norm * along
  np.testing.assert_allclose(samples.points, along, atol=1e-5)


def test_calling_it_samples_and_colours(field):
  params = params_of(field)
  called, found = call_and_render(field, params, make_rays(), KEY)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
    called,
    found,
  )


def test_randomness_comes_from_the_key_alone(field):
  params, rays = params_of(field), make_rays()

  def program(key, noise):
    asked = functools.partial(render, key=key, noise=noise)
    return str(jax.make_jaxpr(asked, static_argnums=0)(field, params, rays))

  assert "random" not in program(None, 1.0)
  assert program(KEY, 1.0).count("random") > program(KEY, 0.0).count("random")
  drawn = [
    np.asarray(call_and_render(field, params, rays, key)[1][0].t)
    for key in (KEY, KEY, jax.random.PRNGKey(1))
  ]
  np.testing.assert_array_equal(drawn[0], drawn[1])
  assert np.abs(drawn[0] - drawn[2]).max() > 1e-3


@pytest.mark.parametrize("lead", [(), (2, 3)])
def test_leading_shapes_agree(field, lead):
  for one, other in zip(shapes_of(field, (6,)), shapes_of(field, lead)):
    assert other.shape == (*lead, *one.shape[1:])


def test_everything_that_init_makes_is_trained(field):
  """By the colours or the losses of its own, and by finite gradients."""
  gradients = _gradients(params_of(field), field, make_rays((40,)), KEY)
  for path, leaf in jax.tree.leaves_with_path(gradients):
    assert np.isfinite(leaf).all(), path
    assert np.any(np.asarray(leaf) != 0), path


@pytest.mark.parametrize("scale", [0.0, 100.0])
def test_gradients_are_finite_far_from_the_start(field, scale):
  params = jax.tree.map(lambda leaf: scale * leaf, params_of(field))
  gradients = _gradients(params, field, make_rays((40,)), KEY)
  for path, leaf in jax.tree.leaves_with_path(gradients):
    assert np.isfinite(leaf).all(), path


def test_losses_are_means_over_rays(field):
  """So that gradients of parts of a batch can be averaged."""
  rays, params = make_rays(), params_of(field)
  target = np.random.default_rng(4).random((6, 3)).astype(np.float32)

  def found_of(part):
    """What is found of half of the rays, without the other half."""
    half = jax.tree.map(lambda values: np.tile(values[part], (2, 1)), rays)
    _, _, found = render(field, params, half)
    return jax.tree.map(lambda values: values[:3], found)

  @jax.jit
  def losses(*given):
    bound = field.bind({"params": params})
    return [bound.losses(*some, jnp.ones(3)) for some in given]

  parts = slice(3), slice(3, None)
  _, _, found = render(field, params, rays)
  whole, *halves = losses(
    (rays, found, target),
    *(
      (
        jax.tree.map(operator.itemgetter(part), rays),
        found_of(part),
        target[part],
      )
      for part in parts
    ),
  )
  for name, value in whole.items():
    assert value.shape == ()
    mean = (halves[0][name] + halves[1][name]) / 2
    np.testing.assert_allclose(value, mean, rtol=1e-4, atol=1e-6)


def test_coarse_samples_weigh_the_same_rays(field):
  samples, _, found = render(field, params_of(field), make_rays())
  coarse = field.coarse_samples(found)
  has_some = not isinstance(field, hash_grid.HashGridField)
  assert (coarse is not None) == has_some
  if has_some:
    assert coarse.weights.shape[:-1] == samples.weights.shape[:-1]
    assert coarse.points.shape == (*coarse.weights.shape, 3)
    assert np.sum(coarse.weights, axis=-1).max() <= 1 + 1e-5


def test_sizes_count_the_widest_layer(field):
  """At least the samples times the widest row of a kernel."""
  kernels = [
    leaf
    for path, leaf in jax.tree.leaves_with_path(params_of(field))
    if "kernel" in jax.tree_util.keystr(path)
  ]
  widest = max(kernel.shape[-1] for kernel in kernels)
  assert field.floats_per_ray >= field.num_samples * widest
  assert field.has_tables == bool(hash_encoding.tables(params_of(field)))
