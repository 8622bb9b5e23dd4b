"""The fast radiance field: hash grid, small heads, one proposal network.

A proposal density on a small grid tells where a ray's weight is (mip-NeRF 360,
section 3); the field itself is evaluated only in the few intervals drawn from
it.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from stylized_nerf_jax.fields import (
  encodings,
  hash_encoding,
  joint_dense,
  row_blocks,
)
from stylized_nerf_jax.losses import photometric
from stylized_nerf_jax.rendering import compositing, contraction, sampling
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import spacing as spacing_lib
from stylized_nerf_jax.rendering.samples import Samples
from stylized_nerf_jax.scenes import normalization

# Beyond it exp overflows float16 renders and its gradient is of no use.
_MAX_LOG_DENSITY = 11.0


class HashGridField(nn.Module):
  """Density and colour on hash grids; keeps the protocol `field.Field`.

  Attributes:
    lower, upper: box of the field coordinates that the grids cover.
    contract: whether ray space is contracted into the ball of radius 2.
    spacing: of the proposal's intervals; see `rendering/spacing.py`.
    num_levels, num_features, log2_table_size: of the field's grids.
    coarsest_resolution, finest_resolution: of the first and last of them.
    width: of the heads' hidden layers.
    geometry_features: values that the density head hands to the colour head.
    proposal_levels, proposal_features: of the proposal network's grids.
    proposal_log2_table_size, proposal_finest_resolution: of them, too.
    proposal_width: of its hidden layer.
    num_proposal: intervals of the proposal network.
    num_fine: intervals of the field.
  """

  lower: tuple[float, float, float]
  upper: tuple[float, float, float]
  contract: bool = False
  spacing: str = "linear"
  num_levels: int = 7
  num_features: int = 4
  log2_table_size: int = 17
  coarsest_resolution: int = 16
  finest_resolution: int = 512
  width: int = 64
  geometry_features: int = 15
  proposal_levels: int = 5
  proposal_features: int = 2
  proposal_log2_table_size: int = 15
  proposal_finest_resolution: int = 128
  proposal_width: int = 16
  num_proposal: int = 32
  num_fine: int = 16

  @classmethod
  def for_space(
    cls,
    space: normalization.Normalization | normalization.RaySpace,
    **options: Any,
  ) -> "HashGridField":
    """Makes a field of what the rays of a scene cross.

    Args:
      space: of the scene, or its ray space alone.
      **options: attributes, but for those that the space decides.
    """
    space = normalization.ray_space(space)
    return cls(
      lower=space.lower,
      upper=space.upper,
      contract=space.kind == "contracted",
      spacing=spacing_lib.of_space(space),
      **options,
    )

  def setup(self):
    self.proposal_encoding = hash_encoding.HashEncoding(
      num_levels=self.proposal_levels,
      num_features=self.proposal_features,
      log2_table_size=self.proposal_log2_table_size,
      coarsest_resolution=self.coarsest_resolution,
      finest_resolution=self.proposal_finest_resolution,
    )
    self.proposal_hidden = nn.Dense(self.proposal_width)
    self.proposal_density = nn.Dense(1)
    self.encoding = hash_encoding.HashEncoding(
      num_levels=self.num_levels,
      num_features=self.num_features,
      log2_table_size=self.log2_table_size,
      coarsest_resolution=self.coarsest_resolution,
      finest_resolution=self.finest_resolution,
    )
    self.density_hidden = nn.Dense(self.width)
    self.density_out = nn.Dense(1 + self.geometry_features)
    # Directions are the same for all samples of a ray.
    self.color_hidden_0 = joint_dense.JointDense(
      self.width, kernel_init=nn.linear.default_kernel_init
    )
    self.color_hidden_1 = nn.Dense(self.width)
    self.color_out = nn.Dense(3)

  @property
  def num_samples(self) -> int:
    return self.num_fine

  @property
  def floats_per_ray(self) -> int:
    encoded = self.num_levels * self.num_features
    proposed = self.proposal_levels * self.proposal_features
    return self.num_fine * (self.width + encoded) + self.num_proposal * (
      self.proposal_width + proposed
    )

  @property
  def has_tables(self) -> bool:
    return True

  def __call__(
    self, rays: rays_lib.Rays, key: jax.Array | None = None
  ) -> tuple[Samples, jax.Array, dict[str, jax.Array]]:
    """As `field.Field.__call__`."""
    samples, found = self.sample(rays, key)
    return samples, self.color(samples, rays.viewdirs), found

  def sample(
    self,
    rays: rays_lib.Rays,
    key: jax.Array | None = None,
    *,
    noise: float = 0.0,
  ) -> tuple[Samples, dict[str, jax.Array]]:
    """Places samples along rays and weighs them.

    Args:
      rays: `Rays` of leading shape [...].
      key: random key for jittered intervals; None: deterministic.
      noise: standard deviation of the noise on log-densities; needs a key.

    Returns:
      (`Samples` of the field's K = num_fine intervals, found). `found` holds,
      for the interlevel and distortion losses, "edges" [..., K + 1], "weights"
      [..., K], "proposal_edges", "proposal_weights", all edges as fractions
      of [near, far] in the sampling's own spacing, and "proposal_t", those of
      the proposal as ray parameters.
    """
    keys = (None,) * 3 if key is None else jax.random.split(key, 3)
    proposal_edges = sampling.interval_edges(
      keys[0], rays.near, rays.far, self.num_proposal, spacing=self.spacing
    )
    proposal_weights = self.proposal_weights(rays, proposal_edges)
    edges = sampling.resample_edges(
      keys[1], proposal_edges, proposal_weights, self.num_fine, padding=1e-3
    )
    t, points = self._midpoints(rays, edges)
    densities, features = self.density(points, key=keys[2], noise=noise)
    weights = _weights(rays, edges, densities)
    found = {
      "edges": self._fraction(edges, rays),
      "weights": weights,
      "proposal_edges": self._fraction(proposal_edges, rays),
      "proposal_weights": proposal_weights,
      "proposal_t": proposal_edges,
    }
    return Samples(points, t, weights, features), found

  def proposal_weights(
    self, rays: rays_lib.Rays, edges: jax.Array
  ) -> jax.Array:
    """What the proposal network says of intervals along rays.

    Args:
      rays: `Rays` of leading shape [...].
      edges: [..., N + 1], increasing ray parameters.

    Returns:
      [..., N], weights in [0, 1] that sum to at most 1.
    """
    _, points = self._midpoints(rays, edges)
    return _weights(rays, edges, self._proposal(points))

  def density(
    self,
    points: jax.Array,
    *,
    key: jax.Array | None = None,
    noise: float = 0.0,
  ) -> tuple[jax.Array, jax.Array]:
    """Densities and features at points.

    Args:
      points: [..., 3], field coordinates.
      key: random key of the noise.
      noise: standard deviation of the noise on log-densities.

    Returns:
      (densities [...], at least 0, features [..., geometry_features]).
    """
    encoded = self.encoding(self._unit(points))

    def layers(module, encoded):
      return module.density_out(nn.relu(module.density_hidden(encoded)))

    raw = row_blocks.apply(
      self, layers, encoded.reshape(-1, encoded.shape[-1]), width=self.width
    )
    raw = raw.reshape(*points.shape[:-1], -1)
    log_density = raw[..., 0]
    if noise and key is not None:
      draw = jax.random.normal(key, log_density.shape)
      log_density = log_density + noise * draw
    return _density(log_density), raw[..., 1:]

  def color(self, samples: Samples, viewdirs: jax.Array) -> jax.Array:
    """Colours of samples.

    Args:
      samples: `Samples`, of which the features count.
      viewdirs: [..., 3], unit, one a ray.

    Returns:
      [..., K, 3], in [0, 1].
    """
    features = samples.features

    def layers(module, rows):
      features, directions = rows
      hidden = nn.relu(module.color_hidden_0(features, directions[:, None]))
      hidden = nn.relu(module.color_hidden_1(hidden))
      return nn.sigmoid(module.color_out(hidden))

    colors = row_blocks.apply(
      self,
      layers,
      (
        features.reshape(-1, *features.shape[-2:]),
        encodings.frequency_encoding(viewdirs.reshape(-1, 3), 2),
      ),
      width=features.shape[-2] * self.width,
    )
    return colors.reshape(*features.shape[:-1], 3)

  def losses(
    self,
    rays: rays_lib.Rays,
    found: dict[str, jax.Array],
    target: jax.Array | None,
    background: jax.Array,
    *,
    every: int = 1,
  ) -> dict[str, jax.Array]:
    """What proposal and grids are trained on; see `field.Field.losses`.

    Returns:
      "grid_decay" (Zip-NeRF), "interlevel" and "distortion" (mip-NeRF 360,
      equations 13 and 15).
    """
    del target, background
    # Computed once more for the rays that teach it: gradients of the others
    # would be a fifth of a step.
    taught, part = jax.tree.map(lambda values: values[::every], (rays, found))
    return {
      "grid_decay": photometric.grid_decay(self._decaying_tables()),
      "interlevel": photometric.interlevel_loss(
        part["edges"],
        part["weights"],
        part["proposal_edges"],
        self.proposal_weights(taught, part["proposal_t"]),
      ),
      "distortion": photometric.distortion_loss(
        found["edges"], found["weights"]
      ),
    }

  @nn.nowrap
  def coarse_samples(self, found: dict[str, jax.Array]) -> None:
    """Returns None: the proposal has densities alone."""
    del found

  def _decaying_tables(self) -> list:
    """Lists the feature tables that decay: all, or the field's alone.

    In a box, what haze the proposal has before a camera draws samples away from
    surfaces. In a contracted space it would decay until it says the same
    everywhere, since most of that space is seen by no ray.
    """
    grids = [self.encoding]
    if not self.contract:
      grids.append(self.proposal_encoding)
    return [
      table
      for encoding in grids
      for table in hash_encoding.tables(encoding.variables["params"])
    ]

  def _midpoints(self, rays, edges):
    """Returns t [..., K] and field coordinates [..., K, 3] of intervals."""
    t = 0.5 * (edges[..., 1:] + edges[..., :-1])
    points = (
      rays.origins[..., None, :] + t[..., None] * rays.directions[..., None, :]
    )
    return t, contraction.contract(points) if self.contract else points

  def _proposal(self, points):
    encoded = self.proposal_encoding(self._unit(points))
    hidden = nn.relu(self.proposal_hidden(encoded))
    return _density(self.proposal_density(hidden)[..., 0])

  def _unit(self, points):
    lower = jnp.asarray(self.lower, points.dtype)
    upper = jnp.asarray(self.upper, points.dtype)
    return (points - lower) / (upper - lower)

  def _fraction(self, edges, rays):
    """Edges as fractions of the ray, in the spacing they were drawn in."""
    return spacing_lib.fraction(edges, rays.near, rays.far, self.spacing)


def _weights(rays, edges, densities):
  """Weights [..., K] of intervals between edges [..., K + 1] along rays."""
  norms = jnp.linalg.norm(rays.directions, axis=-1)
  return compositing.alpha_weights(
    densities, compositing.deltas_from_edges(edges, norms)
  )


def _density(log_density):
  return jnp.exp(jnp.minimum(log_density - 1.0, _MAX_LOG_DENSITY))
