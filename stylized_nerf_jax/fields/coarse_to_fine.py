"""What fields of a coarse and a fine network share, whatever these are.

NeRF (Mildenhall et al. 2020), section 5.2: the coarse network says where along
a ray the fine one looks more closely.
"""

from typing import Any, Self

import flax.linen as nn
import jax
import jax.numpy as jnp

from stylized_nerf_jax.losses import photometric
from stylized_nerf_jax.rendering import compositing, contraction, renderer
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import samples as samples_lib
from stylized_nerf_jax.rendering import spacing as spacing_lib
from stylized_nerf_jax.scenes import normalization


class CoarseToFineField(nn.Module):
  """Two networks that find and colour the samples of rays.

  Keeps the protocol `field.Field`, but for `floats_per_ray`. A subclass sets
  `coarse` and `fine` up, networks with `geometry` and `color`, and says where
  they look.

  Attributes:
    num_coarse: samples of a ray's coarse pass.
    num_fine: samples added where the coarse weights are; the fine network
      sees both.
    contract: whether points are contracted into the ball of radius 2.
    spacing: of the coarse samples; see `rendering/spacing.py`.
  """

  num_coarse: int = 64
  num_fine: int = 64
  contract: bool = False
  spacing: str = "linear"

  @classmethod
  def for_space(
    cls,
    space: normalization.Normalization | normalization.RaySpace,
    **options: Any,
  ) -> Self:
    """As `hash_grid.HashGridField.for_space`."""
    space = normalization.ray_space(space)
    return cls(
      contract=space.kind == "contracted",
      spacing=spacing_lib.of_space(space),
      **options,
    )

  @property
  def num_samples(self) -> int:
    return self.num_coarse + self.num_fine

  @property
  def has_tables(self) -> bool:
    return False

  def __call__(
    self, rays: rays_lib.Rays, key: jax.Array | None = None
  ) -> tuple[samples_lib.Samples, jax.Array, dict[str, samples_lib.Samples]]:
    """As `field.Field.__call__`."""
    samples, found = self.sample(rays, key)
    if self.is_initializing():
      self.coarse_color(found["coarse"], rays.viewdirs)
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
      rays: rays [...]; directions of any length.
      key: random key for training; None gives the same samples every time,
        without jitter and without noise.
      noise: standard deviation of the Gaussian noise on raw densities.

    Returns:
      The fine network's `Samples`, K = num_coarse + num_fine, and
      {"coarse": the coarse network's `Samples`, K = num_coarse}.
    """
    keys = [None] * 4 if key is None else list(jax.random.split(key, 4))
    t = self._coarse_positions(keys[0], rays.near, rays.far)
    coarse = self._evaluate(self.coarse, rays, t, keys[1], noise)
    t = self._fine_positions(keys[2], t, coarse.weights)
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

  def _coarse_positions(self, key, near, far) -> jax.Array:
    """Returns positions [..., num_coarse], ascending; jittered with a key."""
    raise NotImplementedError

  def _fine_positions(self, key, t, weights) -> jax.Array:
    """Returns positions t [..., num_coarse] and num_fine others, ascending."""
    raise NotImplementedError

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
