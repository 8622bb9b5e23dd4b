"""JaxNeRF's radiance field, as its checkpoints want it.

Deng, Barron and Srinivasan 2020 (google-research/jaxnerf, as of 2022): the two
networks of NeRF (Mildenhall et al. 2020), with the encoding ordered by sines
and cosines, the encoded point behind the features where it enters again, no
ReLU on the bottleneck, and samples whose first and last lie on near and far.
`networks/jaxnerf_checkpoint.py` reads its files.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from stylized_nerf_jax.fields import coarse_to_fine, encodings, joint_dense
from stylized_nerf_jax.rendering import sampling
from stylized_nerf_jax.rendering import spacing as spacing_lib

# Weights of a ray that sum to less are raised to it before they are sampled.
_LEAST_MASS = 1e-5


class JaxNerfMlp(nn.Module):
  """Density and colour at points: JaxNeRF's `MLP`.

  Attributes:
    depth: number of layers before the heads (`net_depth`).
    width: their outputs, and those of the bottleneck (`net_width`).
    skip: behind every layer whose index is a multiple of it, but for the
      first, the encoded point enters again (`skip_layer`).
    color_depth: layers that read bottleneck and view direction
      (`net_depth_condition`).
    color_width: their outputs (`net_width_condition`).
    first_octave: exponent of a point's lowest frequency (`min_deg_point`).
    octaves: frequencies of a point (`max_deg_point` less `min_deg_point`).
    direction_octaves: frequencies of a view direction (`deg_view`).
    use_viewdirs: whether colours depend on the direction; without, the last
      layer's features are coloured by the head alone.
    legacy_order: of the encodings, see `encodings.octave_encoding`.
  """

  depth: int = 8
  width: int = 256
  skip: int = 4
  color_depth: int = 1
  color_width: int = 128
  first_octave: int = 0
  octaves: int = 10
  direction_octaves: int = 4
  use_viewdirs: bool = True
  legacy_order: bool = False

  def setup(self):
    dense = joint_dense.JointDense
    self.layer = [dense(self.width) for _ in range(self.depth)]
    self.density_head = dense(1)
    if self.use_viewdirs:
      self.bottleneck = dense(self.width)
      self.color_layer = [
        dense(self.color_width) for _ in range(self.color_depth)
      ]
    self.color_head = dense(3)

  def geometry(self, points):
    """Computes raw densities, and what `color` reads.

    Args:
      points: [..., 3], field coordinates.

    Returns:
      Densities [...] before the ReLU, and features [..., F].
    """
    encoded = encodings.octave_encoding(
      points,
      self.first_octave,
      self.first_octave + self.octaves,
      interleaved=self.legacy_order,
    )
    inputs = (encoded,)
    for index, layer in enumerate(self.layer):
      hidden = nn.relu(layer(*inputs))
      enters = index > 0 and index % self.skip == 0
      inputs = (hidden, encoded) if enters else (hidden,)
    densities = self.density_head(*inputs)[..., 0]
    if self.use_viewdirs:
      return densities, self.bottleneck(*inputs)
    return densities, jnp.concatenate(inputs, axis=-1)

  def color(self, features, viewdirs):
    """Computes colours.

    Args:
      features: [..., K, F], from `geometry`.
      viewdirs: [..., 3], unit directions, one a ray.

    Returns:
      [..., K, 3], in [0, 1].
    """
    inputs = (features,)
    if self.use_viewdirs:
      directions = encodings.octave_encoding(
        viewdirs, 0, self.direction_octaves, interleaved=self.legacy_order
      )
      inputs = (features, directions[..., None, :])
      for layer in self.color_layer:
        inputs = (nn.relu(layer(*inputs)),)
    return nn.sigmoid(self.color_head(*inputs))


class JaxNerfField(coarse_to_fine.CoarseToFineField):
  """JaxNeRF's coarse and fine network, and where they look along rays.

  Its coarse samples go from near to far, both included. `contract` is nothing
  that JaxNeRF does, and `spacing` counts where `lindisp` is not set.

  Attributes:
    depth, width, skip, color_depth, color_width: of both networks, as the
      next two lines; see `JaxNerfMlp`.
    first_octave, octaves, direction_octaves: of their encodings.
    use_viewdirs, legacy_order: of their inputs.
    lindisp: the coarse samples are even in 1 / t, not in t; near must be more
      than 0.
    near, far: of rays that have none, in units of their directions.
    background: [0, 1], behind rays of which nothing else is known; None: as
      whoever renders says.
  """

  num_fine: int = 128
  depth: int = 8
  width: int = 256
  skip: int = 4
  color_depth: int = 1
  color_width: int = 128
  first_octave: int = 0
  octaves: int = 10
  direction_octaves: int = 4
  use_viewdirs: bool = True
  legacy_order: bool = False
  lindisp: bool = False
  near: float | None = None
  far: float | None = None
  background: tuple[float, float, float] | None = None

  def setup(self):
    shape = {
      name: getattr(self, name)
      for name in JaxNerfMlp.__dataclass_fields__
      if name not in ("parent", "name")
    }
    self.coarse = JaxNerfMlp(**shape)
    self.fine = JaxNerfMlp(**shape)

  @property
  def floats_per_ray(self) -> int:
    encoded = encodings.frequency_size(self.octaves)
    widest = max(self.width, self.color_width)
    return (2 * self.num_coarse + self.num_fine) * (widest + encoded)

  def _coarse_positions(self, key, near, far):
    """Positions [..., num_coarse]; with a key, one in each stratum.

    Strata end halfway between neighbours; the outer two are half as long.
    """
    fractions = jnp.linspace(0.0, 1.0, self.num_coarse)
    if self.lindisp:
      t = 1.0 / ((1.0 - fractions) / near + fractions / far)
    else:
      t = spacing_lib.place(fractions, near, far, self.spacing)
    if key is None:
      return t
    middles = 0.5 * (t[..., 1:] + t[..., :-1])
    upper = jnp.concatenate([middles, t[..., -1:]], axis=-1)
    lower = jnp.concatenate([t[..., :1], middles], axis=-1)
    return lower + (upper - lower) * jax.random.uniform(key, t.shape, t.dtype)

  def _fine_positions(self, key, t, weights):
    """Adds num_fine positions to the coarse ones, where they have weight.

    Shares from 0 to just below 1, both ends included; with a key independent
    ones. Only weights between the first and the last sample count.
    """
    inner = weights[..., 1:-1]
    edges = 0.5 * (t[..., 1:] + t[..., :-1])
    missing = _LEAST_MASS - jnp.sum(inner, axis=-1, keepdims=True)
    if key is None:
      below_one = 1.0 - jnp.finfo(jnp.float32).eps
      shares = jnp.linspace(0.0, below_one, self.num_fine)
      shares = jnp.broadcast_to(shares, (*t.shape[:-1], self.num_fine))
    else:
      shares = jax.random.uniform(key, (*t.shape[:-1], self.num_fine))
    added = sampling.quantiles(
      shares,
      edges,
      inner,
      padding=jnp.maximum(missing, 0.0) / inner.shape[-1],
    )
    return jax.lax.stop_gradient(sampling.union_sorted(t, added))
