"""Paints pictures in the styles of a set, in the palettes of its paintings."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from stylized_nerf_jax.scenes.pictures import style_set
from stylized_nerf_jax.stylizer import style_maps, stylize, tiles

# Pixels, the longer side of what palettes are fitted on.
LOOKED_AT = 256


class PicturePainter:
  """Of one set of paintings.

  Args:
    networks: the 2D stylizer.
    paintings: the styles.
    alpha: strength, 0 to 1.
    palette: from the pictures' own chroma, 0, to the paintings' palettes, 1.
    transfer: one of `style_maps.TRANSFERS`.

  Attributes:
    names: of the styles.
  """

  def __init__(
    self,
    networks: stylize.Stylizer,
    paintings: style_set.StyleSet,
    *,
    alpha: float = 1.0,
    palette: float = 1.0,
    transfer: str = style_maps.TABLE,
  ):
    self._pictures = tiles.PictureStylizer(networks)
    self._paintings = paintings
    self._alpha, self._palette, self._transfer = alpha, palette, transfer
    self._statistics: list | None = None
    self.names = paintings.names

  def count(self, pixels: np.ndarray) -> int:
    """Returns how often painting this calls `advance`."""
    return self._pictures.count(*pixels.shape[:2], len(self.names))

  def tables(
    self, pictures: Iterable[np.ndarray]
  ) -> Sequence[np.ndarray] | None:
    """Fits what brings painted pictures to the paintings' palettes.

    Args:
      pictures: uint8 [H, W, 3], looked at together.

    Returns:
      A table for each style, as of `stylizer.color_tables`; None where the
      decoder's colours are to stay.
    """
    if self._transfer == style_maps.NONE or self._alpha == 0.0:
      return None
    painted = [
      list(self._pictures.paint(small, self._measured(), alpha=self._alpha))
      for small in (reduced(pixels, LOOKED_AT) for pixels in pictures)
    ]
    found = []
    for place, painting in enumerate(self._paintings.values()):
      parts = [styles[place].reshape(-1, 3) / 255.0 for styles in painted]
      colors = np.concatenate(parts)
      weights = np.ones(len(colors))
      found.append(
        style_maps.table_of((colors, weights), painting.image, self._transfer)
      )
    return found

  def paint(
    self,
    pixels: np.ndarray,
    tables: Sequence[np.ndarray] | None = None,
    **options,
  ) -> Iterator[np.ndarray]:
    """As `tiles.PictureStylizer.paint`, under the painter's dials."""
    return self._pictures.paint(
      pixels,
      self._measured(),
      alpha=self._alpha,
      tables=tables,
      palette=self._palette,
      **options,
    )

  def _measured(self) -> list:
    """Statistics of the paintings, found when they are first asked for."""
    if self._statistics is None:
      self._statistics = [
        self._pictures.style(painting.image)
        for painting in self._paintings.values()
      ]
    return self._statistics


def reduced(pixels: np.ndarray, longest: int) -> np.ndarray:
  """Reduces a picture so that no side is longer; 0: leaves it as it is."""
  height, width = pixels.shape[:2]
  share = longest / max(height, width)
  if not longest or share >= 1.0:
    return pixels
  size = (max(round(width * share), 1), max(round(height * share), 1))
  resized = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
  return np.asarray(resized)
