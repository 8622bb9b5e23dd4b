"""The paper's radiance field: a coarse and a fine multilayer perceptron.

The networks are those of NeRF (Mildenhall et al. 2020) as StylizedNeRF uses
them: frequency encodings without pi, ReLU on the features, and stratified
samples refined once by the coarse weights.
"""

from typing import Any

import flax.linen as nn

from stylized_nerf_jax.fields import coarse_to_fine, encodings, joint_dense
from stylized_nerf_jax.rendering import sampling


class PositionalMlp(nn.Module):
  """Density and view-dependent colour at points.

  Attributes:
    depth: number of layers before the heads.
    width: their number of outputs.
    skip: index of the layer after which the encoded point re-enters: its
      successor reads the encoded point, then the layer's output.
    color_width: outputs of the layer that reads the view direction.
    position_octaves: frequencies of the point's encoding.
    direction_octaves: frequencies of the view direction's encoding.
  """

  depth: int = 8
  width: int = 256
  skip: int = 4
  color_width: int = 128
  position_octaves: int = 10
  direction_octaves: int = 4

  def setup(self):
    dense = joint_dense.JointDense
    self.layer = [dense(self.width) for _ in range(self.depth)]
    self.density_head = dense(1)
    self.feature = dense(self.width)
    self.color_layer = dense(self.color_width)
    self.color_head = dense(3)

  def geometry(self, points):
    """Computes raw densities and features.

    Args:
      points: [..., 3], field coordinates.

    Returns:
      Densities [...] before the ReLU, and features [..., width].
    """
    encoded = encodings.frequency_encoding(points, self.position_octaves)
    hidden = nn.relu(self.layer[0](encoded))
    for index in range(1, self.depth):
      inputs = (encoded, hidden) if index == self.skip + 1 else (hidden,)
      hidden = nn.relu(self.layer[index](*inputs))
    densities = self.density_head(hidden)[..., 0]
    return densities, nn.relu(self.feature(hidden))

  def color(self, features, viewdirs):
    """Computes colours.

    Args:
      features: [..., K, width], from `geometry`.
      viewdirs: [..., 3], unit directions, one a ray.

    Returns:
      [..., K, 3], in [0, 1].
    """
    directions = encodings.frequency_encoding(viewdirs, self.direction_octaves)
    hidden = self.color_layer(features, directions[..., None, :])
    return nn.sigmoid(self.color_head(nn.relu(hidden)))


class PositionalField(coarse_to_fine.CoarseToFineField):
  """The paper's two networks, with stratified samples refined once.

  Attributes:
    depth, width, skip, color_width, position_octaves, direction_octaves: of
      both networks, see `PositionalMlp`.
  """

  depth: int = 8
  width: int = 256
  skip: int = 4
  color_width: int = 128
  position_octaves: int = 10
  direction_octaves: int = 4

  def setup(self):
    shape: dict[str, Any] = {
      "depth": self.depth,
      "width": self.width,
      "skip": self.skip,
      "color_width": self.color_width,
      "position_octaves": self.position_octaves,
      "direction_octaves": self.direction_octaves,
    }
    self.coarse = PositionalMlp(**shape)
    self.fine = PositionalMlp(**shape)

  @property
  def floats_per_ray(self) -> int:
    encoded = encodings.frequency_size(self.position_octaves)
    return (2 * self.num_coarse + self.num_fine) * (self.width + encoded)

  def _coarse_positions(self, key, near, far):
    return sampling.stratified(
      key, near, far, self.num_coarse, spacing=self.spacing
    )

  def _fine_positions(self, key, t, weights):
    return sampling.refine(key, t, weights, self.num_fine)
