"""A region of a scene as a field: how far inside it a point lies."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from stylized_nerf_jax.fields import hash_encoding


class RegionField(nn.Module):
  """A small hash grid over the box of a region, and a layer behind it.

  The corners of the box, "lower" and "upper" [3] in field coordinates, are
  parameters that are given and never learned, so that one compiled program
  serves all regions. Beyond the box nothing belongs to the region.

  Attributes:
    num_levels, num_features, log2_table_size, coarsest_resolution,
      finest_resolution: of the grid.
    width: of the layer.
  """

  num_levels: int = 6
  num_features: int = 2
  log2_table_size: int = 15
  coarsest_resolution: int = 8
  finest_resolution: int = 128
  width: int = 32

  @nn.compact
  def __call__(self, points: jax.Array) -> jax.Array:
    """Computes signed distances to the region's border, cut at a reach.

    Args:
      points: [..., 3], field coordinates.

    Returns:
      [...], in [-1, 1], positive inside; 1 is the reach that it was fitted
      with.
    """
    lower, upper = (
      jax.lax.stop_gradient(
        self.param(name, nn.initializers.constant(at), (3,))
      )
      for name, at in (("lower", 0.0), ("upper", 1.0))
    )
    unit = (points - lower) / (upper - lower)
    encoded = hash_encoding.HashEncoding(
      num_levels=self.num_levels,
      num_features=self.num_features,
      log2_table_size=self.log2_table_size,
      coarsest_resolution=self.coarsest_resolution,
      finest_resolution=self.finest_resolution,
      name="grid",
    )(unit)
    hidden = nn.relu(nn.Dense(self.width, name="hidden")(encoded))
    signed = jnp.tanh(nn.Dense(1, name="out")(hidden)[..., 0])
    inside = jnp.all((unit > 0.0) & (unit < 1.0), axis=-1)
    return jnp.where(inside, signed, -1.0)
