"""A scene as splats: 3D Gaussians (Kerbl et al., SIGGRAPH 2023, section 4)."""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np

# Colours of the scene as photographed.
PHOTOGRAPHED = "none"

Array = jax.Array | np.ndarray


class Splats(NamedTuple):
  """N Gaussians, whose covariance is R diag(exp(log_scales)^2) R^T.

  Attributes:
    means: [N, 3], in the frame and units of the scene's file.
    log_scales: [N, 3], natural logarithms of standard deviations.
    rotations: [N, 4], unit quaternions, w first.
    logits: [N], of opacities: opacity = sigmoid(logit).
  """

  means: Array
  log_scales: Array
  rotations: Array
  logits: Array


@dataclasses.dataclass(frozen=True)
class PaintedSplats:
  """Splats and what they look like.

  Attributes:
    splats: shared by all looks.
    colors: [N, 3] sRGB in [0, 1] by the name of a style, or `PHOTOGRAPHED`.
  """

  splats: Splats
  colors: Mapping[str, np.ndarray]
