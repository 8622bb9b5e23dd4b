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


class Images(Sequence):
  """images[i]: float32 [H, W, 3], what is white being the background.

  No `ImageFiles`: whoever copies their bytes would lose what white means.

  Args:
    paths: of V opaque pictures.
    sizes: V of (width, height) that they are wanted in.
    background: "white" or "black".
  """

  def __init__(
    self,
    paths: Sequence[pathlib.Path],
    sizes: Sequence[tuple[int, int]],
    *,
    background: str,
  ):
    image_reader.check_background(background)
    self.background = background
    self._files = image_reader.ImageFiles(paths, sizes, background=background)

  def __len__(self) -> int:
    return len(self._files)

  def __getitem__(self, index: int) -> np.ndarray:
    return image_reader.composite(*self.rgba(index), self.background)

  def rgba(self, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns premultiplied colour [H, W, 3] and alpha [H, W] of one."""
    return _cut_out(self._files.paths[index], self._files.sizes[index])

  def file_digest(self, index: int) -> bytes:
    """Returns what tells a file, and how it is decoded, from others."""
    return self._files.file_digest(index) + self.background.encode()


class Alphas(image_reader.AlphaFiles):
  """alphas[i]: float32 [H, W], 0 where a picture is white."""

  def decode(self, path, size):
    return _cut_out(path, size)[1]


def _cut_out(
  path: pathlib.Path, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
  """Decodes, cuts out and resizes: premultiplied colour and alpha."""
  color, _ = image_reader.decode_rgba(path)
  alpha = (color.min(axis=-1, keepdims=True) < 1).astype(np.float32)
  pixels = np.concatenate([color * alpha, alpha], axis=-1)
  pixels = np.clip(image_reader.resize(pixels, size), 0, 1)
  return pixels[..., :3], pixels[..., 3]
