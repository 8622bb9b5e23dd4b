"""A dense layer over inputs of which some are constant along a ray."""

import flax.linen as nn
import jax.numpy as jnp


class JointDense(nn.Module):
  """Applies a dense layer to the concatenation of inputs, without making it.

  The parameters are those of `nn.Dense` on the concatenated inputs. Each input
  is multiplied at its own size and the products broadcast, so that what a
  ray's samples share ([..., 1, D]) is multiplied once a ray.

  Attributes:
    features: number of outputs.
    kernel_init: draws the kernel.
  """

  features: int
  kernel_init: nn.initializers.Initializer = nn.initializers.glorot_uniform()

  @nn.compact
  def __call__(self, *inputs):
    """Computes concatenate(inputs) @ kernel + bias.

    Args:
      *inputs: arrays [..., D_i] whose leading shapes broadcast.

    Returns:
      [..., features].
    """
    kernel = self.param(
      "kernel",
      self.kernel_init,
      (sum(x.shape[-1] for x in inputs), self.features),
      jnp.float32,
    )
    total = self.param(
      "bias", nn.initializers.zeros_init(), (self.features,), jnp.float32
    )
    first = 0
    # Smallest leading shape first: the bias is added once a ray.
    blocks = []
    for x in inputs:
      blocks.append((x, kernel[first : first + x.shape[-1]]))
      first += x.shape[-1]
    for x, block in sorted(blocks, key=lambda pair: pair[0].size):
      total = total + x @ block
    return total
