"""What of a view is shown, and how: outputs, split screens, dials."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from stylized_nerf_jax.viewer import lattice
from stylized_nerf_jax.viewer.progressive_view import ProgressiveView

STYLIZED, PHOTOGRAPHED = "stylized", "photographed"
SPLIT, DEPTH, OPACITY = "before | after", "depth", "opacity"
OUTPUTS = (STYLIZED, PHOTOGRAPHED, SPLIT, DEPTH, OPACITY)
_PAINTED = (STYLIZED, SPLIT)
# Depths are drawn between these shares of them, near ones bright.
_DEPTH_SHARES = (1, 99)
_NEAREST, _FARTHEST = np.array([255.0, 241, 208]), np.array([24.0, 32, 64])


@dataclasses.dataclass(frozen=True)
class Dials:
  """What a client has set.

  Attributes:
    output: one of `OUTPUTS`.
    split: share of the width that is as photographed, with `SPLIT`.
    weights: of styles by name, or by file of a picture; those of 0 do nothing.
    intensity, spread, palette, transfer: as of `StylizedNerf.render`.
    regions: styles of regions by their names; None: as photographed.
    feather: of their edges.
    rows: of the picture, in pixels.
    quality: of JPEGs at rest, 1 to 100.
    moving_quality: of those while the camera moves.
  """

  output: str = STYLIZED
  split: float = 0.5
  weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
  intensity: float = 1.0
  spread: float = 0.0
  palette: float = 1.0
  transfer: str | None = None
  regions: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
  feather: float = 0.15
  rows: int = 378
  quality: int = 90
  moving_quality: int = 40

  @property
  def style(self) -> dict[str, float] | None:
    """The mix, as `StylizedNerf.render` takes it; None: as photographed."""
    total = sum(self.weights.values())
    if total <= 0.0:
      return None
    return {k: v / total for k, v in self.weights.items() if v > 0.0}

  @property
  def is_painted(self) -> bool:
    """Whether anything is to be painted."""
    styles = self.style is not None or bool(self.regions)
    return self.output in _PAINTED and styles

  def paint_key(self) -> tuple:
    """What the colours depend on, for telling whether anything changed."""
    return (
      *(self.intensity, self.spread, self.palette, self.transfer),
      *(tuple((self.style or {}).items()), tuple(self.regions.items())),
      *(self.feather, self.is_painted),
    )


def picture(view: ProgressiveView, dials: Dials, stride: int) -> np.ndarray:
  """Returns what is shown of a view's lattice: [rows, columns, 3] uint8."""
  own = view.photographed(stride)
  if dials.output == DEPTH:
    return depth_picture(own.depth, own.opacity)
  if dials.output == OPACITY:
    return np.repeat(_bytes(own.opacity)[..., None], 3, axis=-1)
  before = _bytes(own.rgb)
  if not dials.is_painted:
    return before
  after = _bytes(view.image(stride).rgb)
  if dials.output == STYLIZED:
    return after
  cut = int(round(dials.split * after.shape[1]))
  both = np.concatenate([before[:, :cut], after[:, cut:]], axis=1)
  both[:, max(0, cut - 1) : cut + 1] = 255
  return both


def grown(view: ProgressiveView, dials: Dials, coarse: int) -> np.ndarray:
  """As `picture` of all pixels, where holes are filled from a lattice."""
  full = picture(view, dials, 1)
  holes = view.holes()
  if holes.any():
    height, width = holes.shape
    small = picture(view, dials, coarse)
    full = np.array(full)
    full[holes] = lattice.spread(small, height, width, coarse)[holes]
  return full


def depth_picture(depth: np.ndarray, opacity: np.ndarray) -> np.ndarray:
  """Draws depths [H, W], near ones bright and warm: [H, W, 3] uint8."""
  there = (opacity >= 0.5) & (depth > 0)
  if not there.any():
    return np.zeros((*depth.shape, 3), np.uint8)
  # Even steps of 1 / depth, as the eye sees them.
  inverse = 1.0 / np.maximum(depth, 1e-9)
  low, high = np.percentile(inverse[there], _DEPTH_SHARES)
  near = np.clip((inverse - low) / max(high - low, 1e-9), 0, 1)[..., None]
  colors = near * _NEAREST + (1 - near) * _FARTHEST
  return np.where(there[..., None], colors, 0.0).round().astype(np.uint8)


def _bytes(values: np.ndarray) -> np.ndarray:
  return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
