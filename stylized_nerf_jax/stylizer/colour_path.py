"""A way for colours straight through the decoder, found by least squares.

Deep features know where edges are and only dimly which colour is between them;
gradients find that dim knowledge last, and along the main axis of the colours
first. But the colour of eight by eight pixels is nearly linear in the features
around them. So three channels of every layer of D are given to a blurred
image: fitted at relu4_1, passed on from layer to layer, added to the output.
Training goes on from there; while its rate is high, the path is held, because
Adam would shake it by more than a painting's colours differ. Not of the paper.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax.stylizer import convolution, decoder, vgg

# Colours are carried with an offset, so that no ReLU cuts them.
_OFFSET = 1.0
PATH = 3  # channels


def normal_equations(
  features: jax.Array, images: jax.Array
) -> tuple[jax.Array, jax.Array]:
  """Gather what the fit needs of a batch; sums over batches are of all.

  Args:
    features: at relu4_1, [N, h, w, C].
    images: what is to be told from them, [N, 8 h, 8 w, 3].

  Returns:
    Gram matrix [9 C + 1, 9 C + 1] of the 3x3 neighbourhoods and a one, and
    their products with the mean colour of each 8x8 block, [9 C + 1, 3].
  """
  n, height, width, channels = features.shape
  padded = convolution.pad_by_one(features)
  taps = [
    padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)
  ]
  ones = jnp.ones((n, height, width, 1))
  rows = jnp.concatenate([*taps, ones], -1).reshape(-1, 9 * channels + 1)
  side = vgg.STRIDE
  blocks = images.reshape(n, height, side, width, side, 3).mean((2, 4))
  return rows.T @ rows, rows.T @ blocks.reshape(-1, 3)


def solve(
  gram: jax.Array, products: jax.Array, *, ridge: float = 1e-3
) -> tuple[jax.Array, jax.Array]:
  """Solve the normal equations.

  Args:
    gram, products: of `normal_equations`, summed.
    ridge: penalty on the weights, as a share of the mean square of a feature.

  Returns:
    Kernel [3, 3, C, 3] and bias [3] of a convolution that tells the colour.
  """
  size = gram.shape[0] - 1
  penalty = jnp.full(size + 1, ridge * jnp.trace(gram) / size).at[size].set(0.0)
  weights = jnp.linalg.solve(gram + jnp.diag(penalty), products)
  return weights[:-1].reshape(3, 3, size // 9, 3), weights[-1]


def least_used(
  params: Mapping[str, Any], features: jax.Array
) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
  """Find the three channels of each hidden layer that matter least.

  Args:
    params: of `decoder.Decoder`.
    features: a batch to try it on, [N, h, w, 512].

  Returns:
    For each hidden layer, the indices [3], and the channels' means [3].
  """
  chosen, means = {}, {}
  x = features
  for (name, width, upsample), (following, _, _) in _hidden():
    layer = convolution.ReflectConv(width, upsample=upsample)
    x = jax.nn.relu(layer.apply({"params": params[name]}, x))
    reach = jnp.sqrt(jnp.square(params[following]["kernel"]).sum((0, 1, 3)))
    chosen[name] = jnp.argsort(x.std((0, 1, 2)) * reach)[:PATH]
    means[name] = x.mean((0, 1, 2))[chosen[name]]
  return chosen, means


def graft(
  params: Mapping[str, Any],
  kernel: jax.Array,
  bias: jax.Array,
  channels: Mapping[str, jax.Array],
  means: Mapping[str, jax.Array],
) -> dict[str, Any]:
  """Add a blurred image to what D puts out.

  Args:
    params: of `decoder.Decoder`.
    kernel: [3, 3, 512, 3], tells the image, an eighth of the size.
    bias: [3].
    channels: for each hidden layer, the three that are given up for it.
    means: of what these channels held, so that layers behind miss little.

  Returns:
    New parameters, in which the path is the last three channels of every
    hidden layer.
  """
  params = jax.tree.map(jnp.asarray, dict(params))
  for index, (layer, behind) in enumerate(_hidden()):
    name, following = layer[0], behind[0]
    width = params[name]["bias"].size
    kept = jnp.delete(
      jnp.arange(width), channels[name], assume_unique_indices=True
    )
    if index == 0:
      taken, offset = kernel, bias + _OFFSET
    else:
      inputs = params[name]["kernel"].shape[2]
      taken, offset = _passed_on(inputs, blur=layer[2]), jnp.zeros(3)
    old, after = params[name], params[following]
    lost = after["kernel"][:, :, channels[name]].sum((0, 1))
    zeros = jnp.zeros_like(after["kernel"][:, :, -PATH:])
    params[name] = {
      "kernel": jnp.concatenate([old["kernel"][..., kept], taken], -1),
      "bias": jnp.concatenate([old["bias"][kept], offset]),
    }
    params[following] = {
      "kernel": jnp.concatenate([after["kernel"][:, :, kept], zeros], 2),
      "bias": after["bias"] + means[name] @ lost,
    }
  last = decoder.LAYERS[-1][0]
  inputs = params[last]["kernel"].shape[2]
  params[last] = {
    "kernel": params[last]["kernel"] + _passed_on(inputs, blur=False),
    "bias": params[last]["bias"] - _OFFSET,
  }
  return params


def is_present(params: Mapping[str, Any]) -> bool:
  """Tell whether parameters of D carry the path, as `graft` lays it."""
  for layer, _ in _hidden()[1:]:
    kernel = params[layer[0]]["kernel"]
    passed_on = _passed_on(kernel.shape[2], blur=layer[2])
    if not np.array_equal(kernel[..., -PATH:], passed_on):
      return False
  return True


def hold(gradients: Mapping[str, Any]) -> dict[str, Any]:
  """Take the path out of the gradients of D's parameters."""
  held = {}
  for name, _, _ in decoder.LAYERS:
    kernel, bias = gradients[name]["kernel"], gradients[name]["bias"]
    if name == decoder.LAYERS[-1][0]:
      kernel = kernel.at[:, :, -PATH:].set(0.0)
    else:
      kernel = kernel.at[..., -PATH:].set(0.0)
      bias = bias.at[-PATH:].set(0.0)
    held[name] = {"kernel": kernel, "bias": bias}
  return held


def _hidden() -> Sequence[tuple[tuple, tuple]]:
  """Each hidden layer of D and the one behind it."""
  return list(zip(decoder.LAYERS[:-1], decoder.LAYERS[1:]))


def _passed_on(inputs: int, *, blur: bool) -> jax.Array:
  """Make a kernel [3, 3, inputs, 3] that passes the last three channels on.

  Args:
    inputs: number of channels.
    blur: smooth the squares that repeating pixels leaves.
  """
  line = jnp.array([0.25, 0.5, 0.25] if blur else [0.0, 1.0, 0.0])
  taps = line[:, None] * line[None, :]
  ways = jnp.eye(inputs)[:, -PATH:]
  return taps[:, :, None, None] * ways
