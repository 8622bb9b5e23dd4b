"""The style field: colour of a point in a style (method of StylizedNeRF).

It replaces the colour head of a radiance field whose density is frozen, and
reads the coordinates that the density reads. It sees no view direction: what
two views of a style disagree about goes into their latent codes.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from stylized_nerf_jax import user_error
from stylized_nerf_jax.fields import (
  encodings,
  hash_encoding,
  joint_dense,
  row_blocks,
)
from stylized_nerf_jax.scenes import normalization

ENCODINGS = ("frequency", "hash_grid")
_GRID = "grid"


def layers(params):
  """Returns the parameters that `StyleField.paint` reads: not the tables'."""
  return {name: found for name, found in params.items() if name != _GRID}


class StyleField(nn.Module):
  """A multilayer perceptron from points and a latent code to colours.

  The code enters at every layer. It is the same for all samples of a ray, so
  its part of each layer is computed once a ray.

  Attributes:
    depth: number of layers, the output layer included.
    width: outputs of the inner layers.
    skip: index of the layer that reads the encoded point again, after the
      previous layer's output and the code.
    encoding: name of the point's encoding, one of ENCODINGS.
    num_octaves: frequencies of the encoding "frequency", which is the paper's.
    latent_size: values of a code, L.
    lower, upper: box of the field coordinates that "hash_grid" covers.
    num_levels, num_features, log2_table_size: of the grids of "hash_grid".
    coarsest_resolution, finest_resolution: of the first and last of them.
  """

  depth: int = 8
  width: int = 256
  skip: int = 4
  encoding: str = "frequency"
  num_octaves: int = 10
  latent_size: int = 32
  lower: tuple[float, float, float] = (-1.0, -1.0, -1.0)
  upper: tuple[float, float, float] = (1.0, 1.0, 1.0)
  num_levels: int = 8
  num_features: int = 4
  log2_table_size: int = 17
  coarsest_resolution: int = 16
  finest_resolution: int = 512

  @classmethod
  def for_space(
    cls,
    space: normalization.Normalization | normalization.RaySpace,
    **options: Any,
  ) -> "StyleField":
    """Makes a style field of what the rays of a scene cross.

    Args:
      space: of the scene, or its ray space alone.
      **options: attributes, but for the box.
    """
    space = normalization.ray_space(space)
    return cls(lower=space.lower, upper=space.upper, **options)

  def setup(self):
    if self.encoding not in ENCODINGS:
      raise user_error.UserError(
        f"encoding is {self.encoding!r}; expected one of {ENCODINGS}"
      )
    if self.has_tables:
      self.grid = hash_encoding.HashEncoding(
        num_levels=self.num_levels,
        num_features=self.num_features,
        log2_table_size=self.log2_table_size,
        coarsest_resolution=self.coarsest_resolution,
        finest_resolution=self.finest_resolution,
      )
    dense = joint_dense.JointDense
    self.layer = [dense(self.width) for _ in range(self.depth - 1)]
    self.color_head = dense(3)

  @property
  def encoded_size(self) -> int:
    """Values of an encoded point, E."""
    if self.has_tables:
      return self.num_levels * self.num_features
    return encodings.frequency_size(self.num_octaves)

  @property
  def floats_per_sample(self) -> int:
    """Floats of a sample's widest layer and its input."""
    return self.width + self.encoded_size + self.latent_size

  @property
  def has_tables(self) -> bool:
    """Whether gradients are as large as the parameters; as of `field.Field`."""
    return self.encoding == "hash_grid"

  def encode(self, points: jax.Array) -> jax.Array:
    """Encodes points [..., 3], in field coordinates: [..., E]."""
    if self.has_tables:
      lower = jnp.asarray(self.lower, points.dtype)
      upper = jnp.asarray(self.upper, points.dtype)
      return self.grid((points - lower) / (upper - lower))
    return encodings.frequency_encoding(points, self.num_octaves)

  def __call__(self, points: jax.Array, latents: jax.Array) -> jax.Array:
    """Computes stylized colours.

    Args:
      points: [..., K, 3], field coordinates of the samples of rays.
      latents: [..., L], one code a ray, or [L] for all of them.

    Returns:
      [..., K, 3], in [0, 1].
    """
    return self.paint(self.encode(points), latents)

  def paint(self, encoded: jax.Array, latents: jax.Array) -> jax.Array:
    """Computes stylized colours of points that `encode` has encoded.

    Args:
      encoded: [..., K, E], the same whatever the style.
      latents: as in `__call__`.

    Returns:
      [..., K, 3], in [0, 1].
    """
    rows: tuple[jax.Array, ...] = (encoded.reshape(-1, *encoded.shape[-2:]),)
    if latents.ndim > 1:
      codes = jnp.broadcast_to(
        latents, (*encoded.shape[:-2], latents.shape[-1])
      )
      rows += (codes.reshape(-1, codes.shape[-1]),)

    def layers(module, rows):
      codes = rows[1] if len(rows) > 1 else latents[None]
      return module.paint_rays(rows[0], codes)

    widest = encoded.shape[-2] * self.width
    colors = row_blocks.apply(self, layers, rows, width=widest)
    return colors.reshape(*encoded.shape[:-1], 3)

  def paint_rays(self, encoded: jax.Array, latents: jax.Array) -> jax.Array:
    """The same of rays in a row: [N, K, E] and [N or 1, L] to [N, K, 3]."""
    latents = latents[..., None, :]
    hidden = nn.relu(self.layer[0](encoded, latents))
    for index in range(1, self.depth - 1):
      again = (encoded,) if index == self.skip else ()
      hidden = nn.relu(self.layer[index](hidden, latents, *again))
    return nn.sigmoid(self.color_head(hidden, latents))
