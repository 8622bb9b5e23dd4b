"""What the style field learns from in a step: rays, or patches of them."""

from typing import Any

import flax
import jax
import jax.numpy as jnp


@flax.struct.dataclass
class RayBatch:
  """R rays of training views, each in a style.

  Attributes:
    style: [R], int32.
    view: [R], int32.
    xy: [R, 2], pixel centres.
    colors: [R, 3], the 2D stylizer's, uint8.
    packed: [R, 2, K], uint16, samples of the geometry cache; None where there
      is none.
  """

  style: Any
  view: Any
  xy: Any
  colors: Any
  packed: Any = None

  @property
  def rgb(self) -> jax.Array:
    """The colours, [R, 3] float32 in [0, 1]."""
    return self.colors.astype(jnp.float32) / 255.0


@flax.struct.dataclass
class PatchBatch:
  """G groups of N square patches of training views, each group in one style.

  Attributes:
    style: [G], int32.
    view: [G, N], int32.
    corner: [G, N, 2] x, y of a patch's first pixel in its view.
    features: [G, N, P / 8, P / 8, 512], of E, normalised over whole views.
    colors: [G, N, P, P, 3], the 2D stylizer's, uint8.
    packed: [G, N, P, P, 2, K], uint16, samples of the geometry cache; None
      where there is none.
  """

  style: Any
  view: Any
  corner: Any
  features: Any
  colors: Any
  packed: Any = None
