"""The paper's radiance field: a coarse and a fine multilayer perceptron.

The networks are those of NeRF (Mildenhall et al. 2020) as StylizedNeRF uses
them: frequency encodings without pi, ReLU on the features, and stratified
samples refined once by the coarse weights.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from stylized_nerf_jax.fields import encodings, joint_dense
from stylized_nerf_jax.losses import photometric
from stylized_nerf_jax.rendering import (
  compositing,
  contraction,
  renderer,
  sampling,
)
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import samples as samples_lib
from stylized_nerf_jax.rendering import spacing as spacing_lib
from stylized_nerf_jax.scenes import normalization


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


class PositionalField(nn.Module):
  """Two networks that find and colour the samples of rays.

  Keeps the protocol `field.Field`.

  Attributes:
    num_coarse: stratified samples of a ray.
    num_fine: samples added where the coarse weights are; the fine network
      sees both.
    depth, width, skip, color_width, position_octaves, direction_octaves: of
      both networks, see `PositionalMlp`.
    contract: whether points are contracted into the ball of radius 2.
    spacing: of the stratified samples; see `rendering/spacing.py`.
  """

  num_coarse: int = 64
  num_fine: int = 64
  depth: int = 8
  width: int = 256
  skip: int = 4
  color_width: int = 128
  position_octaves: int = 10
  direction_octaves: int = 4
  contract: bool = False
  spacing: str = "linear"

  @classmethod
  def for_space(
    cls,
    space: normalization.Normalization | normalization.RaySpace,
    **options: Any,
  ) -> "PositionalField":
    """As `hash_grid.HashGridField.for_space`."""
    space = normalization.ray_space(space)
    return cls(
      contract=space.kind == "contracted",
      spacing=spacing_lib.of_space(space),
      **options,
    )

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
  def num_samples(self) -> int:
    return self.num_coarse + self.num_fine

  @property
  def floats_per_ray(self) -> int:
    encoded = encodings.frequency_size(self.position_octaves)
    return (2 * self.num_coarse + self.num_fine) * (self.width + encoded)

  @property
  def has_tables(self) -> bool:
    return False

  def __call__(
    self, rays: rays_lib.Rays, key: jax.Array | None = None
  ) -> tuple[samples_lib.Samples, jax.Array, dict[str, samples_lib.Samples]]:
    """As `field.Field.__call__`."""
    samples, found = self.sample(rays, key)
    if self.is_initializing():
      self.coarse.color(found["coarse"].features, rays.viewdirs)
    return samples, self.color(samples, rays.viewdirs), found

  def sample(
    self,
    rays: rays_lib.Rays,
    key: jax.Array | None = None,
    *,
    noise: float = 0.0,
  ) -> tuple[samples_lib.Samples, dict[str, samples_lib.Samples]]:
    """Finds the samples of rays.

    Args:
      rays: rays [...].
      key: random key for training; None gives the same samples every time,
        without jitter and without noise.
      noise: standard deviation of the Gaussian noise on raw densities.

    Returns:
      The fine network's `Samples`, K = num_coarse + num_fine, and
      {"coarse": the coarse network's `Samples`, K = num_coarse}.
    """
    keys = [None] * 4 if key is None else list(jax.random.split(key, 4))
    t = sampling.stratified(
      keys[0],
      rays.near,
      rays.far,
      self.num_coarse,
      spacing=self.spacing,
    )
    coarse = self._evaluate(self.coarse, rays, t, keys[1], noise)
    t = sampling.refine(keys[2], t, coarse.weights, self.num_fine)
    fine = self._evaluate(self.fine, rays, t, keys[3], noise)
    return fine, {"coarse": coarse}

  def losses(
    self,
    rays: rays_lib.Rays,
    found: dict[str, samples_lib.Samples],
    target: jax.Array | None,
    background: jax.Array,
    *,
    every: int = 1,
  ) -> dict[str, jax.Array]:
    """What the coarse network learns from; see `field.Field.losses`.

    Returns:
      "coarse_mse" (NeRF, equation 6), where there is a target.
    """
    del every
    if target is None:
      return {}
    coarse = found["coarse"]
    colors = self.coarse_color(coarse, rays.viewdirs)
    rendered = renderer.composite_colors(coarse.weights, colors, background)
    return {"coarse_mse": photometric.mse(rendered, target)}

  @nn.nowrap
  def coarse_samples(
    self, found: dict[str, samples_lib.Samples]
  ) -> samples_lib.Samples:
    """As `field.Field.coarse_samples`."""
    return found["coarse"]

  def coarse_color(
    self, samples: samples_lib.Samples, viewdirs: jax.Array
  ) -> jax.Array:
    """As `field.Field.coarse_color`."""
    return self.coarse.color(samples.features, viewdirs)

  def color(
    self, samples: samples_lib.Samples, viewdirs: jax.Array
  ) -> jax.Array:
    """Computes the colours of the final samples.

    Args:
      samples: samples [..., K] from `sample`.
      viewdirs: [..., 3], unit directions in model axes.

    Returns:
      [..., K, 3], in [0, 1].
    """
    return self.fine.color(samples.features, viewdirs)

  def _evaluate(self, network, rays, t, key, noise):
    """Computes the samples at t [..., K] as `network` sees them."""
    directions = rays.directions
    points = rays.origins[..., None, :] + (
      t[..., None] * directions[..., None, :]
    )
    if self.contract:
      points = contraction.contract(points)
    densities, features = network.geometry(points)
    if key is not None and noise:
      densities += noise * jax.random.normal(key, densities.shape)
    deltas = compositing.deltas_from_points(
      t, jnp.linalg.norm(directions, axis=-1)
    )
    weights = compositing.alpha_weights(nn.relu(densities), deltas)
    return samples_lib.Samples(points, t, weights, features)
