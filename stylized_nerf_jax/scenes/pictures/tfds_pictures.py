"""The pictures of any image dataset in TensorFlow Datasets, by index.

Names are those that `style_images` notes of its pictures; pictures of other
datasets are named by dataset and index. Nothing is read before a picture is.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import tfds_address, tfds_reader
from stylized_nerf_jax.scenes.pictures import picture_files


@dataclasses.dataclass(frozen=True, slots=True)
class RecordPicture:
  """One record's picture."""

  pictures: "TfdsPictures"
  index: int

  @property
  def stem(self) -> str:
    """The name it was exported under, or dataset and index."""
    return self.pictures.stem(self.index)

  @property
  def name(self) -> str:
    """The same; a record has no file name."""
    return self.stem

  @property
  def origin(self) -> str:
    """Dataset and record."""
    return f"{self.pictures.dataset.address}, record {self.index}"

  def read(self) -> np.ndarray:
    """Decodes the picture."""
    return self.pictures.read(self.index)

  def encoded(self) -> bytes | None:
    """Returns a file of the picture, if it is stored as one."""
    return self.pictures.encoded(self.index)


class TfdsPictures(Sequence):
  """The pictures of one split.

  Args:
    dataset: it is of.
    feature: name of the one that holds the picture.
  """

  def __init__(self, dataset: tfds_reader.Dataset, feature: str):
    self.dataset = dataset
    self._feature = feature
    # Pictures that this project exported are decoded as files are; those of
    # other datasets as TFDS does.
    self._own = dataset.metadata.get("kind") == "style_images"
    self._records = dataset.records(decode=not self._own)
    self._names = dataset.metadata.get("names", ()) if self._own else ()
    if self._own and len(self._names) != len(self._records):
      self._names = ()  # A part of a split: its records know their names.

  def __len__(self) -> int:
    return len(self._records)

  def __getitem__(self, index: int) -> RecordPicture:
    return RecordPicture(self, range(len(self))[index])

  def stem(self, index: int) -> str:
    """Returns the name of a picture."""
    if self._names:
      return str(self._names[index])
    if self._own and "name" in self.dataset.features:
      return bytes(self._records[index]["name"]).decode(errors="replace")
    digits = len(str(len(self) - 1))
    name = tfds_reader.display_name(self.dataset.address)
    return f"{name}-{index:0{digits}d}"

  def read(self, index: int) -> np.ndarray:
    """Decodes a picture: uint8 [H, W, 3].

    Raises:
      ValueError: the record or its picture is damaged.
    """
    where = f"{self.dataset.address}: record {index}"
    value = self._value(index, where)
    if self._own:
      return picture_files.decode_picture(value, where=where)
    pixels = np.asarray(value)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or 0 in pixels.shape:
      raise user_error.UserError(
        f"{where}: {self._feature} is {pixels.dtype} {list(pixels.shape)}; "
        "expected uint8 [height, width, channels]"
      )
    return _to_rgb(pixels)

  def encoded(self, index: int) -> bytes | None:
    """Returns a PNG or JPEG file of the picture, if it is stored as one."""
    if not self._own:
      return None
    return self._value(index, f"{self.dataset.address}: record {index}")

  def _value(self, index: int, where: str) -> Any:
    record = self._records[index]
    if self._feature not in record:
      raise user_error.UserError(f"{where}: has no {self._feature}")
    return record[self._feature]


def open_pictures(text: str) -> TfdsPictures:
  """Opens the pictures that an address names.

  Raises:
    ValueError: the dataset is not there, cannot be read by index, is empty, or
      has no picture, or several among which the address does not choose.
  """
  address = tfds_address.parse(text)
  dataset = tfds_reader.Dataset(address)
  pictures = TfdsPictures(dataset, _find_feature(dataset))
  if not len(pictures):
    raise user_error.UserError(f"{address}: holds no record; expected pictures")
  return pictures


def _find_feature(dataset: tfds_reader.Dataset) -> str:
  """Returns the name of the feature that holds the picture."""
  address = dataset.address
  found = _image_features(dataset.features)
  if not found:
    raise user_error.UserError(
      f"{address}: has no picture (its features: "
      f"{', '.join(dataset.features)}); expected an image dataset"
    )
  if address.image:
    if address.image not in found:
      raise user_error.UserError(
        f"{address}: image={address.image} is no picture of it; expected one "
        f"of {', '.join(found)}"
      )
    return address.image
  if "image" in found:
    return "image"
  if len(found) > 1:
    raise user_error.UserError(
      f"{address}: has several pictures ({', '.join(found)}); choose one with "
      f"&image={found[0]}"
    )
  return found[0]


def _image_features(features: Mapping[str, Any]) -> list[str]:
  """Names the features that are 8-bit pictures, not label or depth maps."""
  import tensorflow_datasets as tfds

  return sorted(
    name
    for name, feature in features.items()
    if isinstance(feature, tfds.features.Image)
    and feature.np_dtype == np.uint8
    and not feature.use_colormap
    and len(feature.shape) == 3
  )


def _to_rgb(pixels: np.ndarray) -> np.ndarray:
  """Makes uint8 [H, W, 1, 3 or 4] colour, transparency laid over white."""
  if pixels.shape[-1] < 3:
    return np.repeat(pixels[..., :1], 3, axis=-1)
  if pixels.shape[-1] == 3:
    return pixels
  alpha = pixels[..., 3:].astype(np.float32) / 255
  laid = pixels[..., :3] * alpha + 255 * (1 - alpha)
  return np.round(laid).astype(np.uint8)
