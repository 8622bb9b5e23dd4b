"""The fast field: its numbers and losses, and the style field's grid."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_fields_contract import params_of

from stylized_nerf_jax.fields import hash_encoding, hash_grid, style_field
from stylized_nerf_jax.losses import photometric
from stylized_nerf_jax.rendering import rays as rays_lib

KEY = jax.random.PRNGKey(0)
GRIDS = dict(num_levels=1, num_features=2, log2_table_size=8)
SMALL = functools.partial(
  hash_grid.HashGridField,
  **GRIDS,
  lower=(-2.0,) * 3,
  upper=(2.0,) * 3,
  coarsest_resolution=2,
  finest_resolution=6,
  width=8,
  geometry_features=3,
  proposal_levels=1,
  proposal_log2_table_size=8,
  proposal_finest_resolution=4,
  proposal_width=4,
  num_proposal=6,
  num_fine=4,
)
FIELDS = {
  "linear": SMALL(),
  "contracted": SMALL(contract=True, spacing="contracted"),
}


def make_rays(shape=(5,), near=0.2, far=6.0):
  rng = np.random.default_rng(0)
  directions = rng.normal(size=(*shape, 3)).astype(np.float32)
  directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
  origins = rng.uniform(-1, 1, (*shape, 3)).astype(np.float32)
  ends = np.ones((*shape, 1), np.float32)
  return rays_lib.Rays(
    origins, directions, directions, origins, near * ends, far * ends
  )


@functools.partial(jax.jit, static_argnames=("field", "noise"))
def sample(field, rays, key=None, *, noise=0.0):
  variables = {"params": params_of(field)}
  return field.apply(variables, rays, key, noise=noise, method="sample")


@functools.partial(jax.jit, static_argnames=("field", "every"))
def losses_of(field, params, rays, found, every):
  variables, rest = {"params": params}, (rays, found, None, None)
  return field.apply(variables, *rest, every=every, method="losses")


@jax.jit
def losses_by_hand(tables, found, some):
  return {
    "grid_decay": photometric.grid_decay(tables),
    "interlevel": photometric.interlevel_loss(
      some["edges"],
      some["weights"],
      some["proposal_edges"],
      some["proposal_weights"],
    ),
    "distortion": photometric.distortion_loss(found["edges"], found["weights"]),
  }


def assert_close(one, two, rtol=1e-4):
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-5),
    one,
    two,
  )


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_samples_lie_on_their_rays_and_weights_are_shares(field):
  rays = make_rays()
  samples, found = jax.tree.map(np.asarray, sample(field, rays))
  assert samples.points.shape == (5, 4, 3)
  assert samples.t.shape == samples.weights.shape == (5, 4)
  assert samples.features.shape == (5, 4, 3)
  assert np.all(np.diff(samples.t, axis=-1) > 0)
  assert samples.t.min() >= 0.2 and samples.t.max() <= 6
  assert samples.weights.min() >= 0
  assert np.sum(samples.weights, axis=-1).max() <= 1 + 1e-6
  along = (
    rays.origins[:, None] + samples.t[..., None] * rays.directions[:, None]
  )
  if field.contract:
    norm = np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1)
    along = np.where(norm > 1, (2 - 1 / norm) / norm, 1) * along
  np.testing.assert_allclose(samples.points, along, atol=1e-5)
  for name, count in (("edges", 5), ("proposal_edges", 7)):
    edges = found[name]
    assert edges.shape == (5, count)
    assert edges.min() >= -1e-6 and edges.max() <= 1 + 1e-6
    assert np.all(np.diff(edges, axis=-1) > 0)
  np.testing.assert_allclose(
    found["proposal_edges"], np.tile(np.arange(7) / 6, (5, 1)), atol=1e-5
  )
  assert np.sum(found["proposal_weights"], axis=-1).max() <= 1 + 1e-6


@pytest.mark.slow
def test_jit_changes_nothing():
  field = FIELDS["contracted"]
  eager = field.apply(
    {"params": params_of(field)}, make_rays(), method="sample"
  )
  assert_close(sample(field, make_rays()), eager)


def test_densities_and_colours_stay_finite():
  field = FIELDS["linear"]
  variables = {"params": jax.tree.map(lambda x: 1e3 * x, params_of(field))}

  @jax.jit
  def evaluate(points):
    densities, features = field.apply(variables, points, method="density")
    samples, _ = field.apply(variables, make_rays(), method="sample")
    colors = field.apply(
      variables, samples, make_rays().viewdirs, method="color"
    )
    return densities, features, samples.weights, colors

  points = np.array([[0, 0, 0], [1e30, -1e30, 0], [2, 2, 2]], np.float32)
  densities, *others = map(np.asarray, evaluate(points))
  assert np.isfinite(densities).all() and densities.min() >= 0
  for values in others:
    assert np.isfinite(values).all()
  assert others[-1].min() >= 0 and others[-1].max() <= 1


@pytest.mark.parametrize("scale", [0.0, 1.0, 100.0])
def test_gradients_are_finite_and_reach_all_parameters(scale):
  slopes = jax.tree.map(np.asarray, gradients(np.float32(scale)))
  for leaf in jax.tree.leaves(slopes):
    assert np.isfinite(leaf).all()
  if scale == 1:
    for leaf in jax.tree.leaves(slopes):
      assert np.any(leaf != 0)


@jax.jit
def gradients(scale):
  field = FIELDS["contracted"]

  def total(params):
    variables = {"params": jax.tree.map(lambda x: scale * x, params)}
    samples, colors, found = field.apply(variables, make_rays(), KEY)
    shine = jnp.sum(samples.weights[..., None] * colors)
    return shine + jnp.sum(found["proposal_weights"] ** 2)

  return jax.grad(total)(params_of(field))


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("every", [1, 2])
def test_losses_are_those_of_its_histograms(name, every):
  """The proposal is asked about every so many rays; distortion about all."""
  field, rays = FIELDS[name], make_rays()
  params = params_of(field)
  _, found = jax.tree.map(np.asarray, sample(field, rays, KEY))
  losses = losses_of(field, params, rays, found, every)
  some = jax.tree.map(lambda values: values[::every], found)
  expected = losses_by_hand(
    hash_encoding.tables(
      params["encoding"] if name == "contracted" else params
    ),
    found,
    some,
  )
  assert losses.keys() == expected.keys()
  assert_close(losses, expected)


STYLE = style_field.StyleField(
  **GRIDS,
  depth=3,
  width=6,
  encoding="hash_grid",
  lower=(-1.0, 0.0, 2.0),
  upper=(1.0, 4.0, 3.0),
  coarsest_resolution=2,
  finest_resolution=5,
)


def style_variables():
  rng = np.random.default_rng(2)
  shapes = jax.eval_shape(
    STYLE.init, KEY, np.zeros((1, 1, 3)), np.zeros((1, 4))
  )
  return jax.tree.map(
    lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes
  )


def test_the_grid_of_the_style_field_covers_its_box():
  variables = style_variables()
  assert set(variables["params"]["grid"]) == {"level_0"}
  encode = jax.jit(functools.partial(STYLE.apply, method="encode"))
  grid = variables["params"]["grid"]["level_0"]
  corners = encode(variables, np.array([STYLE.lower, STYLE.upper], np.float32))
  np.testing.assert_allclose(corners[:, :2], grid[[0, -1]], rtol=1e-5)
  outside = encode(variables, np.array([[-9, -9, -9], [9, 9, 9]], np.float32))
  np.testing.assert_allclose(outside, corners, rtol=1e-6)


def test_colours_of_the_style_field_are_colours():
  points = np.random.default_rng(0).normal(size=(2, 3, 3)).astype(np.float32)
  codes = np.ones((2, 4), np.float32)
  colors = np.asarray(
    jax.jit(STYLE.apply)(style_variables(), 3 * points, codes)
  )
  assert colors.shape == (2, 3, 3)
  assert colors.min() >= 0 and colors.max() <= 1 and np.ptp(colors) > 0.01
