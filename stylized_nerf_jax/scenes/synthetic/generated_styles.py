"""Styles that this project paints itself, for the demo and for training.

Each picture is made of noise, strokes and pieces; no file is read. `generate`
always gives the same picture for a name; `variations` draws others of its
kind: another composition, stroke scale, palette and orientation.
"""

import zlib
from collections.abc import Callable

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes.synthetic.painters import (
  canvas,
  cubist,
  great_swell,
  ink_wash,
  mosaic,
  pointillist,
  stained_glass,
  swirling_night,
  woodcut,
)

Painter = Callable[[np.random.Generator, int, int, float], np.ndarray]

_PAINTERS: dict[str, Painter] = {
  "swirling-night": swirling_night.swirling_night,
  "pointillist-shore": pointillist.pointillist_shore,
  "mosaic": mosaic.mosaic,
  "stained-glass": stained_glass.stained_glass,
  "cubist-guitar": cubist.cubist,
  "woodcut": woodcut.woodcut,
  "ink-wash": ink_wash.ink_wash,
  "great-swell": great_swell.great_swell,
}
NAMES = tuple(_PAINTERS)
# Luma, and two chroma axes that a hue rotation turns about it.
_RGB_TO_YIQ = np.array(
  [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]
)


def generate(name: str, *, size: int = 512) -> np.ndarray:
  """Paint one of `NAMES`.

  Args:
    name: which.
    size: short side in pixels; 512 is what the painters were tuned at.

  Returns:
    uint8 [size, 1.25 * size, 3], the same at every call.

  Raises:
    ValueError: the name is unknown.
  """
  return canvas.to_bytes(_paint(name, 0, size, 1.0))


def variations(name: str, seed: int, *, size: int = 512) -> np.ndarray:
  """Paint a random variant of one of `NAMES`.

  Args:
    name: which kind.
    seed: any integer of at least 0; the same seed gives the same picture.
    size: short side in pixels.

  Returns:
    uint8 [H, W, 3] with min(H, W) == size; upright, mirrored or turned.

  Raises:
    ValueError: the name is unknown.
  """
  # Painting and choosing use different streams, so that a new choice here
  # does not change what the painters draw.
  rng = np.random.default_rng([seed, 1, zlib.crc32(name.encode())])
  scale = float(np.exp(rng.uniform(np.log(0.6), np.log(1.7))))
  picture = _paint(name, seed + 1, size, scale)
  picture = _recolour(rng, picture)
  if rng.random() < 0.5:
    picture = picture[:, ::-1]
  if rng.random() < 0.25:
    picture = np.swapaxes(picture, 0, 1)
  return np.ascontiguousarray(canvas.to_bytes(picture))


def _paint(name: str, seed: int, size: int, scale: float) -> np.ndarray:
  if name not in _PAINTERS:
    raise user_error.UserError(
      f"no generated style is named {name!r}; known: {', '.join(NAMES)}"
    )
  rng = np.random.default_rng(seed)
  return _PAINTERS[name](rng, size, size * 5 // 4, scale)


def _recolour(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
  """Turn the hues, and change saturation and contrast, of [H, W, 3]."""
  # Half of the variants keep nearly their own palette.
  turn = rng.normal(0, 0.15) if rng.random() < 0.5 else rng.uniform(-3.1, 3.1)
  vivid = rng.uniform(0.55, 1.35)
  cosine, sine = vivid * np.cos(turn), vivid * np.sin(turn)
  chroma = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
  matrix = np.linalg.inv(_RGB_TO_YIQ) @ chroma @ _RGB_TO_YIQ
  turned = np.clip(picture, 0, 1) @ matrix.T
  return np.clip(turned, 0, 1) ** np.exp(rng.normal(0, 0.2))
