"""Maps from what each style of a model looks like to its painting's palette.

What a field learned of a palette is near it and no more. The maps are fitted to
its own renders, stored with the model, and applied behind the compositing.
"""

from collections.abc import Callable, Sequence

import flax.struct
import numpy as np

from stylized_nerf_jax.stylizer import (
  color_tables,
  palette,
  palette_transport,
)

# How colours are carried to a painting's palette.
AFFINE, TABLE, NONE = "affine", "table", "none"
TRANSFERS = (NONE, AFFINE, TABLE)
ARRAYS = ("matrix", "offset", "table")  # of `StyleMaps`
_NOTHING = 1e-6  # opacity

# Colours [N, 3] in [0, 1], and how much each counts, [N].
Colors = tuple[np.ndarray, np.ndarray]


@flax.struct.dataclass
class StyleMaps:
  """Of S styles, float32.

  Attributes:
    matrix: [S, 3, 3], A.
    offset: [S, 3], b.
    table: [S, n, n, n, 3], as of `color_tables`.
    transfer: one of TRANSFERS: what is applied where nobody says.
  """

  matrix: np.ndarray
  offset: np.ndarray
  table: np.ndarray
  transfer: str = flax.struct.field(pytree_node=False, default=TABLE)

  def of(self, place: int, transfer: str) -> np.ndarray:
    """Returns a style's map as a table [n, n, n, 3].

    Args:
      place: of the style.
      transfer: AFFINE or TABLE.
    """
    if transfer == TABLE:
      return np.asarray(self.table[place])
    affine = palette.ColorMap(
      np.asarray(self.matrix[place]), np.asarray(self.offset[place])
    )
    return color_tables.of_map(affine, self.table.shape[1])


def own_colors(
  rgb: np.ndarray,
  opacity: np.ndarray,
  background: Sequence[float] | None = None,
) -> Colors:
  """Returns the colours of what is seen, without the background.

  Args:
    rgb: [..., 3], composited.
    opacity: [...], in [0, 1].
    background: [3], or None for black.

  Returns:
    Colours [N, 3], and how much each counts: its opacity.
  """
  behind = np.zeros(3) if background is None else np.asarray(background)
  weight = np.maximum(np.asarray(opacity, np.float64), _NOTHING)[..., None]
  colors = (rgb - (1.0 - weight) * behind) / weight
  return np.clip(colors, 0.0, 1.0).reshape(-1, 3), weight.reshape(-1)


def affine_map(colors: Colors, painting: np.ndarray) -> palette.ColorMap:
  """Returns the affine map that gives colours a painting's palette.

  Args:
    colors: of what is seen.
    painting: [..., 3], colours in [0, 1].
  """
  style = palette.statistics(np.asarray(painting).reshape(-1, 3))
  return palette.transfer(palette.statistics(*colors), style)


def table_of(colors: Colors, painting: np.ndarray, transfer: str) -> np.ndarray:
  """Returns the map that gives colours a painting's palette, as a table.

  Args:
    colors: of what is seen.
    painting: [..., 3], colours in [0, 1].
    transfer: AFFINE or TABLE.

  Returns:
    [n, n, n, 3] float32.
  """
  if transfer == AFFINE:
    affine = color_tables.of_map(affine_map(colors, painting))
    return affine.astype(np.float32)
  return palette_transport.fit(
    colors[0], np.asarray(painting).reshape(-1, 3), colors[1]
  )


def fit_style_maps(
  colors_of: Callable[[int], Colors],
  paintings: Sequence[np.ndarray],
  *,
  transfer: str = TABLE,
  advance: Callable[[], None] = lambda: None,
) -> StyleMaps:
  """Fits the maps of S styles.

  Args:
    colors_of: of the place of a style, what it looks like on the scene.
    paintings: of each style, [..., 3], colours in [0, 1].
    transfer: of the maps, applied where nobody says.
    advance: called after each style.
  """
  matrices, offsets, tables = [], [], []
  for place, painting in enumerate(paintings):
    colors = colors_of(place)
    matrix, offset = affine_map(colors, painting)
    matrices.append(matrix)
    offsets.append(offset)
    tables.append(table_of(colors, painting, TABLE))
    advance()
  return StyleMaps(
    *(np.stack(v).astype(np.float32) for v in (matrices, offsets, tables)),
    transfer=transfer,
  )
