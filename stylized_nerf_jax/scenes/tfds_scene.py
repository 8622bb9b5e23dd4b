"""Reader of scenes in TensorFlow Datasets, as `export-tfds` writes them.

`datasets/posed_scene.py` says what a record holds. All records are read once,
for the cameras; images, alphas, masks and depths are decoded from theirs when
they are asked for.
"""

import hashlib
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import images as image_files
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import tfds_address, tfds_reader

_NEEDED = (
  "index",
  "name",
  "image",
  "camera_to_world",
  "intrinsics",
  "size",
  "lens",
  "distortion",
)


class _Views:
  """The records of all views, in the scene's order.

  Attributes:
    dataset: they are of.
    transparent: whether colours are premultiplied by alpha.
  """

  def __init__(self, dataset, places, sizes, *, transparent: bool):
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
      picture = image_files.EncodedPicture(record["image"], where)
      size = image_files.read_header(picture)[0]
      if size != _size(record):
        raise ValueError(
          f"{where}: the image is {size[0]}x{size[1]}; expected "
          f"{'x'.join(map(str, _size(record)))}, as its camera: export the "
          "scene again"
        )
      color, alpha = image_files.decode_rgba(picture)
    else:
      color = self._array(index, record, "image", np.float32, 3)
    if "alpha" in self.dataset.features:
      alpha = self._array(index, record, "alpha", np.float32)
    return color, alpha

  def _array(self, index: int, record, name: str, dtype, *channels: int):
    """Decompresses an array, no further than the camera's size allows."""
    width, height = _size(record)
    shape = (height, width, *channels)
    stored = record[name]
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    try:
      values = zlib.decompressobj().decompress(stored["value"], expected + 1)
      if tuple(stored["shape"]) != shape or len(values) != expected:
        raise ValueError(f"shape {list(stored['shape'])}")
    except (zlib.error, ValueError, TypeError, KeyError) as error:
      raise ValueError(
        f"{self.dataset.address}: view {index}: {name} is damaged ({error}); "
        f"expected {np.dtype(dtype)} {list(shape)}: export the scene again"
      ) from error
    return np.frombuffer(values, dtype).reshape(shape)


def _size(record: Mapping[str, Any]) -> tuple[int, int]:
  """Returns (width, height) of a record."""
  width, height = record["size"]
  return int(width), int(height)


class _Opaque(Sequence):
  """images[i]: float32 [H, W, 3], nothing laid behind them."""

  def __init__(self, views: _Views):
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


