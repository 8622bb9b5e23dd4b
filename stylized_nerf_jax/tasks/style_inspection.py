"""What a collection of paintings holds: damage, near-duplicates, a picture.

Pictures are read one at a time; of each, a hash and a thumbnail are kept.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from stylized_nerf_jax.evaluation import near_duplicates
from stylized_nerf_jax.outputs import contact_sheet
from stylized_nerf_jax.scenes.pictures import picture_sources

# A sheet of more cannot be looked at; it shows so many, evenly spread.
_MOST_TILES = 400
_TILE = 160  # pixels


@dataclasses.dataclass(frozen=True)
class Findings:
  """What was found.

  Attributes:
    count: pictures looked at.
    sizes: smallest and largest short side, in pixels; (0, 0) where all are
      damaged.
    damaged: one line for each picture that cannot be read.
    duplicates: one line for each pair of near-duplicates.
    messages: what is done about colours, and what could not be looked for, and
      why.
    sheet: uint8 [H, W, 3]; or None where it was not asked for, or is empty.
  """

  count: int
  sizes: tuple[int, int]
  damaged: tuple[str, ...]
  duplicates: tuple[str, ...]
  messages: tuple[str, ...]
  sheet: np.ndarray | None


def inspect(
  pictures: Mapping[str, picture_sources.Picture],
  *,
  with_sheet: bool = False,
  advance: Callable[[], None] = lambda: None,
) -> Findings:
  """Reads every picture once.

  Args:
    pictures: by the names of their styles.
    with_sheet: whether a contact sheet is wanted.
    advance: called after every picture.
  """
  shown = set()
  if with_sheet:
    spread = np.linspace(0, len(pictures) - 1, min(len(pictures), _MOST_TILES))
    shown = set(spread.round().astype(int).tolist())
  names, hashes, tiles, labels, sizes = [], [], [], [], []
  damaged, messages = [], []
  colors = picture_sources.describe_colors(pictures.values())
  for index, (name, picture) in enumerate(pictures.items()):
    try:
      pixels = picture.read()
    except ValueError as error:
      damaged.append(str(error))
      advance()
      continue
    sizes.append(min(pixels.shape[:2]))
    if not messages:
      try:
        hashes.append(near_duplicates.hash_picture(pixels))
        names.append(name)
      except near_duplicates.MissingError as error:
        messages.append(str(error))
    if index in shown:
      tiles.append(_shrink(pixels))
      labels.append(name)
    advance()
  if len(pictures) > len(shown) > 0:
    messages.append(f"the sheet shows {len(shown)} of {len(pictures)} pictures")
  pairs = near_duplicates.find_pairs(hashes)
  return Findings(
    count=len(pictures),
    sizes=(min(sizes), max(sizes)) if sizes else (0, 0),
    damaged=tuple(damaged),
    duplicates=tuple(
      f"{names[i]} and {names[j]}, {bits} of {near_duplicates.BITS} bits differ"
      for i, j, bits in pairs
    ),
    messages=(*colors, *messages),
    sheet=contact_sheet.make_contact_sheet(
      tiles, labels=labels, tile_width=_TILE
    )
    if tiles
    else None,
  )


def _shrink(pixels: np.ndarray) -> np.ndarray:
  """Makes a picture fit a square tile, so that strips do not set its size."""
  picture = Image.fromarray(pixels)
  picture.thumbnail((_TILE, _TILE), Image.Resampling.LANCZOS)
  return np.array(picture)
