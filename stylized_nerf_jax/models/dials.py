"""The dials of a rendering: how much of a style is shown, and which code."""

import dataclasses
import pathlib

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.stylizer import style_maps


@dataclasses.dataclass(frozen=True, eq=False)
class Dials:
  """What `StylizedNerf.render` says of them; checked when they are set.

  Attributes:
    intensity: in [0, 1], from the radiance field's colours to the style's.
    spread: in [0, 1], from a style's mean code to that of a training view.
    view: that training view; None: the one nearest to the camera.
    latent: [L], a code in place of a style's.
    palette: in [0, 1], from the scene's own chroma to the painting's palette.
    transfer: one of `style_maps.TRANSFERS`, or None for what the model stores.
    recolor: file of a picture whose palette all colours get.

  Raises:
    ValueError: a dial is outside [0, 1], or of no known kind.
  """

  intensity: float = 1.0
  spread: float = 0.0
  view: int | None = None
  latent: np.ndarray | None = None
  palette: float = 1.0
  transfer: str | None = None
  recolor: str | pathlib.Path | None = None

  def __post_init__(self):
    for name in ("intensity", "spread", "palette"):
      value = getattr(self, name)
      if not 0.0 <= value <= 1.0:
        raise user_error.UserError(
          f"{name} is {value}; expected a number in [0, 1]"
        )
    if self.transfer not in (None, *style_maps.TRANSFERS):
      raise user_error.UserError(
        f"transfer is {self.transfer!r}; expected one of "
        f"{', '.join(style_maps.TRANSFERS)}"
      )

  @property
  def blends(self) -> bool:
    """Whether the radiance field's own colours are mixed in."""
    return self.intensity < 1.0
