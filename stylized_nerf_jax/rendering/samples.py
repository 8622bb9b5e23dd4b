"""What a radiance field found along rays, ready to be coloured."""

import flax.struct
import jax


@flax.struct.dataclass
class Samples:
  """The final samples of rays.

  Attributes:
    points: [..., K, 3], field coordinates (ray space, contracted where the
      field contracts): what density and style field take.
    t: [..., K], ray parameters, increasing.
    weights: [..., K], rendering weights T alpha; sum to at most 1.
    features: [..., K, F], what the field's colour head reads.
  """

  points: jax.Array
  t: jax.Array
  weights: jax.Array
  features: jax.Array
