"""Reader of scenes in TensorFlow Datasets, as `export-tfds` writes them.

`datasets/posed_scene.py` says what a record holds. All records are read once,
for the cameras; images, alphas, masks and depths are decoded from theirs when
they are asked for.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from stylized_nerf_jax import user_error
from stylized_nerf_jax.scenes import cameras as camera_lib
from stylized_nerf_jax.scenes import scene as scene_lib
from stylized_nerf_jax.scenes import tfds_address, tfds_reader
from stylized_nerf_jax.scenes.pictures import image_reader
from stylized_nerf_jax.scenes.readers import tfds_views

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
  image_reader.check_downsample(downsample)
  image_reader.check_background(background)
  address = tfds_address.parse(path)
  dataset = tfds_reader.Dataset(address)
  _check_features(dataset)
  facts = _read_facts(dataset)
  places, cameras = _read_cameras(dataset, facts["views"])
  sizes = [
    image_reader.downsampled_size((camera.width, camera.height), downsample)
    for camera in cameras
  ]
  views = tfds_views.Views(
    dataset, places, sizes, transparent=facts["transparent"]
  )
  has = dataset.features
  messages = []
  depths = tfds_views.Depths(views) if "depth" in has else None
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
    images=tfds_views.CompositedImages(views, background=background)
    if facts["transparent"]
    else tfds_views.OpaqueImages(views),
    masks=tfds_views.Masks(views) if "mask" in has else None,
    alphas=tfds_views.Alphas(views) if _has_alpha(has) else None,
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


def _check_features(dataset: tfds_reader.Dataset) -> None:
  missing = [name for name in _NEEDED if name not in dataset.features]
  if missing:
    raise user_error.UserError(
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
        raise user_error.UserError(f"bounding_box {found['bounding_box']}")
      box = tuple(map(tuple, box.tolist()))
    splits = {
      str(name): tuple(int(view) for view in indices)
      for name, indices in found["splits"].items()
    }
    for name, indices in splits.items():
      if any(not 0 <= view < views for view in indices):
        raise user_error.UserError(f"split {name!r} with views beyond {views}")
    if not views or not splits.get("train"):
      raise user_error.UserError("no view to train on")
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
  except (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
  ) as error:
    raise user_error.UserError(
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
      # So read records that lay where a file was cut off at a block's end.
      if any(value is None for value in record.values()):
        raise user_error.UserError(
          f"{where}: is empty; expected a view: the file is cut off, copy or "
          "export it again"
        )
      view = int(record["index"])
      if view in found or not 0 <= view < count:
        raise user_error.UserError(
          f"{where}: has index {view}; expected each from 0 to {count - 1} once"
        )
      camera = _read_camera(dataset, record, where)
      found[view] = ((records, i), camera)
  if len(found) != count:
    raise user_error.UserError(
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
    raise user_error.UserError(
      f"{where}: lens is {lens!r}; expected one of "
      f"{', '.join(camera_lib.LENS_TERMS)}"
    )
  terms = numbers("distortion")[: len(camera_lib.LENS_TERMS[lens])]
  pose = camera_lib.check_pose(numbers("camera_to_world"), where=where)
  size = tfds_views.record_size(record)
  if not 0 < math.prod(size) <= image_reader.MAX_PIXELS or min(size) < 1:
    raise user_error.UserError(
      f"{where}: size is {size[0]}x{size[1]}; expected 1 to "
      f"{image_reader.MAX_PIXELS} pixels"
    )
  intrinsics = *numbers("intrinsics"), *size
  camera_lib.check_intrinsics(*intrinsics, where=where)
  camera_lib.check_distortion(terms, lens, where=where)
  name = bytes(record["name"]).decode(errors="replace")
  return camera_lib.Camera(pose, *intrinsics, tuple(terms), lens, name)