class _Composited(_Opaque):
  """images[i]: float32 [H, W, 3], alpha composited over the background."""

  def __init__(self, views: _Views, *, background: str):
    super().__init__(views)
    self.background = background

  def rgba(self, index: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns premultiplied colour and alpha, as `images.decode_rgba`."""
    color, alpha = self._views.rgba(index)
    size = self._views.sizes[index]
    color = _resize(color, size)
    return color, None if alpha is None else _resize(alpha, size)

  def __getitem__(self, index: int) -> np.ndarray:
    color, alpha = self.rgba(index)
    if alpha is None:
      return color
    behind = image_files.BACKGROUNDS[self.background]
    return color + (1 - alpha[..., None]) * behind

  def file_digest(self, index: int) -> bytes:
    digest = super().file_digest(index) + self.background.encode()
    return hashlib.sha256(digest).digest()


class _Alphas(_Opaque):
  """alphas[i]: float32 [H, W]."""

  def __getitem__(self, index: int) -> np.ndarray:
    color, alpha = self._views.rgba(index)
    if alpha is None:
      alpha = np.ones_like(color[..., 0])
    return _resize(alpha, self._views.sizes[index])


class _Masks(_Opaque):
  """masks[i]: bool [H, W], True where the resized mask is at least half."""

  def __getitem__(self, index: int) -> np.ndarray:
    mask = self._views.array(index, "mask", np.bool_)
    return _resize(mask.astype(np.float32), self._views.sizes[index]) >= 0.5


class _Depths(_Opaque):
  """depths[i]: float32 [H, W], at the size of the record."""

  def __getitem__(self, index: int) -> np.ndarray:
    return self._views.array(index, "depth", np.float32)


def load_tfds(
  path: str, *, downsample: float = 1, background: str = "white"
) -> scene_lib.Scene:
  """Reads a scene of a TensorFlow dataset.

  Args:
    path: its address, see `tfds_address`.
    downsample: width and height are divided by this; depths are known at the
      records' size only.
    background: "white" or "black", under images with alpha.

  Raises:
    ValueError: the dataset is missing, damaged or no `posed_scene`.
  """
  image_files.check_downsample(downsample)
  image_files.check_background(background)
  address = tfds_address.parse(path)
  dataset = tfds_reader.Dataset(address)
  _check_features(dataset)
  facts = _read_facts(dataset)
  places, cameras = _read_cameras(dataset, facts["views"])
  sizes = [
    image_files.downsampled_size((camera.width, camera.height), downsample)
    for camera in cameras
  ]
  views = _Views(dataset, places, sizes, transparent=facts["transparent"])
  has = dataset.features
  messages = []
  depths = _Depths(views) if "depth" in has else None
  if depths is not None and downsample != 1:
    depths = None
    messages.append("exact depths are left out: they are of downsample=1")
  return scene_lib.Scene(
    name=facts["name"],
    format="tfds",
    path=str(address),
    cameras=camera_lib.Cameras.from_list(
      [c.resized(*size) for c, size in zip(cameras, sizes, strict=True)]
    ),
    images=_Composited(views, background=background)
    if facts["transparent"]
    else _Opaque(views),
    masks=_Masks(views) if "mask" in has else None,
    alphas=_Alphas(views) if _has_alpha(has) else None,
    depths=depths,
    layout=facts["layout"],
    near=facts["near"],
    far=facts["far"],
    bounding_box=facts["bounding_box"],
    splits=facts["splits"],
    messages=tuple(messages),
  )


def _has_alpha(features: Mapping[str, Any]) -> bool:
  return "alpha" in features or features["image"].shape[-1] == 4


def _resize(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
  """Resizes float32 [H, W] or [H, W, C], as pictures of files are."""
  if values.shape[1::-1] == tuple(size):
    return values
  whole = values if values.ndim == 3 else values[..., None]
  whole = np.clip(image_files.resize(whole, size), 0, 1)
  return whole if values.ndim == 3 else whole[..., 0]


def _check_features(dataset: tfds_reader.Dataset) -> None:
  missing = [name for name in _NEEDED if name not in dataset.features]
  if missing:
    raise ValueError(
      f"{dataset.address}: is no posed scene (it has no {missing[0]}; found: "
      f"{', '.join(dataset.features)}); expected a dataset that `stylized-nerf "
      "export-tfds` wrote"
    )


def _read_facts(dataset: tfds_reader.Dataset) -> dict[str, Any]:
  """Checks what is noted of the whole scene.

  Returns:
    name, views, layout, near, far, bounding_box, splits and transparent.
  """
  found = dataset.metadata
  try:
    views = int(found["views"])
    box = found["bounding_box"]
    if box is not None:
      box = np.asarray(box, np.float64)
      if box.shape != (2, 3) or not np.isfinite(box).all():
        raise ValueError(f"bounding_box {found['bounding_box']}")
      box = tuple(map(tuple, box.tolist()))
    splits = {
      str(name): tuple(int(view) for view in indices)
      for name, indices in found["splits"].items()
    }
    for name, indices in splits.items():
      if any(not 0 <= view < views for view in indices):
        raise ValueError(f"split {name!r} with views beyond {views}")
    if not views or not splits.get("train"):
      raise ValueError("no view to train on")
    return {
      "name": str(found["name"]),
      "views": views,
      "layout": found["layout"],
      "near": float(found["near"]),
      "far": float(found["far"]),
      "bounding_box": box,
      "splits": splits,
      "transparent": bool(found["transparent"]),
    }
  except (KeyError, TypeError, ValueError, AttributeError) as error:
    raise ValueError(
      f"{dataset.address}: metadata.json does not describe a scene "
      f"({type(error).__name__}: {error}); expected what `stylized-nerf "
      "export-tfds` wrote: export the scene again"
    ) from error


def _read_cameras(
  dataset: tfds_reader.Dataset, count: int
) -> tuple[list[tuple[tfds_reader.Records, int]], list[camera_lib.Camera]]:
  """Reads every record once; returns places and cameras in the scene's order.

  Raises:
    ValueError: a record is damaged, there twice, or missing.
  """
  found = {}
  for split in dataset.splits:
    records = dataset.records(split, decode=False)
    for i in range(len(records)):
      where = f"{dataset.address}: split {split}, record {i}"
      record = records[i]
      view = int(record["index"])
      if view in found or not 0 <= view < count:
        raise ValueError(
          f"{where}: has index {view}; expected each from 0 to {count - 1} once"
        )
      camera = _read_camera(dataset, record, where)
      found[view] = ((records, i), camera)
  if len(found) != count:
    raise ValueError(
      f"{dataset.address}: {len(found)} views; expected {count}, as "
      "metadata.json says: export the scene again"
    )
  ordered = [found[view] for view in range(count)]
  return [place for place, _ in ordered], [camera for _, camera in ordered]


def _read_camera(
  dataset: tfds_reader.Dataset, record: Mapping[str, Any], where: str
) -> camera_lib.Camera:
  def numbers(name):
    return dataset.decode(name, record[name], where=where)

  lens = bytes(record["lens"]).decode(errors="replace")
  if lens not in camera_lib.LENS_TERMS:
    raise ValueError(
      f"{where}: lens is {lens!r}; expected one of "
      f"{', '.join(camera_lib.LENS_TERMS)}"
    )
  terms = numbers("distortion")[: len(camera_lib.LENS_TERMS[lens])]
  pose = camera_lib.check_pose(numbers("camera_to_world"), where=where)
  size = _size(record)
  if not 0 < math.prod(size) <= image_files.MAX_PIXELS or min(size) < 1:
    raise ValueError(
      f"{where}: size is {size[0]}x{size[1]}; expected 1 to "
      f"{image_files.MAX_PIXELS} pixels"
    )
  intrinsics = *numbers("intrinsics"), *size
  camera_lib.check_intrinsics(*intrinsics, where=where)
  camera_lib.check_distortion(terms, lens, where=where)
  name = bytes(record["name"]).decode(errors="replace")
  return camera_lib.Camera(pose, *intrinsics, tuple(terms), lens, name)
