"""The style field against its concatenated form, in numpy and in torch."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stylized_nerf_jax.fields import encodings, style_field

KEY = jax.random.PRNGKey(0)


def inputs(rays=(4,), samples=3, latent=32, seed=0):
  rng = np.random.default_rng(seed)
  points = rng.uniform(-1, 1, (*rays, samples, 3)).astype(np.float32)
  latents = rng.normal(size=(*rays, latent)).astype(np.float32)
  return points, latents


def random_variables(field, seed=1):
  """Draws parameters, biases too: zeros would hide one that is left out."""
  rng = np.random.default_rng(seed)

  def draw(leaf):
    scale = np.sqrt(2 / sum(leaf.shape))
    return rng.normal(scale=scale, size=leaf.shape).astype(np.float32)

  return jax.tree.map(draw, jax.eval_shape(field.init, KEY, *inputs()))


@functools.lru_cache
def small():
  field = style_field.StyleField(depth=6, width=16, num_octaves=3)
  return field, random_variables(field)


def concatenated_form(params, points, latents, *, depth, octaves, skip=4):
  """Concatenates code and encoding in full at every sample."""
  encode = jax.jit(encodings.frequency_encoding, static_argnums=1)
  encoded = np.asarray(encode(points, octaves))
  codes = np.broadcast_to(
    latents[..., None, :], (*points.shape[:-1], latents.shape[-1])
  )
  hidden = encoded
  for index in range(depth - 1):
    joined = [hidden, codes] + ([encoded] if index == skip else [])
    layer = params[f"layer_{index}"]
    hidden = np.concatenate(joined, -1) @ layer["kernel"] + layer["bias"]
    hidden = np.maximum(hidden, 0)
  head = params["color_head"]
  raw = np.concatenate([hidden, codes], -1) @ head["kernel"] + head["bias"]
  return 1 / (1 + np.exp(-raw))


def test_the_paper_field_has_485475_parameters():
  field = style_field.StyleField()
  shapes = jax.eval_shape(field.init, KEY, *inputs())
  count = sum(leaf.size for leaf in jax.tree.leaves(shapes))
  assert count == 485_475
  assert hash(field) == hash(style_field.StyleField())


def test_equals_the_concatenated_form():
  field, variables = small()
  points, latents = inputs()
  colors = jax.jit(field.apply)(variables, points, latents)
  expected = concatenated_form(
    variables["params"], points, latents, depth=6, octaves=3
  )
  np.testing.assert_allclose(colors, expected, rtol=1e-4)


@pytest.mark.oracle
def test_full_size_equals_torch_with_the_same_weights():
  torch = pytest.importorskip("torch")
  field = style_field.StyleField()
  points, latents = inputs()
  variables = random_variables(field)
  params = variables["params"]

  def linear(name, x):
    layer = torch.nn.Linear(*params[name]["kernel"].shape)
    layer.weight.data = torch.tensor(params[name]["kernel"].T)
    layer.bias.data = torch.tensor(params[name]["bias"])
    return layer(x)

  with torch.no_grad():
    x = torch.tensor(points)
    codes = torch.tensor(latents)[:, None].expand(-1, 3, -1)
    encoded = torch.cat(
      [x] + [f(x * 2**i) for i in range(10) for f in (torch.sin, torch.cos)],
      dim=-1,
    )
    hidden = encoded
    for index in range(7):
      hidden = torch.cat([hidden, codes], dim=-1)
      if index == 4:
        hidden = torch.cat([hidden, encoded], dim=-1)
      hidden = torch.relu(linear(f"layer_{index}", hidden))
    colors = torch.sigmoid(
      linear("color_head", torch.cat([hidden, codes], dim=-1))
    )
  ours = jax.jit(field.apply)(variables, points, latents)
  np.testing.assert_allclose(ours, colors.numpy(), rtol=1e-4)


def test_every_layer_reads_the_code():
  field, variables = small()
  points, latents = inputs()
  apply = jax.jit(field.apply)
  base = np.asarray(apply(variables, points, latents))
  for index in range(5):
    params = dict(variables["params"])
    layer = params[f"layer_{index}"]
    first = layer["kernel"].shape[0] - 32 - (21 if index == 4 else 0)
    kernel = layer["kernel"].copy()
    kernel[first : first + 32] = 0
    params[f"layer_{index}"] = {**layer, "kernel": kernel}
    changed = apply({"params": params}, points, latents)
    assert np.max(np.abs(np.asarray(changed) - base)) > 1e-4


def test_shapes_jit_and_a_shared_code_agree():
  field, variables = small()
  points, latents = inputs((2, 3))
  apply = jax.jit(field.apply)
  whole = np.asarray(apply(variables, points, latents))
  assert whole.shape == (2, 3, 3, 3)
  np.testing.assert_allclose(
    whole, field.apply(variables, points, latents), rtol=1e-4
  )
  flat = apply(variables, points.reshape(6, 3, 3), latents.reshape(6, 32))
  np.testing.assert_allclose(whole.reshape(6, 3, 3), flat, rtol=1e-4)
  single = apply(variables, points[1, 2], latents[1, 2])
  np.testing.assert_allclose(whole[1, 2], single, rtol=1e-4)
  shared = apply(variables, points, latents[0, 0])
  repeated = apply(
    variables, points, np.broadcast_to(latents[0, 0], latents.shape)
  )
  np.testing.assert_allclose(shared, repeated, rtol=1e-4)


def test_gradients_are_finite_and_reach_the_codes():
  field, variables = small()
  points, latents = inputs()
  gradient = jax.jit(
    jax.grad(
      lambda variables, latents: jnp.sum(
        field.apply(variables, points, latents)
      ),
      argnums=(0, 1),
    )
  )
  for scale in (0.0, 1.0, 1e4):
    slopes = gradient(variables, scale * latents)
    for leaf in jax.tree.leaves(slopes):
      assert np.all(np.isfinite(leaf))
  slopes = np.asarray(gradient(variables, latents)[1])
  assert np.all(np.any(slopes != 0, axis=-1))


def test_an_unknown_encoding_is_named():
  with pytest.raises(ValueError, match="encoding is 'sines'"):
    style_field.StyleField(encoding="sines").init(KEY, *inputs())
