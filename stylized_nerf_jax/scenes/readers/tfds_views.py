"""Images, alphas, masks and depths of the records of a `posed_scene` dataset.

`datasets/posed_scene.py` says what a record holds. All is decoded when it is
asked for, and resized as the pictures of files are.
"""

import hashlib
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import tfds_reader
from stylized_nerf_jax.scenes.pictures import image_reader

# Rounding may leave [0, 1] by so much.
_SLACK = 1e-3


class Views:
  """The records of all views, in the scene's order.

  Attributes:
    dataset: they are of.
    sizes: (width, height) that each is wanted in.
    transparent: whether colours are premultiplied by alpha.
  """

  def __init__(
    self,
    dataset: tfds_reader.Dataset,
    places: Sequence[tuple[tfds_reader.Records, int]],
    sizes: Sequence[tuple[int, int]],
    *,
    transparent: bool,
  ):
    self.dataset = dataset
    self.transparent = transparent
    self._places = places
    self.sizes = sizes

  def __len__(self) -> int:
    return len(self._places)

  def record(self, index: int) -> Mapping[str, Any]:
    """Returns the features of a view as they are stored."""
    records, place = self._places[index]
    return records[place]

  def array(self, index: int, name: str, dtype) -> np.ndarray:
    """Decodes a feature: [H, W] of the record's size.

    Raises:
      ValueError: it is damaged, or of another size.
    """
    return self._array(index, self.record(index), name, dtype)

  def rgba(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns colour and alpha of a view, at the size of its record.

    Returns:
      colour: float32 [H, W, 3] in [0, 1], premultiplied if `transparent`.
      alpha: float32 [H, W]; or None where the record has none.

    Raises:
      ValueError: an image is damaged, or of another size than its camera.
    """
    record = self.record(index)
    alpha = None
    if isinstance(record["image"], bytes):
      where = f"{self.dataset.address}: view {index}"
      picture = image_reader.EncodedPicture(record["image"], where)
      size = image_reader.read_header(picture)[0]
      width, height = record_size(record)
      if size != (width, height):
        raise user_error.UserError(
          f"{where}: the image is {size[0]}x{size[1]}; expected "
          f"{width}x{height}, as its camera: export the scene again"
        )
      color, alpha = image_reader.decode_rgba(picture)
    else:
      color = self._array(index, record, "image", np.float32, 3)
    if "alpha" in self.dataset.features:
      alpha = self._array(index, record, "alpha", np.float32)
    return color, alpha

  def _array(self, index: int, record, name: str, dtype, *channels: int):
    """Decompresses an array, no further than the camera's size allows."""
    width, height = record_size(record)
    shape = (height, width, *channels)
    stored = record[name]
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    try:
      values = zlib.decompressobj().decompress(stored["value"], expected + 1)
      if tuple(stored["shape"]) != shape or len(values) != expected:
        raise user_error.UserError(f"shape {list(stored['shape'])}")
    except (zlib.error, ValueError, TypeError, KeyError) as error:
      raise user_error.UserError(
        f"{self.dataset.address}: view {index}: {name} is damaged ({error}); "
        f"expected {np.dtype(dtype)} {list(shape)}: export the scene again"
      ) from error
    array = np.frombuffer(values, dtype).reshape(shape).copy()
    if np.issubdtype(dtype, np.floating):
      limit = np.inf if name == "depth" else 1 + _SLACK
      if not (array.min() >= -_SLACK and array.max() <= limit):
        raise user_error.UserError(
          f"{self.dataset.address}: view {index}: {name} holds values from "
          f"{array.min():g} to {array.max():g}; expected 0 to {limit:g}: "
          "export the scene again"
        )
    return array


def record_size(record: Mapping[str, Any]) -> tuple[int, int]:
  """Returns (width, height) of a record."""
  width, height = record["size"]
  return int(width), int(height)


class OpaqueImages(Sequence):
  """images[i]: float32 [H, W, 3], nothing laid behind them."""

  def __init__(self, views: Views):
    self._views = views

  def __len__(self) -> int:
    return len(self._views)

  def __getitem__(self, index: int) -> np.ndarray:
    return _resize(self._views.rgba(index)[0], self._views.sizes[index])

  def file_digest(self, index: int) -> bytes:
    """Returns the sha256 of a stored image, and of how it is decoded."""
    record = self._views.record(index)
    digest = hashlib.sha256()
    for name in ("image", "alpha", "mask"):
      if name in record:
        stored = record[name]
        stored = stored["value"] if isinstance(stored, Mapping) else stored
        digest.update(hashlib.sha256(stored).digest())
    digest.update(repr(self._views.sizes[index]).encode())
    return digest.digest()


class CompositedImages(OpaqueImages):
  """images[i]: float32 [H, W, 3], alpha composited over the background."""

  def __init__(self, views: Views, *, background: str):
    super().__init__(views)
    self.background = background

  def rgba(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns premultiplied colour and alpha, as `image_reader.decode_rgba`."""
    color, alpha = self._views.rgba(index)
    size = self._views.sizes[index]
    color = _resize(color, size)
    return color, None if alpha is None else _resize(alpha, size)

  def __getitem__(self, index: int) -> np.ndarray:
    return image_reader.composite(*self.rgba(index), self.background)

  def file_digest(self, index: int) -> bytes:
    digest = super().file_digest(index) + self.background.encode()
    return hashlib.sha256(digest).digest()


class Alphas(OpaqueImages):
  """alphas[i]: float32 [H, W]."""

  def __getitem__(self, index: int) -> np.ndarray:
    color, alpha = self._views.rgba(index)
    if alpha is None:
      alpha = np.ones_like(color[..., 0])
    return _resize(alpha, self._views.sizes[index])


class Masks(OpaqueImages):
  """masks[i]: bool [H, W], True where the resized mask is at least half."""

  def __getitem__(self, index: int) -> np.ndarray:
    mask = self._views.array(index, "mask", np.bool_)
    return _resize(mask.astype(np.float32), self._views.sizes[index]) >= 0.5


class Depths(OpaqueImages):
  """depths[i]: float32 [H, W], at the size of the record."""

  def __getitem__(self, index: int) -> np.ndarray:
    return self._views.array(index, "depth", np.float32)


def _resize(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
  """Resizes float32 [H, W] or [H, W, C], as pictures of files are."""
  if values.shape[1::-1] == tuple(size):
    return values
  whole = values if values.ndim == 3 else values[..., None]
  whole = np.clip(image_reader.resize(whole, size), 0, 1)
  return whole if values.ndim == 3 else whole[..., 0]
