"""Chosen pixels of views, in blocks of one size, for pictures that grow.

What does not depend on styles is traced once, and what style fields paint is
kept until another mix of styles is asked for: both by the caller. A dial of
colours then only maps and mixes. Where parts of a scene have styles of their
own their samples are not kept, and the painting traces again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from stylized_nerf_jax.models import artist as artist_lib
from stylized_nerf_jax.models import looks as looks_lib
from stylized_nerf_jax.models import region_paints, style_fields
from stylized_nerf_jax.models.dials import Dials
from stylized_nerf_jax.models.style_codes import Style
from stylized_nerf_jax.region_file import Region
from stylized_nerf_jax.rendering import rays as rays_lib
from stylized_nerf_jax.rendering import renderer
from stylized_nerf_jax.rows import devices
from stylized_nerf_jax.scenes import scene as scene_lib


class Paint(NamedTuple):
  """What a view is painted in.

  Attributes:
    looks: of the scene, then of its regions.
    regions: that have looks of their own; a later one lies over earlier ones.
    feather: of their edges.
    parts: style fields that the one it is painted with is mixed of, where what
      each says of a pixel serves for other mixes, too.
  """

  looks: Sequence[looks_lib.Look]
  regions: Sequence[Region] = ()
  feather: float = region_paints.FEATHER
  parts: Sequence[style_fields.Part] = ()

  @property
  def source(self) -> tuple:
    """What `BlockRenderer.paint` depends on, and not `shown` alone."""
    parts = tuple(look.source for look in self.looks)
    if not self.regions:
      return parts
    return (*parts, *(one.name for one in self.regions), self.feather)


class Traced(NamedTuple):
  """What N pixels show, whatever the style.

  Attributes:
    photographed: [N, ...], in the radiance field's own colours.
    packed: [N, 2, K] uint16, see `rendering.geometry_cache.pack`.
  """

  photographed: renderer.Rendered
  packed: np.ndarray


class Painted(NamedTuple):
  """What style fields paint of N pixels, before maps and mixing.

  Attributes:
    rgb: [N, 3]; of P parts of a scene [N, P, 3], each alone.
    own: of parts, in the radiance field's own colours: [N, P, 3]; else [N, 0].
    opacity: of parts: [N, P]; else [N, 0].
  """

  rgb: np.ndarray
  own: np.ndarray
  opacity: np.ndarray


class BlockRenderer:
  """Of one model.

  Args:
    artist: of the model.
    regions: of its scene, by name.
    samples: of each ray that are kept, K.
    block: pixels that are worked on together; fewer are filled up.

  Attributes:
    samples, block: as given.
    encoded_bytes: of what `encode` finds of a pixel.
  """

  def __init__(
    self,
    artist: artist_lib.Artist,
    regions: Mapping[str, Region],
    samples: int,
    block: int,
  ):
    self._artist, self._regions = artist, regions
    self.samples, self.block = samples, block
    self._placed: tuple[Paint, bool, Any] | None = None
    size = artist.renderers.style_field.encoded_size
    self.encoded_bytes = samples * size * np.float16().itemsize

  def camera(self, camera: scene_lib.Camera) -> rays_lib.CameraArrays:
    """Returns a camera of the file frame as the other methods take it."""
    return self._artist.arrays(camera)

  def paint_of(
    self,
    camera: scene_lib.Camera,
    style: Style,
    *,
    regions: Mapping[str, Style] | None = None,
    feather: float = region_paints.FEATHER,
    **dials,
  ) -> Paint:
    """Returns what `StylizedNerf.render` makes of the same arguments.

    Raises:
      ValueError: as there.
    """
    region_paints.check_feather(feather)
    regions = regions or {}
    found = [region_paints.find(self._regions, name) for name in regions]
    chosen = Dials(**dials)
    looks = [
      self._artist.look(camera, one, chosen)
      for one in (style, *regions.values())
    ]
    return Paint(looks, found, feather, self._parts(looks))

  def _parts(self, looks) -> tuple[style_fields.Part, ...]:
    """Parts of a paint; what is computed without tables is not kept."""
    code = looks[0].code if looks[0].stylized else None
    has_tables = self._artist.renderers.style_field.has_tables
    if code is None or len(looks) > 1 or not has_tables:
      return ()
    return self._artist.fields.parts(code)

  def trace(
    self, camera: rays_lib.CameraArrays, index: np.ndarray, width: int
  ) -> Traced:
    """Traces pixels.

    Args:
      camera: from `camera`.
      index: [N] int32, pixels counted row by row, at most `block`.
      width: of the picture.
    """
    trace = self._artist.renderers.tracer(self.samples, self.block)
    own, packed, _ = trace(
      self._artist.placed["field"], camera, self._filled(index), width
    )
    return _cut(Traced(own, packed), len(index))

  def encode(
    self,
    camera: rays_lib.CameraArrays,
    index: np.ndarray,
    width: int,
    packed: np.ndarray,
    place: int,
  ) -> jax.Array:
    """Encodes pixels that were traced by one of the parts of a paint.

    Args:
      camera, index, width: as of `trace`.
      packed: by it, the same pixels.
      place: of the part.

    Returns:
      On the devices, of a whole block, for `paint` of the same pixels.
    """
    encode = self._artist.renderers.encoder()
    return encode(
      self._artist.fields.of_part(place),
      camera,
      self._filled(index),
      width,
      self._filled(packed),
    )

  def paint(
    self,
    camera: rays_lib.CameraArrays,
    index: np.ndarray,
    width: int,
    traced: Traced,
    paint: Paint,
    encoded: Sequence[jax.Array] = (),
  ) -> Painted:
    """Paints pixels that were traced.

    Args:
      camera, index, width: as of `trace`.
      traced: by it, the same pixels.
      paint: from `paint_of`.
      encoded: what `encode` gave for each of its parts, if they are at hand.

    Returns:
      `Painted`, for `shown` with any paint of the same `source`.
    """
    filled, count = self._filled(index), len(index)
    if paint.regions:
      out = self._artist.layers_of_pixels(
        camera, filled, width, paint.looks, paint.regions, paint.feather
      )
      layers = (out.rgb, out.own, out.opacity)
      return Painted(*(np.asarray(values)[:count] for values in layers))
    nothing = np.zeros((count, 0), np.float32)
    look = paint.looks[0]
    if not look.stylized:
      return Painted(traced.photographed.rgb, nothing, nothing)
    assert look.code is not None
    packed = self._filled(traced.packed)
    variables = self._variables(paint, bool(encoded))
    if encoded:
      rgb = self._artist.renderers.encoded_painter()(variables, packed, encoded)
    else:
      paint_traced = self._artist.renderers.painter(
        packed.shape[-1], self.block
      )
      rgb = paint_traced(variables, camera, filled, width, packed)
    return Painted(rgb[:count], nothing, nothing)

  def _variables(self, paint: Paint, encoded: bool):
    """What a paint is painted with, on the devices; the last is kept."""
    kept = self._placed
    if kept is None or kept[0] is not paint or kept[1] != encoded:
      code = paint.looks[0].code
      assert code is not None
      found = self._artist.paint_variables(code, tables=not encoded)
      if encoded:
        shares = [part.share for part in paint.parts]
        found["shares"] = np.array(shares, np.float32)
      kept = self._placed = paint, encoded, devices.replicate(found)
    return kept[2]

  def shown(
    self, photographed: renderer.Rendered, painted: Painted, paint: Paint
  ) -> np.ndarray:
    """Maps and mixes colours of pixels.

    Args:
      photographed: [N, ...], at most `block` pixels.
      painted: the same pixels, with the `source` of this paint.
      paint: from `paint_of`.

    Returns:
      [N, 3], in [0, 1].
    """
    count = len(painted.rgb)
    own = renderer.Rendered(
      *(self._filled(values) for values in _parts(photographed))
    )
    painted = Painted(*(self._filled(values) for values in painted))
    if paint.regions:
      rgb = self._artist.together(*painted, own, paint.looks)
    else:
      rgb = self._artist.shown(painted.rgb, own, paint.looks[0]).rgb
    return np.asarray(rgb)[:count]

  def _filled(self, rows: np.ndarray) -> np.ndarray:
    """Repeats the last row until a block is full."""
    missing = self.block - len(rows)
    if missing < 0 or not len(rows):
      raise ValueError(f"{len(rows)} pixels; expected 1 to {self.block}")
    if not missing:
      return rows
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)])


def _parts(rendered: renderer.Rendered):
  return rendered.rgb, rendered.depth, rendered.opacity


def _cut(traced: Traced, count: int) -> Traced:
  own = (values[:count] for values in _parts(traced.photographed))
  return Traced(renderer.Rendered(*own), traced.packed[:count])
