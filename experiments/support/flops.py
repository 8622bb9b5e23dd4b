"""Multiplications and additions of networks, counted by hand.

Those of dense layers and convolutions alone: hash grids are memory traffic.
"""

import jax
import numpy as np

from stylized_nerf_jax.stylizer import decoder, vgg


def of_field(config, params) -> float:
  """FLOPs of a ray through all dense layers of a field, forward.

  Args:
    config: of the run.
    params: of its field.
  """
  if config.field.kind == "positional":
    options = config.field.positional
    fine = options.num_coarse + options.num_fine
    return 2.0 * (
      options.num_coarse * _kernels(params["coarse"])
      + fine * _kernels(params["fine"])
    )
  options = config.field.hash_grid
  proposal = {k: v for k, v in params.items() if k.startswith("proposal")}
  rest = {k: v for k, v in params.items() if not k.startswith("proposal")}
  return 2.0 * (
    options.num_proposal * _kernels(proposal)
    + options.num_fine * _kernels(rest)
  )


def of_style_field(params, count: int) -> float:
  """FLOPs of a ray of `count` samples through a style field, forward."""
  return 2.0 * count * _kernels(params)


def of_encoder(layout: str, size: int) -> float:
  """FLOPs of E on a picture of `size` pixels a side, by its convolutions."""
  shapes = jax.eval_shape(
    vgg.VggEncoder(layout).init,
    jax.random.key(0),
    jax.ShapeDtypeStruct((1, 16, 16, 3), np.float32),
  )["params"]
  names = vgg.convolution_names(layout)
  return sum(
    2.0 * shapes[name]["kernel"].size * (size >> int(name[4]) - 1) ** 2
    for name in names
  )


def of_decoder(size: int) -> float:
  """FLOPs of D on the features of such a picture."""
  shapes = jax.eval_shape(
    decoder.Decoder().init,
    jax.random.key(0),
    jax.ShapeDtypeStruct((1, 2, 2, 512), np.float32),
  )["params"]
  flops, side = 0.0, size // vgg.STRIDE
  for name, _, grows in decoder.LAYERS:
    side *= 2 if grows else 1
    flops += 2.0 * shapes[name]["kernel"].size * side**2
  return flops


def _kernels(params) -> int:
  """Entries of all kernels: multiply-adds of a sample."""
  leaves = jax.tree.leaves_with_path(params)
  return sum(v.size for path, v in leaves if path[-1].key == "kernel")
