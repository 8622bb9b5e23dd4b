"""What a style under dials comes down to: a code, and maps of its colours."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.models import palettes as palettes_lib
from stylized_nerf_jax.models import style_codes
from stylized_nerf_jax.models.dials import Dials
from stylized_nerf_jax.rendering import recoloring, renderer
from stylized_nerf_jax.stylizer import color_tables, style_maps


def require_styles(params: Mapping[str, Any]) -> None:
  """Raises ValueError unless there is a style field among the parameters."""
  if "style_field" not in params:
    raise user_error.UserError(
      "this model has no style field yet: finish phase 3 with "
      "`stylized-nerf train --phase mutual_learning`"
    )


class Look(NamedTuple):
  """How a scene is to look.

  Attributes:
    code: what style fields paint in; None: as photographed.
    table: [n, n, n, 3], of its colours; None: they stay.
    dials: with which it is shown.
  """

  code: style_codes.Blend | None
  table: np.ndarray | None
  dials: Dials

  @property
  def stylized(self) -> bool:
    """Whether a style field paints it."""
    return self.code is not None and self.dials.intensity > 0.0

  @property
  def source(self) -> bytes | None:
    """What the style field's colours depend on; None: it paints nothing."""
    return self.code.tobytes() if self.stylized and self.code else None

  @property
  def plain(self) -> bool:
    """Whether colours are left as the style field paints them."""
    return self.table is None and self.dials.palette == 1.0

  def shown(
    self, rgb: np.ndarray, photographed: renderer.Rendered, background
  ) -> renderer.Rendered:
    """Maps and mixes what was rendered apart.

    Args:
      rgb: [H, W, 3], painted by the style field; those of `photographed` where
        nothing is stylized.
      photographed: the same view in the radiance field's own colours.
      background: of the scene, [3] or None.
    """
    own, dials, found = photographed.rgb, self.dials, rgb
    if self.table is not None:
      behind = np.zeros(3) if background is None else np.asarray(background)
      found = recoloring.mapped(
        rgb, photographed.opacity, self.table, behind.astype(np.float32)
      )
    strength = dials.intensity
    if not self.stylized:
      strength *= dials.palette
    elif dials.palette < 1.0:
      found = recoloring.in_palette(found, own, np.float32(dials.palette))
    if strength < 1.0:
      found = recoloring.toward(own, found, np.float32(strength))
    return dataclasses.replace(photographed, rgb=np.asarray(found))


class TableChooser:
  """Finds the maps of a model's colours.

  Args:
    codes: of the model's styles; None before phase 3.
    maps: of the styles, as they are stored with the model, or None.
    palettes: of the scene, made when they are first asked for.
  """

  def __init__(
    self,
    codes: style_codes.StyleCodes | None,
    maps: style_maps.StyleMaps | None,
    palettes: Callable[[], palettes_lib.Palettes],
  ):
    self._codes, self._maps, self._palettes = codes, maps, palettes
    self._pictures = palettes_lib.Pictures()

  def table(
    self,
    style: style_codes.Style,
    code: style_codes.Blend | None,
    dials: Dials,
  ) -> np.ndarray | None:
    """Returns the map of a style's colours; None where they stay.

    Args:
      style: None where the code was given, or as photographed.
      code: of the style.
      dials: which say what to map to.

    Raises:
      ValueError: a picture cannot be read, or the model has no maps.
    """
    if dials.intensity == 0.0:
      return None
    transfer = dials.transfer
    if dials.recolor is not None:
      target = self._pictures.target(dials.recolor)
      if transfer == style_maps.NONE:
        raise user_error.UserError(
          f"recolor is {dials.recolor} and transfer is none; expected affine "
          "or table"
        )
      return self._palettes().table(code, target, transfer or style_maps.TABLE)
    if style is None or code is None or self._codes is None:
      return None
    found = []
    for part, share in self._codes.parts(style):
      table = self._of_part(part, code, transfer)
      if table is not None and share > 0.0:
        found.append((table, share))
    if not found:
      return None
    tables, shares = zip(*found)
    return color_tables.mix(tables, shares).astype(np.float32)

  def _of_part(self, part, code, transfer: str | None) -> np.ndarray | None:
    """The map of one style of a mix."""
    if isinstance(part, int):
      if transfer is None:
        transfer = self._maps.transfer if self._maps else style_maps.NONE
      if transfer == style_maps.NONE:
        return None
      if self._maps is None:
        raise user_error.UserError(
          f"transfer is {transfer}, but this model has no maps to the palettes "
          "of its styles: make them with `fit_style_maps`, or render the "
          "folder of its run"
        )
      return self._maps.of(part, transfer)
    if isinstance(part, pathlib.Path) and transfer != style_maps.NONE:
      target = self._pictures.target(part)
      return self._palettes().table(code, target, transfer or style_maps.TABLE)
    return None
