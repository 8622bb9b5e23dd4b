"""The paper's field against torch, against a loop, and in its corners."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.fields import positional
from stylized_nerf_jax.rendering import compositing, sampling
from stylized_nerf_jax.rendering import rays as rays_lib

KEY = jax.random.PRNGKey(0)
SMALL = functools.partial(
  positional.PositionalField,
  num_coarse=6,
  num_fine=4,
  depth=3,
  width=16,
  skip=1,
  color_width=8,
  # Higher frequencies amplify the rounding of positions beyond what the
  # comparisons below allow.
  position_octaves=3,
)


def make_rays(shape=(6,), seed=0, near=0.0, far=1.0):
  rng = np.random.default_rng(seed)

  def vectors(low, high):
    return rng.uniform(low, high, (*shape, 3)).astype(np.float32)

  viewdirs = vectors(-1, 1)
  viewdirs /= np.linalg.norm(viewdirs, axis=-1, keepdims=True)
  ends = np.ones((*shape, 1), np.float32)
  return rays_lib.Rays(
    origins=vectors(-1, 1),
    directions=vectors(-2, 2),
    viewdirs=viewdirs,
    centers=vectors(-1, 1),
    near=near * ends,
    far=far * ends,
  )


def random_params(init, *inputs, seed=0):
  """Draws parameters; to compile `init` takes longer than a test."""
  rng = np.random.default_rng(seed)

  def draw(leaf):
    scale = np.sqrt(2 / sum(leaf.shape))
    return rng.normal(scale=scale, size=leaf.shape).astype(np.float32)

  shapes = jax.eval_shape(init, KEY, *inputs)["params"]
  return jax.tree.map(draw, shapes)


@functools.lru_cache
def small_params():
  return random_params(SMALL().init, make_rays())


_stratified = jax.jit(sampling.stratified, static_argnames="num_samples")
_refine = jax.jit(sampling.refine, static_argnames="num_fine")


# Compiled once and shared: compiling takes most of the time of this file.
@functools.partial(jax.jit, static_argnames="noise")
def render(params, rays, key=None, *, noise=0.0):
  bound = SMALL().bind({"params": params})
  samples, found = bound.sample(rays, key, noise=noise)
  colors = bound.color(samples, rays.viewdirs)
  return {
    "rgb": compositing.composite(samples.weights, colors),
    "samples": samples,
    **found,
  }


@jax.jit
@functools.partial(jax.grad, argnums=0)
def slopes(params, coarse_share):
  out = render(params, make_rays(), KEY, noise=1.0)
  losses = SMALL().apply(
    {"params": params},
    make_rays(),
    {"coarse": out["coarse"]},
    jnp.zeros((6, 3)),
    jnp.zeros(3),
    method="losses",
  )
  return jnp.sum(out["rgb"] ** 2) + coarse_share * losses["coarse_mse"]


def test_the_paper_field_has_1191688_parameters():
  field = positional.PositionalField()
  shapes = jax.eval_shape(field.init, KEY, make_rays())["params"]
  assert set(shapes) == {"coarse", "fine"}
  count = sum(leaf.size for leaf in jax.tree.leaves(shapes))
  assert count == 1_191_688
  assert hash(field) == hash(positional.PositionalField())


def test_parameter_names_are_stable():
  """Checkpoints of earlier runs are read by these names."""
  params = small_params()["fine"]
  assert set(params) == {
    "layer_0",
    "layer_1",
    "layer_2",
    "density_head",
    "feature",
    "color_layer",
    "color_head",
  }


@pytest.mark.oracle
def test_network_equals_torch_with_the_same_weights():
  torch = pytest.importorskip("torch")
  mlp = positional.PositionalMlp()
  rng = np.random.default_rng(0)
  points = rng.uniform(-1, 1, (2, 3, 3)).astype(np.float32)
  viewdirs = rng.normal(size=(2, 3)).astype(np.float32)

  def run(mlp, points, viewdirs):
    densities, features = mlp.geometry(points)
    return densities, features, mlp.color(features, viewdirs)

  params = random_params(
    functools.partial(mlp.init, method=run), points, viewdirs
  )
  outputs = jax.jit(functools.partial(mlp.apply, method=run))(
    {"params": params}, points, viewdirs
  )

  def linear(name, x):
    layer = torch.nn.Linear(*params[name]["kernel"].shape)
    layer.weight.data = torch.tensor(params[name]["kernel"].T)
    layer.bias.data = torch.tensor(params[name]["bias"])
    return layer(x)

  def encode(x, octaves):
    parts = [x]
    for octave in range(octaves):
      parts += [torch.sin(x * 2**octave), torch.cos(x * 2**octave)]
    return torch.cat(parts, dim=-1)

  with torch.no_grad():
    encoded = encode(torch.tensor(points), 10)
    hidden = encoded
    for index in range(8):
      hidden = torch.relu(linear(f"layer_{index}", hidden))
      if index == 4:
        hidden = torch.cat([encoded, hidden], dim=-1)
    densities = linear("density_head", hidden)[..., 0]
    features = torch.relu(linear("feature", hidden))
    directions = encode(torch.tensor(viewdirs), 4)[:, None].expand(-1, 3, -1)
    colors = torch.relu(
      linear("color_layer", torch.cat([features, directions], dim=-1))
    )
    colors = torch.sigmoid(linear("color_head", colors))
  for ours, theirs in zip(outputs, (densities, features, colors)):
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-5)


def test_sampling_equals_the_steps_of_the_paper():
  """Coarse pass, refinement, fine pass, written out ray by ray."""
  rays, params = make_rays(near=0.5, far=3.0), small_params()
  out = jax.tree.map(np.asarray, render(params, rays))
  samples = out["samples"]
  assert samples.points.shape == (6, 10, 3)

  mlp = positional.PositionalMlp(3, 16, 1, 8, position_octaves=3)
  geometry = jax.jit(functools.partial(mlp.apply, method="geometry"))

  for r in range(6):
    norm = np.linalg.norm(rays.directions[r])
    t = np.asarray(_stratified(None, rays.near[r], rays.far[r], 6))
    for network in ("coarse", "fine"):
      points = rays.origins[r] + t[:, None] * rays.directions[r]
      raw, features = geometry({"params": params[network]}, points)
      weights, through = [], 1.0
      for k, density in enumerate(np.maximum(np.asarray(raw), 0)):
        delta = (t[k + 1] - t[k] if k + 1 < len(t) else 1e10) * norm
        alpha = 1 - np.exp(-float(density) * float(delta))
        weights.append(through * alpha)
        through *= 1 - alpha
      if network == "coarse":
        coarse = jax.tree.map(lambda x, r=r: x[r], out["coarse"])
        np.testing.assert_allclose(coarse.t, t, rtol=1e-4)
        np.testing.assert_allclose(coarse.points, points, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(coarse.weights, weights, atol=1e-4)
        t = np.asarray(_refine(None, t, np.float32(weights), 4))
    np.testing.assert_allclose(samples.t[r], t, rtol=1e-4)
    np.testing.assert_allclose(samples.points[r], points, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(samples.weights[r], weights, atol=1e-4)
    np.testing.assert_allclose(samples.features[r], features, atol=1e-4)


def test_noise_is_unit_gaussian_before_the_relu():
  params = jax.tree.map(np.copy, small_params())
  for network in ("coarse", "fine"):
    for leaf in params[network]["density_head"].values():
      leaf[:] = 0
  rays = make_rays()
  quiet = render(params, rays)["samples"]
  np.testing.assert_array_equal(quiet.weights, np.zeros((6, 10)))
  noisy = jax.tree.map(
    np.asarray, render(params, rays, KEY, noise=1.0)["samples"]
  )
  through = 1 - np.cumsum(noisy.weights, axis=-1)
  before = np.concatenate([np.ones((6, 1)), through[:, :-2]], axis=-1)
  norms = np.linalg.norm(rays.directions, axis=-1, keepdims=True)
  thickness = -np.log(1 - noisy.weights[:, :-1] / before)
  densities = thickness / (np.diff(noisy.t, axis=-1) * norms)
  # The mean of max(n, 0) is 0.40, that of its square 0.5.
  assert 0.3 < np.mean(densities > 1e-3) < 0.7
  assert 0.2 < np.mean(densities) < 0.6
  assert 0.2 < np.mean(densities**2) < 0.9


def test_color_is_skipped_when_only_geometry_is_wanted():
  rays, field = make_rays(), SMALL()
  params = jax.tree.map(lambda leaf: leaf, small_params())
  variables = {"params": params}
  sample = functools.partial(field.apply, method="sample")
  shapes, found = jax.eval_shape(sample, variables, rays)
  assert found["coarse"].weights.shape == (6, 6)
  assert shapes.weights.shape == (6, 10)
  # The coarse colour layers do not even run.
  del params["coarse"]["color_layer"]
  jax.eval_shape(sample, variables, rays)


def test_the_coarse_loss_equals_a_loop_over_rays():
  rays, params = make_rays(), small_params()
  coarse = jax.tree.map(np.asarray, render(params, rays)["coarse"])
  rng = np.random.default_rng(2)
  target, background = rng.random((2, 6, 3)).astype(np.float32)

  @jax.jit
  def losses_and_colors():
    field = SMALL().bind({"params": params})
    return (
      field.losses(rays, {"coarse": coarse}, target, background, every=4),
      field.coarse.color(coarse.features, rays.viewdirs),
    )

  losses, colors = jax.tree.map(np.asarray, losses_and_colors())
  total = 0.0
  for r in range(6):
    rendered, through = np.zeros(3), 1.0
    for weight, color in zip(coarse.weights[r], colors[r]):
      rendered += weight * color
      through -= weight
    rendered += through * background[r]
    total += np.mean((rendered - target[r]) ** 2) / 6
  assert list(losses) == ["coarse_mse"]
  np.testing.assert_allclose(losses["coarse_mse"], total, rtol=1e-4)


def test_contraction_keeps_far_points_inside_the_ball_of_two():
  rays = make_rays(near=0.1, far=1e4)
  field = SMALL(contract=True, spacing="contracted")
  samples, _ = jax.jit(functools.partial(field.apply, method="sample"))(
    {"params": small_params()}, rays
  )
  norms = np.linalg.norm(samples.points, axis=-1)
  assert norms.max() > 1.5
  assert norms.max() <= 2 + 1e-6
  # Half of the coarse samples lie where the cameras of a scene are.
  assert np.all(np.sum(np.asarray(samples.t) < 1.1, axis=-1) >= 3)


def test_shapes_agree():
  rays, params = make_rays(), small_params()
  shaped = jax.tree.map(lambda x: x.reshape(2, 3, x.shape[-1]), rays)
  flat, grid, single = (
    map(np.asarray, jax.tree.leaves(render(params, given)))
    for given in (rays, shaped, jax.tree.map(lambda x: x[5], rays))
  )
  for values, many, one in zip(flat, grid, single):
    assert many.shape == (2, 3, *values.shape[1:])
    np.testing.assert_allclose(
      np.reshape(many, values.shape), values, atol=1e-4
    )
    np.testing.assert_allclose(one, values[5], atol=1e-4)


def test_the_fine_loss_does_not_move_the_coarse_network():
  """Positions are constants: only its own loss trains the coarse network."""
  gradients = slopes(small_params(), 0.0)
  for leaf in jax.tree.leaves(gradients["coarse"]):
    np.testing.assert_array_equal(leaf, np.zeros_like(leaf))
