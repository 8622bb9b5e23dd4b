"""The joint layer against a dense layer on concatenated inputs."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.fields import joint_dense


def test_equals_a_dense_layer_on_the_concatenated_inputs():
  rng = np.random.default_rng(0)
  samples = rng.normal(size=(3, 4, 5)).astype(np.float32)
  shared = rng.normal(size=(3, 1, 2)).astype(np.float32)
  more = rng.normal(size=(3, 4, 6)).astype(np.float32)
  layer = joint_dense.JointDense(7)
  init = jax.jit(layer.init)
  params = init(jax.random.PRNGKey(0), samples, shared, more)["params"]
  params["bias"] = np.arange(7, dtype=np.float32)
  joined = np.concatenate(
    [samples, np.broadcast_to(shared, (3, 4, 2)), more], axis=-1
  )
  dense = nn.Dense(7)
  expected_shapes = jax.eval_shape(dense.init, jax.random.PRNGKey(0), joined)[
    "params"
  ]
  assert jax.tree.map(jnp.shape, params) == jax.tree.map(
    lambda leaf: leaf.shape, expected_shapes
  )

  def joint_loss(params):
    out = layer.apply({"params": params}, samples, shared, more)
    return jnp.sum(out**2), out

  def dense_loss(params):
    out = dense.apply({"params": params}, joined)
    return jnp.sum(out**2), out

  (_, out), slope = jax.jit(jax.value_and_grad(joint_loss, has_aux=True))(
    params
  )
  (_, expected), expected_slope = jax.jit(
    jax.value_and_grad(dense_loss, has_aux=True)
  )(params)
  np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)
  for name in ("kernel", "bias"):
    np.testing.assert_allclose(
      slope[name], expected_slope[name], rtol=1e-4, atol=1e-4
    )
