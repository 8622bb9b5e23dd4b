"""Opaque pictures of an object on white, where white stands for nothing.

So NSVF's Tanks and Temples and BlendedMVS are stored (NSVF, Liu et al. 2020,
`--transparent-background 1.0,1.0,1.0`; TensoRF, `white_bg`).
"""

import pathlib
from collections.abc import Sequence

import numpy as np

from stylized_nerf_jax.scenes.pictures import image_reader

# So many pictures are looked at, and so much of their rims is white.
_LOOKED_AT, _WHITE_SHARE = 8, 0.5


def is_white(files: Sequence[pathlib.Path]) -> bool:
  """Tells whether pictures show something on pure white.

  Returns:
    whether half of the outermost pixels of some of them, spread evenly, is
    white.

  Raises:
    ValueError: a picture cannot be decoded.
  """
  chosen = np.linspace(0, len(files) - 1, min(_LOOKED_AT, len(files)))
  white, count = 0, 0
  for i in chosen.round().astype(int):
    color, _ = image_reader.decode_rgba(files[i])
    rim = color.min(axis=-1) == 1
    rim[1:-1, 1:-1] = False
    white += int(rim.sum())
    count += rim.size - max(rim.shape[0] - 2, 0) * max(rim.shape[1] - 2, 0)
  return white >= _WHITE_SHARE * count


class Images(image_reader.ImageFiles):
  """images[i]: float32 [H, W, 3], what is white being the background."""

  def rgba(self, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns premultiplied colour [H, W, 3] and alpha [H, W] of one."""
    return _cut_out(self.paths[index], self.sizes[index])

  def decode(self, path, size):
    return image_reader.composite(*_cut_out(path, size), self.background)

  def file_digest(self, index):
    return super().file_digest(index) + self.background.encode()


class Alphas(image_reader.AlphaFiles):
  """alphas[i]: float32 [H, W], 0 where a picture is white."""

  def decode(self, path, size):
    return _cut_out(path, size)[1]


def _cut_out(
  path: pathlib.Path, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
  """Decodes, cuts out and resizes: premultiplied colour and alpha."""
  color, alpha = image_reader.decode_rgba(path)
  if alpha is None:
    alpha = (color.min(axis=-1) < 1).astype(np.float32)
    color = color * alpha[..., None]
  pixels = np.concatenate([color, alpha[..., None]], axis=-1)
  pixels = np.clip(image_reader.resize(pixels, size), 0, 1)
  return pixels[..., :3], pixels[..., 3]
